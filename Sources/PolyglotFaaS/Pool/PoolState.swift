import DequeModule

/// All decisions of the worker pool, and nothing else: no clock, no process, no lock. Every call returns what is to be done, and
/// takes about as long with thousands of functions as with one.
///
/// A worker serves one function and one invocation at a time. An invocation that finds no idle worker waits; for it a worker
/// is started as far as the limits allow. A slot is charged until the worker's end is confirmed, so that a machine full of
/// dying processes is not given more, but for the few that `Limits.endingAllowance` lets overlap with their successors.
struct PoolState<FunctionKey: Hashable & Sendable>: Sendable {
    typealias WorkerID = UInt64
    /// Numbers grow, so the smaller one has waited longer.
    typealias WaiterID = UInt64

    struct Limits: Equatable, Sendable {
        var workersPerFunction: Int
        var workers: Int
        var waitingPerFunction: Int
        var waiting: Int
        /// Nanoseconds an unused worker stays.
        var idleTimeout: Int64
        /// So many workers that have been told to end need not have ended before others take their places.
        var endingAllowance: Int
    }

    enum Rejection: Equatable, Sendable {
        case functionQueueFull
        case hostQueueFull
        case shuttingDown
    }

    enum Action: Equatable, Sendable {
        case start(WorkerID, FunctionKey)
        case run(WaiterID, on: WorkerID)
        case end(WorkerID)
        case reject(WaiterID, Rejection)
    }

    private enum WorkerState: Equatable {
        case starting
        case idle(since: Int64)
        case busy
        case ending
    }

    private struct WorkerRecord {
        let function: Int
        var state: WorkerState
    }

    private struct FunctionRecord {
        let key: FunctionKey
        let maximumWorkers: Int
        /// Starting, idle, busy and ending.
        var workers = 0
        var starting = 0
        /// Least recently used first.
        var idle: [WorkerID] = []
        /// In order of arrival; may hold waiters that have been removed since.
        var queue: Deque<WaiterID> = []
        var waiting = 0
        var isUnserved = false
        var isGrowing = false
    }

    private let limits: Limits
    /// How many workers this function may have, if that differs from the others.
    private let ownMaximum: @Sendable (FunctionKey) -> Int?
    private var workers: [WorkerID: WorkerRecord] = [:]
    private var endingCount = 0
    private(set) var idleCount = 0
    /// Functions by number; a number that is free has nil.
    private var functions: [FunctionRecord?] = []
    private var freeNumbers: [Int] = []
    private var numbers: [FunctionKey: Int] = [:]
    private var waiters: [WaiterID: Int] = [:]
    private var lastWorker: WorkerID = 0
    private var isShuttingDown = false

    // Each of these three holds everything that it should, in order, and perhaps more that was there once: whoever takes the first
    // one looks whether it still belongs there.

    /// Functions with invocations that wait and no worker at all, in the order in which they came to be so.
    private var unserved: Deque<Int> = []
    /// The same for functions that have workers, but fewer than they could use.
    private var growing: Deque<Int> = []
    /// Idle workers, the one that has been idle longest first.
    private var idleWorkers: Deque<(worker: WorkerID, since: Int64)> = []

    init(limits: Limits, ownMaximum: @escaping @Sendable (FunctionKey) -> Int? = { _ in nil }) {
        self.limits = limits
        self.ownMaximum = ownMaximum
    }

    var workerCount: Int { workers.count }
    var waitingCount: Int { waiters.count }
    var functionCount: Int { numbers.count }

    // MARK: Invocations

    /// An invocation wants a worker.
    mutating func add(_ waiter: WaiterID, for key: FunctionKey) -> [Action] {
        if isShuttingDown { return [.reject(waiter, .shuttingDown)] }
        if let function = numbers[key] {
            if let worker = functions[function]!.idle.popLast() {
                idleCount -= 1
                workers[worker]!.state = .busy
                return [.run(waiter, on: worker)]
            }
            if functions[function]!.waiting >= limits.waitingPerFunction { return [.reject(waiter, .functionQueueFull)] }
        }
        if waiters.count >= limits.waiting { return [.reject(waiter, .hostQueueFull)] }
        let function = number(of: key)
        waiters[waiter] = function
        functions[function]!.queue.append(waiter)
        functions[function]!.waiting += 1
        list(function)
        return startWorkers()
    }

    /// An invocation that waits has been cancelled or is too late. Returns false if it does not wait (any more).
    mutating func remove(_ waiter: WaiterID) -> Bool {
        guard let function = waiters.removeValue(forKey: waiter) else { return false }
        functions[function]!.waiting -= 1
        forgetIfUnused(function)
        return true
    }

    private mutating func takeWaiter(of function: Int) -> WaiterID? {
        while let waiter = functions[function]!.queue.popFirst() {
            guard waiters.removeValue(forKey: waiter) != nil else { continue }
            functions[function]!.waiting -= 1
            return waiter
        }
        return nil
    }

    private mutating func oldestWaiter(of function: Int) -> WaiterID? {
        while let waiter = functions[function]!.queue.first {
            if waiters[waiter] != nil { return waiter }
            functions[function]!.queue.removeFirst()
        }
        return nil
    }

    // MARK: Workers

    /// A worker has loaded its function, or is pristine again.
    mutating func workerIsReady(_ worker: WorkerID, now: Int64) -> [Action] {
        guard let record = workers[worker], record.state == .starting || record.state == .busy else { return [] }
        let function = record.function
        if record.state == .starting { functions[function]!.starting -= 1 }
        if isShuttingDown || shouldGiveWay(function) { return [end(worker)] }
        if let waiter = takeWaiter(of: function) {
            workers[worker]!.state = .busy
            return [.run(waiter, on: worker)]
        }
        workers[worker]!.state = .idle(since: now)
        functions[function]!.idle.append(worker)
        idleCount += 1
        idleWorkers.append((worker, now))
        forgetFormerlyIdle()
        return []
    }

    /// A busy worker has answered and is on its way back to being pristine. Returns an invocation to send to it already, if one
    /// waits: the worker then need not wait for it.
    mutating func workerHasAnswered(_ worker: WorkerID) -> WaiterID? {
        guard let record = workers[worker], record.state == .busy, !isShuttingDown, !shouldGiveWay(record.function) else { return nil }
        return takeWaiter(of: record.function)
    }

    /// The invocation that was sent ahead to a worker that ended before it took it on: it waits again, as the first.
    mutating func putBack(_ waiter: WaiterID, for key: FunctionKey) -> [Action] {
        if isShuttingDown { return [.reject(waiter, .shuttingDown)] }
        let function = number(of: key)
        waiters[waiter] = function
        functions[function]!.queue.prepend(waiter)
        functions[function]!.waiting += 1
        list(function)
        return startWorkers()
    }

    /// Whether a ready worker of this function should make room: the host is full, and another function that has no worker at
    /// all has waited longer than anybody waits for this one.
    private mutating func shouldGiveWay(_ function: Int) -> Bool {
        guard workers.count >= limits.workers, let other = firstUnserved(), other != function else { return false }
        return oldestWaiter(of: other)! < oldestWaiter(of: function) ?? .max
    }

    /// The function does not load. Returns the invocations to fail: whoever waits for it now would see the same.
    mutating func loadFailed(_ worker: WorkerID) -> [WaiterID] {
        guard let record = workers[worker], record.state == .starting else { return [] }
        functions[record.function]!.starting -= 1
        _ = end(worker)
        var failed: [WaiterID] = []
        while let waiter = takeWaiter(of: record.function) { failed.append(waiter) }
        return failed
    }

    private mutating func end(_ worker: WorkerID) -> Action {
        workers[worker]!.state = .ending
        endingCount += 1
        return .end(worker)
    }

    /// A worker has ended, for whatever reason. If it never became ready, the invocation that has waited longest for it fails.
    mutating func workerEnded(_ worker: WorkerID) -> (actions: [Action], failed: WaiterID?) {
        guard let record = workers.removeValue(forKey: worker) else { return ([], nil) }
        let function = record.function
        functions[function]!.workers -= 1
        var failed: WaiterID?
        switch record.state {
        case .starting:
            functions[function]!.starting -= 1
            failed = takeWaiter(of: function)
        case .idle:
            idleCount -= 1
            functions[function]!.idle.removeAll { $0 == worker }
        case .busy: break
        case .ending: endingCount -= 1
        }
        list(function)
        let actions = startWorkers()
        forgetIfUnused(function)
        return (actions, failed)
    }

    // MARK: Starting workers

    /// Starts workers for those who wait: functions without a worker first, the longest wait first, as far as the limits allow.
    /// Where the host's limit is in the way, the idle worker that has been unused longest ends; its slot is given on when its end
    /// is confirmed, or at once if few are ending.
    private mutating func startWorkers() -> [Action] {
        guard !isShuttingDown, !waiters.isEmpty else { return [] }
        var actions: [Action] = []
        while let function = firstUnserved() ?? firstGrowing() {
            if workers.count - min(endingCount, limits.endingAllowance) >= limits.workers {
                guard endingCount < max(1, limits.endingAllowance), let victim = leastRecentlyUsedWorker() else { return actions }
                functions[workers[victim]!.function]!.idle.removeAll { $0 == victim }
                idleCount -= 1
                actions.append(end(victim))
                continue
            }
            lastWorker += 1
            workers[lastWorker] = WorkerRecord(function: function, state: .starting)
            functions[function]!.workers += 1
            functions[function]!.starting += 1
            actions.append(.start(lastWorker, functions[function]!.key))
            list(function)
        }
        return actions
    }

    /// Notes a function that could use a worker, if it is not noted yet.
    private mutating func list(_ function: Int) {
        if isUnserved(function) {
            if !functions[function]!.isUnserved { unserved.append(function) }
            functions[function]!.isUnserved = true
        } else if isGrowing(function) {
            if !functions[function]!.isGrowing { growing.append(function) }
            functions[function]!.isGrowing = true
        }
    }

    private func isUnserved(_ function: Int) -> Bool { functions[function].map { $0.workers == 0 && $0.waiting > 0 } ?? false }

    private func isGrowing(_ function: Int) -> Bool {
        functions[function].map { $0.workers > 0 && $0.waiting > $0.starting && $0.workers < $0.maximumWorkers } ?? false
    }

    private mutating func firstUnserved() -> Int? {
        while let function = unserved.first {
            if isUnserved(function) { return function }
            unserved.removeFirst()
            functions[function]?.isUnserved = false
        }
        return nil
    }

    private mutating func firstGrowing() -> Int? {
        while let function = growing.first {
            if isGrowing(function) { return function }
            growing.removeFirst()
            functions[function]?.isGrowing = false
        }
        return nil
    }

    private func isIdle(_ entry: (worker: WorkerID, since: Int64)) -> Bool { workers[entry.worker]?.state == .idle(since: entry.since) }

    private mutating func leastRecentlyUsedWorker() -> WorkerID? {
        while let entry = idleWorkers.popFirst() {
            if isIdle(entry) { return entry.worker }
        }
        return nil
    }

    /// Keeps the list from growing with every call.
    private mutating func forgetFormerlyIdle() {
        if idleWorkers.count > 2 * idleCount + 64 { idleWorkers = Deque(idleWorkers.filter(isIdle)) }
    }

    // MARK: Functions

    private mutating func number(of key: FunctionKey) -> Int {
        if let number = numbers[key] { return number }
        let number: Int
        if let free = freeNumbers.popLast() {
            number = free
            functions[free] = FunctionRecord(key: key, maximumWorkers: ownMaximum(key) ?? limits.workersPerFunction)
        } else {
            number = functions.count
            functions.append(FunctionRecord(key: key, maximumWorkers: ownMaximum(key) ?? limits.workersPerFunction))
        }
        numbers[key] = number
        return number
    }

    private mutating func forgetIfUnused(_ function: Int) {
        guard let record = functions[function], record.workers == 0, record.waiting == 0 else { return }
        numbers[record.key] = nil
        // A number that is still in a list would mean another function there.
        if record.isUnserved { unserved.removeAll { $0 == function } }
        if record.isGrowing { growing.removeAll { $0 == function } }
        functions[function] = nil
        freeNumbers.append(function)
    }

    // MARK: Time and the end

    /// Ends the workers that nobody has used for the idle timeout.
    mutating func endIdleWorkers(now: Int64) -> [Action] {
        let timeout = limits.idleTimeout
        return endIdleWorkers { now - $0 >= timeout }
    }

    private mutating func endIdleWorkers(where isDue: (Int64) -> Bool) -> [Action] {
        var actions: [Action] = []
        while let entry = idleWorkers.first {
            if isIdle(entry) {
                guard isDue(entry.since) else { break }
                functions[workers[entry.worker]!.function]!.idle.removeAll { $0 == entry.worker }
                idleCount -= 1
                actions.append(end(entry.worker))
            }
            idleWorkers.removeFirst()
        }
        return actions
    }

    /// Accepts nothing more: who waits is rejected, idle workers end, busy ones end when they are done.
    mutating func shutDown() -> [Action] {
        isShuttingDown = true
        let rejected = waiters.keys.sorted().map { Action.reject($0, .shuttingDown) }
        for waiter in Array(waiters.keys) { _ = remove(waiter) }
        return rejected + endIdleWorkers { _ in true }
    }
}
