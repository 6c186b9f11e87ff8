import DequeModule

/// All decisions of the worker pool, and nothing else: no clock, no process, no lock. Every call returns what is to be
/// done, and takes about as long with thousands of functions as with one.
///
/// A worker serves one function and one invocation at a time. An invocation that finds no idle worker waits; for it a
/// worker is started as far as the limits allow. A slot is charged until the worker's end is confirmed, so that a
/// machine full of dying processes is not given more, but for the few that `Limits.endingAllowance` lets overlap with
/// their successors.
///
/// Memory is promised before it is needed: to a worker that starts or serves, all that its function may use; to an idle
/// one, what it is known to have. A function whose workers fail again and again has to wait (``RepeatedFailures``).
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
        /// So many may start at a time, half of them for one function.
        var starting = Int.max
        /// Bytes that may be promised altogether.
        var memory = Int.max
        /// Nanoseconds that an invocation waits for a worker its function has before another function's idle worker
        /// ends for it.
        var patience: Int64 = 0
        /// The longest time that a function which keeps failing waits for its next worker, in nanoseconds. 0: none.
        var maximumPause: Int64 = 0
    }

    /// What one function asks for.
    struct Demand: Sendable {
        /// How many workers it may have, if that differs from the others.
        var workers: Int?
        /// Bytes that a worker of it may use.
        var memory = 0
        /// Whether an idle worker keeps what its calls have used.
        var keepsMemory = false
    }

    enum Rejection: Equatable, Sendable {
        case functionQueueFull
        case hostQueueFull
        case shuttingDown
        case memoryPromised
        case failing(RepeatedFailures<FunctionKey>.Pause)
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
        /// Bytes promised to it.
        var promised: Int
        /// Bytes promised to it while it is idle.
        var whenIdle: Int
    }

    private struct FunctionRecord {
        let key: FunctionKey
        let maximumWorkers: Int
        let demand: Demand
        /// Starting, idle, busy and ending.
        var workers = 0
        var starting = 0
        var ending = 0
        /// Least recently used first.
        var idle: [WorkerID] = []
        /// In order of arrival; may hold waiters that have been removed since.
        var queue: Deque<WaiterID> = []
        var waiting = 0
        var isUnserved = false
        var isGrowing = false
    }

    private let limits: Limits
    private let demand: @Sendable (FunctionKey) -> Demand
    private var workers: [WorkerID: WorkerRecord] = [:]
    private var endingCount = 0
    private(set) var startingCount = 0
    private(set) var promisedMemory = 0
    private var promisedToIdle = 0
    /// Somebody waits for a worker because too much has been promised.
    private var isMemoryAwaited = false
    private var failures: RepeatedFailures<FunctionKey>
    /// How many workers in a row ended before they had read their function.
    private var deadSpares = 0
    /// So many in a row fail an invocation: a worker executable that never reads is not started for ever.
    private static var toleratedDeadSpares: Int { 4 }
    private(set) var idleCount = 0
    /// Functions by number; a number that is free has nil.
    private var functions: [FunctionRecord?] = []
    private var freeNumbers: [Int] = []
    private var numbers: [FunctionKey: Int] = [:]
    private var waiters: [WaiterID: (function: Int, since: Int64)] = [:]
    private var lastWorker: WorkerID = 0
    private var isShuttingDown = false

    // Each of these three holds everything that it should, in order, and perhaps more that was there once: whoever
    // takes the first one looks whether it still belongs there.

    /// Functions with invocations that wait and no worker at all, in the order in which they came to be so.
    private var unserved: Deque<Int> = []
    /// The same for functions that have workers, but fewer than they could use.
    private var growing: Deque<Int> = []
    /// Idle workers, the one that has been idle longest first.
    private var idleWorkers: Deque<(worker: WorkerID, since: Int64)> = []

    init(limits: Limits, demand: @escaping @Sendable (FunctionKey) -> Demand = { _ in Demand() }) {
        self.limits = limits
        self.demand = demand
        failures = RepeatedFailures(maximumDelay: limits.maximumPause)
    }

    var workerCount: Int { workers.count }
    var waitingCount: Int { waiters.count }
    var functionCount: Int { numbers.count }

    // MARK: Invocations

    /// An invocation wants a worker. What time it is matters only if it has to wait.
    mutating func add(_ waiter: WaiterID, for key: FunctionKey, now: @autoclosure () -> Int64) -> [Action] {
        if isShuttingDown { return [.reject(waiter, .shuttingDown)] }
        let known = numbers[key]
        if let known {
            if let worker = functions[known]!.idle.last { return run(waiter, onIdle: worker, of: known) }
            if functions[known]!.waiting >= limits.waitingPerFunction { return [.reject(waiter, .functionQueueFull)] }
        }
        if waiters.count >= limits.waiting { return [.reject(waiter, .hostQueueFull)] }
        let now = now()
        if known.map({ !hasWorker($0) }) ?? true {
            if failures.isOnTrial(key), let pause = failures.pause(of: key, now: now) {
                return [.reject(waiter, .failing(pause))]
            }
            if promisedMemory - promisedToIdle > limits.memory
                - (known.map { functions[$0]!.demand } ?? demand(key)).memory
            {
                return [.reject(waiter, .memoryPromised)]
            }
        }
        let function = number(of: key)
        waiters[waiter] = (function, now)
        functions[function]!.queue.append(waiter)
        functions[function]!.waiting += 1
        list(function)
        return startWorkers(now: now)
    }

    /// Serving takes more memory than waiting does. Where that is not to be had, idle workers of others give theirs.
    private mutating func run(_ waiter: WaiterID, onIdle worker: WorkerID, of function: Int) -> [Action] {
        let idle = workers[worker]!
        var busy = idle
        (busy.state, busy.promised) = (.busy, functions[function]!.demand.memory)
        // Out of the way first, or it might give itself up.
        workers[worker] = busy
        functions[function]!.idle.removeLast()
        idleCount -= 1
        promisedToIdle -= idle.promised
        guard let actions = makeRoom(for: busy.promised - idle.promised, byEnding: true) else {
            workers[worker] = idle
            functions[function]!.idle.append(worker)
            idleCount += 1
            promisedToIdle += idle.promised
            return [.reject(waiter, .memoryPromised)]
        }
        promisedMemory += busy.promised - idle.promised
        return actions.isEmpty ? [.run(waiter, on: worker)] : actions + [.run(waiter, on: worker)]
    }

    /// An invocation that waits has been cancelled or is too late. Returns false if it does not wait (any more).
    mutating func remove(_ waiter: WaiterID) -> Bool {
        guard let function = waiters.removeValue(forKey: waiter)?.function else { return false }
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

    /// A worker has loaded its function, or is pristine again. `loadedBytes`: what it has when it is ready for the
    /// first time.
    mutating func workerIsReady(_ worker: WorkerID, loadedBytes: Int? = nil, now: Int64) -> [Action] {
        guard var record = workers[worker], record.state == .starting || record.state == .busy else { return [] }
        let function = record.function
        let isNew = record.state == .starting
        if isNew {
            stopStarting(function)
            deadSpares = 0
            let demand = functions[function]!.demand
            record.whenIdle =
                demand.keepsMemory ? demand.memory : min(demand.memory, (loadedBytes ?? 0) + Self.dirtyBytes)
            list(function)
        }
        if isShuttingDown || shouldGiveWay(function) { return [end(worker)] }
        if let waiter = takeWaiter(of: function) {
            record.state = .busy
            workers[worker] = record
            return isNew ? [.run(waiter, on: worker)] + startWorkers(now: now) : [.run(waiter, on: worker)]
        }
        promisedMemory += record.whenIdle - record.promised
        promisedToIdle += record.whenIdle
        (record.state, record.promised) = (.idle(since: now), record.whenIdle)
        workers[worker] = record
        functions[function]!.idle.append(worker)
        idleCount += 1
        idleWorkers.append((worker, now))
        forgetFormerlyIdle()
        return isNew || isMemoryAwaited ? startWorkers(now: now) : []
    }

    /// What most calls write to and a worker keeps, beyond what it had when it had loaded.
    private static var dirtyBytes: Int { 4 << 20 }

    private mutating func stopStarting(_ function: Int) {
        functions[function]!.starting -= 1
        startingCount -= 1
    }

    private mutating func promise(_ bytes: Int, to worker: WorkerID) {
        promisedMemory += bytes - workers[worker]!.promised
        workers[worker]!.promised = bytes
    }

    /// A busy worker has answered and is on its way back to being pristine. Returns an invocation to send to it
    /// already, if one waits: the worker then need not wait for it.
    mutating func workerHasAnswered(_ worker: WorkerID) -> WaiterID? {
        guard let record = workers[worker], record.state == .busy else { return nil }
        failures.succeeded(functions[record.function]!.key)
        return isShuttingDown || shouldGiveWay(record.function) ? nil : takeWaiter(of: record.function)
    }

    /// A busy worker has answered, and is not to serve again.
    mutating func endAfterAnswer(_ worker: WorkerID) -> [Action] {
        guard let record = workers[worker], record.state == .busy else { return [] }
        failures.succeeded(functions[record.function]!.key)
        return [end(worker)]
    }

    /// The process that ran a busy worker's invocation ended before it answered, and the worker did not. It ends after
    /// `isLast`, and if the function is held back now. Else it may have an invocation sent ahead.
    mutating func callCrashed(_ worker: WorkerID, _ reason: String, isLast: Bool, now: Int64) -> (
        actions: [Action], next: WaiterID?
    ) {
        guard let record = workers[worker], record.state == .busy, let key = functions[record.function]?.key else {
            return ([], nil)
        }
        failures.failed(key, reason, now: now)
        if isLast || failures.isOnTrial(key) { return ([end(worker)], nil) }
        return ([], isShuttingDown || shouldGiveWay(record.function) ? nil : takeWaiter(of: record.function))
    }

    /// The invocation that was sent ahead to a worker that ended before it took it on: it waits again, as the first.
    mutating func putBack(_ waiter: WaiterID, for key: FunctionKey, now: Int64) -> [Action] {
        if isShuttingDown { return [.reject(waiter, .shuttingDown)] }
        let function = number(of: key)
        waiters[waiter] = (function, now)
        functions[function]!.queue.prepend(waiter)
        functions[function]!.waiting += 1
        list(function)
        return startWorkers(now: now)
    }

    /// Whether a ready worker of this function should make room: the host is full of workers that are busy, and another
    /// function that has no worker at all has waited longer than anybody waits for this one. Where it waits for
    /// something else than room, for others that start, this would help nobody.
    private mutating func shouldGiveWay(_ function: Int) -> Bool {
        guard workers.count >= limits.workers, idleCount == 0, startingCount < limits.starting,
            let other = firstUnserved(), other != function
        else {
            return false
        }
        return oldestWaiter(of: other)! < oldestWaiter(of: function) ?? .max
    }

    /// Whether the last worker of the function that was at work ended instead of answering.
    func isSuspect(_ key: FunctionKey) -> Bool { failures.isSuspect(key) }

    /// The function does not load. Returns the invocations to fail: whoever waits for it now would see the same.
    mutating func loadFailed(_ worker: WorkerID, _ reason: String, now: Int64) -> [WaiterID] {
        guard let record = workers[worker], record.state == .starting else { return [] }
        stopStarting(record.function)
        failures.failed(functions[record.function]!.key, reason, now: now)
        _ = end(worker)
        var failed: [WaiterID] = []
        while let waiter = takeWaiter(of: record.function) { failed.append(waiter) }
        return failed
    }

    private mutating func end(_ worker: WorkerID) -> Action {
        workers[worker]!.state = .ending
        functions[workers[worker]!.function]!.ending += 1
        endingCount += 1
        return .end(worker)
    }

    /// An idle worker's memory is small and soon free; what it was promised can be promised to another at once.
    private mutating func endIdle(_ worker: WorkerID) -> Action {
        let function = workers[worker]!.function
        functions[function]!.idle.removeAll { $0 == worker }
        idleCount -= 1
        promisedToIdle -= workers[worker]!.promised
        promise(0, to: worker)
        return end(worker)
    }

    /// A worker has ended. If it never became ready, the invocation that has waited longest for it fails.
    ///
    /// - Parameters:
    ///   - failure: why, if the function is to blame: whoever kills a worker for reasons of their own says nothing.
    ///   - withZygote: all workers have ended together, which says nothing about one of them.
    ///   - neverTookFunction: the process ended before it had read its function. Another one takes its place.
    mutating func workerEnded(
        _ worker: WorkerID, failure: String? = nil, withZygote: Bool = false, neverTookFunction: Bool = false,
        now: Int64
    ) -> (actions: [Action], failed: WaiterID?) {
        guard workers[worker] != nil else { return ([], nil) }
        if case .idle = workers[worker]!.state { _ = endIdle(worker) }
        promise(0, to: worker)
        let record = workers.removeValue(forKey: worker)!
        let function = record.function
        functions[function]!.workers -= 1
        var failed: WaiterID?
        switch record.state {
        case .starting:
            stopStarting(function)
            deadSpares = neverTookFunction ? deadSpares + 1 : 0
            if deadSpares % Self.toleratedDeadSpares == 0 { failed = takeWaiter(of: function) }
        case .busy, .idle: break
        case .ending:
            functions[function]!.ending -= 1
            endingCount -= 1
        }
        if record.state == .starting || record.state == .busy {
            let key = functions[function]!.key
            if let failure {
                failures.failed(key, failure, now: now)
            } else if !withZygote, !neverTookFunction {
                failures.endedUnanswered(key, now: now)
            }
        }
        let rejected = rejectWaiters(of: function, now: now)
        list(function)
        let actions = rejected + startWorkers(now: now)
        forgetIfUnused(function)
        return (actions, failed)
    }

    /// A function that keeps failing and has no worker: nobody waits for the time that it may have one again.
    private mutating func rejectWaiters(of function: Int, now: Int64) -> [Action] {
        let record = functions[function]!
        guard record.waiting > 0, !hasWorker(function), failures.isOnTrial(record.key),
            let pause = failures.pause(of: record.key, now: now)
        else { return [] }
        var actions: [Action] = []
        while let waiter = takeWaiter(of: function) { actions.append(.reject(waiter, .failing(pause))) }
        return actions
    }

    /// Whether it has one that is not about to end.
    private func hasWorker(_ function: Int) -> Bool { functions[function].map { $0.workers > $0.ending } ?? false }

    // MARK: Starting workers

    /// Starts workers for those who wait: functions without a worker first, the longest wait first, as far as the
    /// limits allow. Where the host's limit is in the way, the idle worker that has been unused longest ends; its slot
    /// is given on when its end is confirmed, or at once if few are ending.
    ///
    /// A function that has a worker already gets none at the cost of others until somebody has waited for as long as a
    /// start takes: else the busiest functions would keep pushing out those that are called less, whose next calls then
    /// start again.
    private mutating func startWorkers(now: Int64) -> [Action] {
        guard !isShuttingDown, !waiters.isEmpty else { return [] }
        var actions: [Action] = []
        isMemoryAwaited = false
        while startingCount < limits.starting, let function = firstUnserved() ?? firstGrowing() {
            let isUrgent = !hasWorker(function) || hasWaitedLong(function, now: now)
            if workers.count - min(endingCount, limits.endingAllowance) >= limits.workers {
                guard isUrgent, endingCount < max(1, limits.endingAllowance), let victim = leastRecentlyUsedWorker()
                else {
                    if !isUrgent { letOthersGrow(function) }
                    return actions
                }
                actions.append(endIdle(victim))
                continue
            }
            let memory = functions[function]!.demand.memory
            guard let evictions = makeRoom(for: memory, byEnding: isUrgent) else {
                isMemoryAwaited = true
                if !isUrgent { letOthersGrow(function) }
                return actions
            }
            actions += evictions
            lastWorker += 1
            workers[lastWorker] = WorkerRecord(function: function, state: .starting, promised: memory, whenIdle: memory)
            promisedMemory += memory
            functions[function]!.workers += 1
            functions[function]!.starting += 1
            startingCount += 1
            actions.append(.start(lastWorker, functions[function]!.key))
            letOthersGrow(function)
        }
        return actions
    }

    private mutating func hasWaitedLong(_ function: Int, now: Int64) -> Bool {
        oldestWaiter(of: function).map { now - waiters[$0]!.since >= limits.patience } ?? false
    }

    /// Ends idle workers, if it may, until so many bytes more can be promised. Returns nil if they cannot.
    private mutating func makeRoom(for bytes: Int, byEnding mayEnd: Bool) -> [Action]? {
        if promisedMemory <= limits.memory - bytes { return [] }
        guard mayEnd, promisedMemory - promisedToIdle <= limits.memory - bytes else { return nil }
        var actions: [Action] = []
        while promisedMemory > limits.memory - bytes, let victim = leastRecentlyUsedWorker() {
            actions.append(endIdle(victim))
        }
        return actions
    }

    /// It has just got a worker, or is not to have one yet: the next one is another function's.
    private mutating func letOthersGrow(_ function: Int) {
        if growing.first == function {
            growing.removeFirst()
            functions[function]!.isGrowing = false
        }
        list(function)
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

    private func isUnserved(_ function: Int) -> Bool {
        functions[function].map { $0.workers == 0 && $0.waiting > 0 } ?? false
    }

    private func isGrowing(_ function: Int) -> Bool {
        guard let record = functions[function], record.workers > 0, record.waiting > record.starting,
            record.workers < record.maximumWorkers,
            record.starting < max(1, limits.starting / 2)
        else { return false }
        // One on trial is tried with one worker.
        return record.workers == record.ending || !failures.isOnTrial(record.key)
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

    private func isIdle(_ entry: (worker: WorkerID, since: Int64)) -> Bool {
        workers[entry.worker]?.state == .idle(since: entry.since)
    }

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
        let demand = demand(key)
        let record = FunctionRecord(
            key: key, maximumWorkers: demand.workers ?? limits.workersPerFunction, demand: demand)
        let number: Int
        if let free = freeNumbers.popLast() {
            number = free
            functions[free] = record
        } else {
            number = functions.count
            functions.append(record)
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

    /// Ends the workers that nobody has used for the idle timeout, and starts some for those who have waited long.
    mutating func keepHouse(now: Int64) -> [Action] {
        failures.forgetOld(now: now)
        let timeout = limits.idleTimeout
        return endIdleWorkers { now - $0 >= timeout } + startWorkers(now: now)
    }

    private mutating func endIdleWorkers(where isDue: (Int64) -> Bool) -> [Action] {
        var actions: [Action] = []
        while let entry = idleWorkers.first {
            if isIdle(entry) {
                guard isDue(entry.since) else { break }
                actions.append(endIdle(entry.worker))
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
