import DequeModule

/// All decisions of the worker pool, and nothing else: no clock, no process, no lock. Every call returns what is to be done.
///
/// A worker serves one function and one invocation at a time. An invocation that finds no idle worker waits; for it a worker
/// is started as far as the limits allow. A slot is charged until the worker's end is confirmed, so that a machine full of
/// dying processes is not given more.
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
        let function: FunctionKey
        var state: WorkerState
    }

    private struct FunctionRecord {
        /// Starting, idle, busy and ending.
        var workers = 0
        var starting = 0
        /// Least recently used first.
        var idle: [WorkerID] = []
        /// In order of arrival; may hold waiters that have been removed since.
        var queue: Deque<WaiterID> = []
        var waiting = 0
    }

    private let limits: Limits
    private var workers: [WorkerID: WorkerRecord] = [:]
    private var functions: [FunctionKey: FunctionRecord] = [:]
    private var waiters: [WaiterID: FunctionKey] = [:]
    private var lastWorker: WorkerID = 0
    private var isShuttingDown = false

    init(limits: Limits) { self.limits = limits }

    var workerCount: Int { workers.count }
    var waitingCount: Int { waiters.count }
    var functionCount: Int { functions.count }
    var idleCount: Int { functions.values.reduce(0) { $0 + $1.idle.count } }

    // MARK: Invocations

    /// An invocation wants a worker.
    mutating func add(_ waiter: WaiterID, for function: FunctionKey) -> [Action] {
        if isShuttingDown { return [.reject(waiter, .shuttingDown)] }
        if let worker = functions[function]?.idle.popLast() {
            workers[worker]!.state = .busy
            return [.run(waiter, on: worker)]
        }
        if functions[function]?.waiting ?? 0 >= limits.waitingPerFunction { return [.reject(waiter, .functionQueueFull)] }
        if waiters.count >= limits.waiting { return [.reject(waiter, .hostQueueFull)] }
        waiters[waiter] = function
        functions[function, default: FunctionRecord()].queue.append(waiter)
        functions[function]!.waiting += 1
        // Whatever the others need has been done for them, or waits for a worker to end. So only this one is looked at: there may
        // be thousands.
        return startWorkers { $0.needsWorker(function) ? function : nil }
    }

    /// An invocation that waits has been cancelled or is too late. Returns false if it does not wait (any more).
    mutating func remove(_ waiter: WaiterID) -> Bool {
        guard let function = waiters.removeValue(forKey: waiter) else { return false }
        functions[function]!.waiting -= 1
        forgetIfUnused(function)
        return true
    }

    private mutating func takeWaiter(of function: FunctionKey) -> WaiterID? {
        while let waiter = functions[function]?.queue.popFirst() {
            guard waiters.removeValue(forKey: waiter) != nil else { continue }
            functions[function]!.waiting -= 1
            return waiter
        }
        return nil
    }

    private mutating func oldestWaiter(of function: FunctionKey) -> WaiterID? {
        while let waiter = functions[function]?.queue.first {
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
        if isShuttingDown || shouldGiveWay(function) {
            workers[worker]!.state = .ending
            return [.end(worker)]
        }
        if let waiter = takeWaiter(of: function) {
            workers[worker]!.state = .busy
            return [.run(waiter, on: worker)]
        }
        workers[worker]!.state = .idle(since: now)
        functions[function]!.idle.append(worker)
        return []
    }

    /// A busy worker has answered and is on its way back to being pristine. Returns an invocation to send to it already, if one
    /// waits: the worker then need not wait for it.
    mutating func workerHasAnswered(_ worker: WorkerID) -> WaiterID? {
        guard let record = workers[worker], record.state == .busy, !isShuttingDown, !shouldGiveWay(record.function) else { return nil }
        return takeWaiter(of: record.function)
    }

    /// The invocation that was sent ahead to a worker that ended before it took it on: it waits again, as the first.
    mutating func putBack(_ waiter: WaiterID, for function: FunctionKey) -> [Action] {
        if isShuttingDown { return [.reject(waiter, .shuttingDown)] }
        waiters[waiter] = function
        functions[function, default: FunctionRecord()].queue.prepend(waiter)
        functions[function]!.waiting += 1
        return startWorkers()
    }

    /// Whether a ready worker of this function should make room: the host is full, and another function that has no worker at
    /// all has waited longer than anybody waits for this one.
    private mutating func shouldGiveWay(_ function: FunctionKey) -> Bool {
        guard workers.count >= limits.workers, !waiters.isEmpty else { return false }
        let own = oldestWaiter(of: function) ?? .max
        for other in functions.keys where other != function && functions[other]!.workers == 0 {
            if let waiter = oldestWaiter(of: other), waiter < own { return true }
        }
        return false
    }

    /// The function does not load. Returns the invocations to fail: whoever waits for it now would see the same.
    mutating func loadFailed(_ worker: WorkerID) -> [WaiterID] {
        guard let record = workers[worker], record.state == .starting else { return [] }
        functions[record.function]!.starting -= 1
        workers[worker]!.state = .ending
        var failed: [WaiterID] = []
        while let waiter = takeWaiter(of: record.function) { failed.append(waiter) }
        return failed
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
        case .idle: functions[function]!.idle.removeAll { $0 == worker }
        case .busy, .ending: break
        }
        let actions = startWorkers()
        forgetIfUnused(function)
        return (actions, failed)
    }

    /// Starts workers for those who wait, the longest wait first, as far as the limits allow. Where the host's limit is in the
    /// way, the idle worker that has been unused longest ends; its slot is given on when its end is confirmed.
    private mutating func startWorkers(
        for next: (inout Self) -> FunctionKey? = { $0.nextFunctionInNeed() }
    ) -> [Action] {
        guard !isShuttingDown, !waiters.isEmpty else { return [] }
        var actions: [Action] = []
        while let function = next(&self) {
            guard workers.count < limits.workers else {
                let endingNow = workers.values.count { $0.state == .ending }
                if endingNow == 0, let victim = leastRecentlyUsedWorker(notOf: function) {
                    functions[workers[victim]!.function]!.idle.removeAll { $0 == victim }
                    workers[victim]!.state = .ending
                    actions.append(.end(victim))
                }
                return actions
            }
            lastWorker += 1
            workers[lastWorker] = WorkerRecord(function: function, state: .starting)
            functions[function]!.workers += 1
            functions[function]!.starting += 1
            actions.append(.start(lastWorker, function))
        }
        return actions
    }

    /// The function whose invocations wait longest and that may have one more worker.
    private mutating func nextFunctionInNeed() -> FunctionKey? {
        var best: (function: FunctionKey, waiter: WaiterID)?
        for function in functions.keys {
            guard needsWorker(function) else { continue }
            if let waiter = oldestWaiter(of: function), waiter < best?.waiter ?? .max { best = (function, waiter) }
        }
        return best?.function
    }

    private func needsWorker(_ function: FunctionKey) -> Bool {
        guard let record = functions[function] else { return false }
        return record.waiting > record.starting && record.workers < limits.workersPerFunction
    }

    private func leastRecentlyUsedWorker(notOf function: FunctionKey) -> WorkerID? {
        var oldest: (worker: WorkerID, since: Int64)?
        for (key, record) in functions where key != function {
            guard let worker = record.idle.first, case .idle(let since) = workers[worker]!.state else { continue }
            if since < oldest?.since ?? .max { oldest = (worker, since) }
        }
        return oldest?.worker
    }

    private mutating func forgetIfUnused(_ function: FunctionKey) {
        if let record = functions[function], record.workers == 0, record.waiting == 0 { functions[function] = nil }
    }

    // MARK: Time and the end

    /// Ends the workers that nobody has used for the idle timeout.
    mutating func endIdleWorkers(now: Int64) -> [Action] {
        let timeout = limits.idleTimeout
        return endIdleWorkers { now - $0 >= timeout }
    }

    private mutating func endIdleWorkers(where isDue: (Int64) -> Bool) -> [Action] {
        var actions: [Action] = []
        for (worker, record) in workers {
            guard case .idle(let since) = record.state, isDue(since) else { continue }
            workers[worker]!.state = .ending
            functions[record.function]!.idle.removeAll { $0 == worker }
            actions.append(.end(worker))
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
