import DequeModule

/// All decisions of the worker pool: no clock, no process, no lock. Every call returns what the pool has to do, and
/// takes about as long with thousands of functions as with one.
///
/// A worker serves one function and one invocation at a time. An invocation that finds no idle worker waits, and a
/// worker is started for it as far as the limits allow. A slot is charged until the worker's end is confirmed, so that
/// a machine full of dying processes gets no more of them. `Limits.endingAllowance` lets a few overlap with their
/// successors.
///
/// Memory is promised before it is needed (``MemoryLedger``). A function whose workers fail again and again has to wait
/// (``RepeatedFailures``).
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
        /// How many workers may be ending while others take their places already.
        var endingAllowance: Int
        /// How many may start at a time, half of them for one function.
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
        /// The invocation fails with the error that the worker's event came with.
        case fail(WaiterID)
    }

    /// What happened to a worker.
    enum Event: Equatable, Sendable {
        /// It has loaded its function, or is pristine again. `privateBytes`: what it has when it is ready for the first
        /// time.
        case ready(privateBytes: Int? = nil)
        /// It has answered, and is on its way back to being pristine. The `run` that may follow sends an invocation
        /// ahead. With `isLast` it serves no more. `crash`: why the process that served ended, if it did.
        case answered(isLast: Bool = false, crash: String? = nil)
        /// It was given an invocation that needed no answer any more, and can have another.
        case skipped
        /// The function does not load, and why.
        case failedToLoad(String)
        case ended(End)
    }

    /// Why a worker has ended.
    enum End: Equatable, Sendable {
        /// The function is to blame, and for what.
        case failed(String)
        /// The host has ended it for reasons of its own, or its time was over.
        case excused
        /// All workers of its zygote have ended together, which says nothing about one of them.
        case zygoteEnded
        /// The process ended before it had read its function, as a spare may.
        case neverTookFunction
    }

    private enum WorkerPhase: Equatable {
        case starting
        case idle(since: Int64)
        case busy
        case ending
    }

    private struct WorkerRecord {
        let function: Int
        var phase: WorkerPhase
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
        /// How many workers in a row have ended before they had read it.
        var deadSpares = 0

        var isUnused: Bool { workers == 0 && waiting == 0 }
        var isUnserved: Bool { workers == 0 && waiting > 0 }
        /// Whether it has a worker that is not about to end.
        var hasWorker: Bool { workers > ending }
    }

    private struct IdleEntry: Hashable {
        let worker: WorkerID
        let since: Int64
    }

    private let limits: Limits
    private let demand: @Sendable (FunctionKey) -> Demand
    private var workers: [WorkerID: WorkerRecord] = [:]
    private var endingCount = 0
    private(set) var startingCount = 0
    private var memory: MemoryLedger
    /// An invocation waits for a worker because too much has been promised.
    private var isMemoryAwaited = false
    private var failures: RepeatedFailures<FunctionKey>
    private(set) var idleCount = 0
    /// Functions by number. The record of a number that is free is unused.
    private var functions: [FunctionRecord] = []
    private var freeNumbers: [Int] = []
    private var numbers: [FunctionKey: Int] = [:]
    private var waiters: [WaiterID: (function: Int, since: Int64)] = [:]
    private var lastWorker: WorkerID = 0
    private var isShuttingDown = false

    /// Functions with invocations that wait and no worker at all, in the order in which they came to be so.
    private var unserved = LazyQueue<Int>()
    /// The same for functions that have workers, but fewer than they could use.
    private var growing = LazyQueue<Int>()
    /// Idle workers, the one that has been idle longest first.
    private var idleWorkers = LazyQueue<IdleEntry>()

    init(limits: Limits, demand: @escaping @Sendable (FunctionKey) -> Demand = { _ in Demand() }) {
        self.limits = limits
        self.demand = demand
        memory = MemoryLedger(limit: limits.memory)
        failures = RepeatedFailures(maximumDelay: limits.maximumPause)
    }

    var workerCount: Int { workers.count }
    var waitingCount: Int { waiters.count }
    var functionCount: Int { numbers.count }
    var promisedMemory: Int { memory.promised }

    // MARK: Invocations

    /// An invocation wants a worker. What time it is matters only if it has to wait.
    mutating func add(_ waiter: WaiterID, for key: FunctionKey, now: @autoclosure () -> Int64) -> [Action] {
        if isShuttingDown { return [.reject(waiter, .shuttingDown)] }
        let known = numbers[key]
        if let known {
            if let id = functions[known].idle.last, let worker = workers[id] { return run(waiter, onIdle: id, worker) }
            if functions[known].waiting >= limits.waitingPerFunction { return [.reject(waiter, .functionQueueFull)] }
        }
        if waiters.count >= limits.waiting { return [.reject(waiter, .hostQueueFull)] }
        let now = now()
        let record = known.map { functions[$0] }
        if record?.hasWorker != true {
            if failures.isOnTrial(key), let pause = failures.pause(of: key, now: now) {
                return [.reject(waiter, .failing(pause))]
            }
            guard memory.couldFit((record?.demand ?? demand(key)).memory) else {
                return [.reject(waiter, .memoryPromised)]
            }
        }
        let function = number(of: key)
        waiters[waiter] = (function, now)
        functions[function].queue.append(waiter)
        functions[function].waiting += 1
        list(function)
        return startWorkers(now: now)
    }

    /// A busy worker needs more memory than an idle one. If too little is left, idle workers of other functions are
    /// evicted.
    private mutating func run(_ waiter: WaiterID, onIdle id: WorkerID, _ worker: WorkerRecord) -> [Action] {
        let needed = functions[worker.function].demand.memory - worker.promised
        var busy = worker
        (busy.phase, busy.promised) = (.busy, worker.promised + needed)
        // Removes this worker from the idle ones first: `makeRoom` could evict it.
        workers[id] = busy
        functions[worker.function].idle.removeLast()
        idleCount -= 1
        memory.takeFromIdle(worker.promised)
        guard let evictions = makeRoom(for: needed, byEnding: true) else {
            workers[id] = worker
            functions[worker.function].idle.append(id)
            idleCount += 1
            memory.lendToIdle(worker.promised)
            return [.reject(waiter, .memoryPromised)]
        }
        memory.promise(needed)
        return evictions.isEmpty ? [.run(waiter, on: id)] : evictions + [.run(waiter, on: id)]
    }

    /// An invocation that waits has been cancelled or is too late. Returns false if it does not wait (any more).
    mutating func remove(_ waiter: WaiterID) -> Bool {
        guard let function = waiters.removeValue(forKey: waiter)?.function else { return false }
        functions[function].waiting -= 1
        forgetIfUnused(function)
        return true
    }

    /// Requeues, at the front, an invocation whose worker ended before it began the invocation.
    mutating func putBack(_ waiter: WaiterID, for key: FunctionKey, now: Int64) -> [Action] {
        if isShuttingDown { return [.reject(waiter, .shuttingDown)] }
        let function = number(of: key)
        waiters[waiter] = (function, now)
        functions[function].queue.prepend(waiter)
        functions[function].waiting += 1
        list(function)
        return startWorkers(now: now)
    }

    private mutating func takeWaiter(of function: Int) -> WaiterID? {
        while let waiter = functions[function].queue.popFirst() {
            guard waiters.removeValue(forKey: waiter) != nil else { continue }
            functions[function].waiting -= 1
            return waiter
        }
        return nil
    }

    private mutating func oldestWaiter(of function: Int) -> WaiterID? {
        while let waiter = functions[function].queue.first {
            if waiters[waiter] != nil { return waiter }
            functions[function].queue.removeFirst()
        }
        return nil
    }

    // MARK: Workers

    /// Whether the last worker of the function that was at work ended instead of answering.
    func isSuspect(_ key: FunctionKey) -> Bool { failures.isSuspect(key) }

    /// Takes what happened to a worker. An event that does not fit the worker's state changes nothing.
    mutating func worker(_ id: WorkerID, did event: Event, now: @autoclosure () -> Int64) -> [Action] {
        guard let worker = workers[id] else { return [] }
        switch (event, worker.phase) {
        case (.ready(let privateBytes), .starting): return hasLoaded(id, worker, privateBytes, now: now())
        case (.ready, .busy): return serveNext(id, worker, isNew: false, now: now())
        case (.answered(let isLast, let crash), .busy):
            let key = functions[worker.function].key
            if let crash { failures.failed(key, crash, now: now()) } else { failures.succeeded(key) }
            // If the function is on trial, a call that crashed in a child ends the worker too.
            return isLast || crash != nil && failures.isOnTrial(key) ? [end(id, worker)] : sendAhead(id, worker)
        case (.skipped, .busy): return sendAhead(id, worker)
        case (.failedToLoad(let reason), .starting): return failedToLoad(id, worker, reason, now: now())
        case (.ended(let end), _): return ended(id, worker, end, now: now())
        default: return []
        }
    }

    private mutating func hasLoaded(_ id: WorkerID, _ worker: WorkerRecord, _ privateBytes: Int?, now: Int64)
        -> [Action]
    {
        stopStarting(worker.function)
        functions[worker.function].deadSpares = 0
        let demand = functions[worker.function].demand
        var worker = worker
        worker.whenIdle =
            demand.keepsMemory ? demand.memory : min(demand.memory, (privateBytes ?? 0) + Self.dirtyBytes)
        list(worker.function)
        return serveNext(id, worker, isNew: true, now: now)
    }

    /// A worker is ready: it serves the next invocation, ends, or is idle.
    private mutating func serveNext(_ id: WorkerID, _ worker: WorkerRecord, isNew: Bool, now: Int64) -> [Action] {
        var worker = worker
        let function = worker.function
        if isShuttingDown || shouldGiveWay(function) { return [end(id, worker)] }
        if let waiter = takeWaiter(of: function) {
            worker.phase = .busy
            workers[id] = worker
            return isNew ? [.run(waiter, on: id)] + startWorkers(now: now) : [.run(waiter, on: id)]
        }
        memory.promise(worker.whenIdle - worker.promised)
        memory.lendToIdle(worker.whenIdle)
        (worker.phase, worker.promised) = (.idle(since: now), worker.whenIdle)
        workers[id] = worker
        functions[function].idle.append(id)
        idleCount += 1
        idleWorkers.append(IdleEntry(worker: id, since: now))
        idleWorkers.clean(live: idleCount) { [workers] in Self.isIdle($0, workers) }
        return isNew || isMemoryAwaited ? startWorkers(now: now) : []
    }

    /// What most calls write to and a worker keeps, beyond what it had when it had loaded.
    private static var dirtyBytes: Int { 4 << 20 }

    /// The worker need not wait for its next invocation, if one waits.
    private mutating func sendAhead(_ id: WorkerID, _ worker: WorkerRecord) -> [Action] {
        guard !isShuttingDown, !shouldGiveWay(worker.function), let waiter = takeWaiter(of: worker.function) else {
            return []
        }
        return [.run(waiter, on: id)]
    }

    /// Whether a ready worker of this function should make room: the host is full of workers that are busy, and another
    /// function that has no worker at all has waited longer than any invocation of this one. Where that function waits
    /// for others to start, room would not help it.
    private mutating func shouldGiveWay(_ function: Int) -> Bool {
        guard workers.count >= limits.workers, idleCount == 0, startingCount < limits.starting,
            let other = firstUnserved(), other != function, let otherOldest = oldestWaiter(of: other)
        else {
            return false
        }
        return otherOldest < oldestWaiter(of: function) ?? .max
    }

    /// All invocations that wait for the function fail: they would see the same.
    private mutating func failedToLoad(_ id: WorkerID, _ worker: WorkerRecord, _ reason: String, now: Int64)
        -> [Action]
    {
        stopStarting(worker.function)
        failures.failed(functions[worker.function].key, reason, now: now)
        // It ends by itself.
        _ = end(id, worker)
        var actions: [Action] = []
        while let waiter = takeWaiter(of: worker.function) { actions.append(.fail(waiter)) }
        return actions
    }

    private mutating func stopStarting(_ function: Int) {
        functions[function].starting -= 1
        startingCount -= 1
    }

    /// Ends a worker that is not idle.
    private mutating func end(_ id: WorkerID, _ worker: WorkerRecord) -> Action {
        var worker = worker
        worker.phase = .ending
        workers[id] = worker
        functions[worker.function].ending += 1
        endingCount += 1
        return .end(id)
    }

    /// An idle worker's memory is small and soon free; what it was promised can be promised to another at once.
    private mutating func endIdle(_ id: WorkerID, _ worker: WorkerRecord) -> Action {
        functions[worker.function].idle.removeAll { $0 == id }
        idleCount -= 1
        memory.takeFromIdle(worker.promised)
        memory.release(worker.promised)
        var worker = worker
        worker.promised = 0
        return end(id, worker)
    }

    /// The worker is gone. If it never became ready, the invocation that has waited longest for it fails, unless the
    /// process may have been dead before the function came.
    private mutating func ended(_ id: WorkerID, _ worker: WorkerRecord, _ end: End, now: Int64) -> [Action] {
        let function = worker.function
        if case .idle = worker.phase {
            _ = endIdle(id, worker)
            functions[function].ending -= 1
            endingCount -= 1
        } else {
            memory.release(worker.promised)
        }
        workers[id] = nil
        functions[function].workers -= 1
        var actions: [Action] = []
        switch worker.phase {
        case .starting:
            stopStarting(function)
            functions[function].deadSpares = end == .neverTookFunction ? functions[function].deadSpares + 1 : 0
            let isForgiven = end == .neverTookFunction && functions[function].deadSpares <= Self.toleratedDeadSpares
            if !isForgiven, let waiter = takeWaiter(of: function) { actions.append(.fail(waiter)) }
            blame(function, end, now: now)
        case .busy: blame(function, end, now: now)
        case .idle: break
        case .ending:
            functions[function].ending -= 1
            endingCount -= 1
        }
        actions += rejectWaiters(of: function, now: now)
        list(function)
        actions += startWorkers(now: now)
        forgetIfUnused(function)
        return actions
    }

    /// This many dead spares in a row are replaced without failing an invocation. A worker executable that never reads
    /// is not started forever.
    private static var toleratedDeadSpares: Int { 4 }

    /// A worker has ended that started or served.
    private mutating func blame(_ function: Int, _ end: End, now: Int64) {
        switch end {
        case .failed(let reason): failures.failed(functions[function].key, reason, now: now)
        case .excused: failures.endedUnanswered(functions[function].key, now: now)
        case .zygoteEnded, .neverTookFunction: break
        }
    }

    /// Rejects the invocations of a function that keeps failing and has no worker: none may start for a while.
    private mutating func rejectWaiters(of function: Int, now: Int64) -> [Action] {
        let record = functions[function]
        guard record.waiting > 0, !record.hasWorker, failures.isOnTrial(record.key),
            let pause = failures.pause(of: record.key, now: now)
        else { return [] }
        var actions: [Action] = []
        while let waiter = takeWaiter(of: function) { actions.append(.reject(waiter, .failing(pause))) }
        return actions
    }

    // MARK: Starting workers

    /// Starts workers for the invocations that wait: functions without a worker first, the longest wait first, as far
    /// as the limits allow. Where the host's limit is in the way, the idle worker that has been unused longest ends;
    /// its slot is given on when its end is confirmed, or at once if few are ending.
    ///
    /// A function that has a worker already gets none at the cost of others until an invocation has waited for as long
    /// as a start takes: else the busiest functions would keep pushing out those that are called less, whose next calls
    /// then start again.
    private mutating func startWorkers(now: Int64) -> [Action] {
        guard !isShuttingDown, !waiters.isEmpty else { return [] }
        var actions: [Action] = []
        isMemoryAwaited = false
        while startingCount < limits.starting, let function = firstUnserved() ?? firstGrowing() {
            let isUrgent = !functions[function].hasWorker || hasWaitedLong(function, now: now)
            if workers.count - min(endingCount, limits.endingAllowance) >= limits.workers {
                guard isUrgent, endingCount < max(1, limits.endingAllowance), let (id, victim) = leastRecentlyUsed()
                else {
                    if !isUrgent { letOthersGrow(function) }
                    return actions
                }
                actions.append(endIdle(id, victim))
                continue
            }
            let bytes = functions[function].demand.memory
            guard let evictions = makeRoom(for: bytes, byEnding: isUrgent) else {
                isMemoryAwaited = true
                if !isUrgent { letOthersGrow(function) }
                return actions
            }
            actions += evictions
            lastWorker += 1
            workers[lastWorker] = WorkerRecord(function: function, phase: .starting, promised: bytes, whenIdle: bytes)
            memory.promise(bytes)
            functions[function].workers += 1
            functions[function].starting += 1
            startingCount += 1
            actions.append(.start(lastWorker, functions[function].key))
            letOthersGrow(function)
        }
        return actions
    }

    private mutating func hasWaitedLong(_ function: Int, now: Int64) -> Bool {
        guard let oldest = oldestWaiter(of: function), let since = waiters[oldest]?.since else { return false }
        return now - since >= limits.patience
    }

    /// Ends idle workers, if it may, until so many bytes more can be promised. Returns nil if they cannot.
    private mutating func makeRoom(for bytes: Int, byEnding mayEnd: Bool) -> [Action]? {
        if memory.fits(bytes) { return [] }
        guard mayEnd, memory.couldFit(bytes) else { return nil }
        var actions: [Action] = []
        while !memory.fits(bytes), let (id, victim) = leastRecentlyUsed() { actions.append(endIdle(id, victim)) }
        return actions
    }

    /// Moves the function to the end of the queue for more workers: it has just got one, or must wait for one.
    private mutating func letOthersGrow(_ function: Int) {
        if growing.first(where: { _ in true }) == function { growing.removeFirst() }
        list(function)
    }

    /// Notes a function that could use a worker, if it is not noted yet.
    private mutating func list(_ function: Int) {
        if functions[function].isUnserved {
            unserved.insert(function)
        } else if Self.isGrowing(functions[function], limits, failures) {
            growing.insert(function)
        }
    }

    private static func isGrowing(
        _ record: FunctionRecord, _ limits: Limits, _ failures: RepeatedFailures<FunctionKey>
    ) -> Bool {
        guard record.workers > 0, record.waiting > record.starting, record.workers < record.maximumWorkers,
            record.starting < max(1, limits.starting / 2)
        else { return false }
        // One on trial is tried with one worker.
        return !record.hasWorker || !failures.isOnTrial(record.key)
    }

    private mutating func firstUnserved() -> Int? { unserved.first { [functions] in functions[$0].isUnserved } }

    private mutating func firstGrowing() -> Int? {
        growing.first { [functions, limits, failures] in Self.isGrowing(functions[$0], limits, failures) }
    }

    private static func isIdle(_ entry: IdleEntry, _ workers: [WorkerID: WorkerRecord]) -> Bool {
        workers[entry.worker]?.phase == .idle(since: entry.since)
    }

    private mutating func longestIdle() -> (entry: IdleEntry, worker: WorkerRecord)? {
        let first = idleWorkers.first { [workers] in Self.isIdle($0, workers) }
        return first.flatMap { entry in workers[entry.worker].map { (entry, $0) } }
    }

    private mutating func leastRecentlyUsed() -> (id: WorkerID, worker: WorkerRecord)? {
        longestIdle().map { ($0.entry.worker, $0.worker) }
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
        let record = functions[function]
        guard record.isUnused, numbers[record.key] == function else { return }
        numbers[record.key] = nil
        // Removes the number from the queues before it is reused: an entry would then name another function.
        unserved.remove(function)
        growing.remove(function)
        functions[function].queue = []
        freeNumbers.append(function)
    }

    // MARK: Time and the end

    /// Ends the workers that have been idle for the idle timeout, and starts some for invocations that have waited
    /// long.
    mutating func keepHouse(now: Int64) -> [Action] {
        failures.forgetOld(now: now)
        let timeout = limits.idleTimeout
        return endIdleWorkers { now - $0 >= timeout } + startWorkers(now: now)
    }

    private mutating func endIdleWorkers(where isDue: (Int64) -> Bool) -> [Action] {
        var actions: [Action] = []
        while let (entry, worker) = longestIdle(), isDue(entry.since) {
            actions.append(endIdle(entry.worker, worker))
        }
        return actions
    }

    /// Accepts nothing more: invocations that wait are rejected, idle workers end, busy ones end when they are done.
    mutating func shutDown() -> [Action] {
        isShuttingDown = true
        let waiting = waiters.keys.sorted()
        for waiter in waiting { _ = remove(waiter) }
        return waiting.map { .reject($0, .shuttingDown) } + endIdleWorkers { _ in true }
    }
}
