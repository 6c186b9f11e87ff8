import DequeModule

/// All decisions of the worker pool: no clock, no process, no lock. Every call returns what the pool has to do, and
/// takes about as long with thousands of functions as with one.
///
/// A worker serves one function and one invocation at a time. An invocation that finds no idle worker waits, and a
/// worker is started for it as far as the limits allow. A slot is charged until the worker's end is confirmed, so that
/// a machine full of dying processes gets no more of them. `Limits.endingAllowance` lets a few overlap with their
/// successors.
///
/// A function gets as many workers as there are processors, and more while its workers sleep (``GrowthRule``). Memory
/// is promised before it is needed (``MemoryLedger``, ``FunctionMemory``). A function whose workers fail again and again
/// has to wait (``RepeatedFailures``).
struct PoolState<FunctionKey: Hashable & Sendable>: Sendable {
    typealias WorkerID = UInt64
    /// Numbers grow, so the smaller one has waited longer.
    typealias WaiterID = UInt64

    struct Limits: Equatable, Sendable {
        /// How many workers of one function help while they compute.
        var processors = Int.max
        /// How many it may have.
        var workersPerFunction: Int
        /// How many workers of one function may be there whatever it leaves to others. From then on it leaves as many
        /// free as it has itself, and as much memory.
        var share = Int.max
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
        var memory = FunctionMemory(most: 0)
        /// How many workers are kept ready for it, while it is among those of ``keepReady(_:now:)``.
        var minimumWorkers = 0
        /// Nanoseconds an unused worker stays, if that differs from the others.
        var idleTimeout: Int64?
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
        /// End it, and fail its invocation: more memory is used than there is.
        case endForMemory(WorkerID)
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
        var memory: MemoryLedger.Part
        /// The private memory that it had when it had loaded.
        var loaded: Int?
    }

    private struct FunctionRecord {
        let key: FunctionKey
        let maximumWorkers: Int
        let idleTimeout: Int64
        /// How many are kept ready.
        var minimumWorkers: Int
        var memory: FunctionMemory
        var growth = GrowthRule()
        /// How many workers are of use to it, by ``growth``.
        var usefulWorkers: Int
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
        /// What its workers use, and what has been promised to them.
        var used = 0
        var promised = 0

        var isUnused: Bool { workers == 0 && waiting == 0 }
        var isUnserved: Bool { workers == 0 && waiting > 0 }
        /// Whether it has a worker that is not about to end.
        var hasWorker: Bool { workers > ending }
        var busy: Int { workers - starting - ending - idle.count }
        /// Whether one more of its workers helps. If not, invocations wait although there are idle workers.
        var canUseAnother: Bool { busy < usefulWorkers }
        /// Whether each of its busy workers helps.
        var isOfUse: Bool { busy <= usefulWorkers }
        /// Whether none of its workers ends for others, as long as others can.
        var needsAll: Bool { workers - ending <= minimumWorkers }
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
    /// How many workers that a function keeps ready were ended for others.
    private(set) var evictedReadyCount = 0
    /// How many workers with a call were ended because too much memory was used.
    private(set) var memoryEndCount = 0
    /// Functions that have workers ready without a call, and how many.
    private var ready: [FunctionKey: Int] = [:]
    /// The same functions, in order.
    private var readyFunctions: [FunctionKey] = []
    /// No worker is started to be ready before this time.
    private var readyPause = Int64.min
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
    /// Workers that have been told to end and have not ended.
    var endingWorkers: Int { endingCount }
    var waitingCount: Int { waiters.count }
    var functionCount: Int { numbers.count }
    var promisedMemory: Int { memory.promised }
    var usedMemory: Int { memory.used }

    // MARK: Invocations

    /// An invocation wants a worker. What time it is matters only if it has to wait.
    mutating func add(_ waiter: WaiterID, for key: FunctionKey, now: @autoclosure () -> Int64) -> [Action] {
        if isShuttingDown { return [.reject(waiter, .shuttingDown)] }
        let known = numbers[key]
        if let known {
            if let id = functions[known].idle.last, canUseIdle(known), let worker = workers[id] {
                return run(waiter, onIdle: id, worker)
            }
            if functions[known].waiting >= limits.waitingPerFunction { return [.reject(waiter, .functionQueueFull)] }
        }
        if waiters.count >= limits.waiting { return [.reject(waiter, .hostQueueFull)] }
        let now = now()
        let record = known.map { functions[$0] }
        if record?.hasWorker != true {
            if failures.isOnTrial(key), let pause = failures.pause(of: key, now: now) {
                return [.reject(waiter, .failing(pause))]
            }
            guard memory.couldFit((record?.memory ?? demand(key).memory).starting) else {
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
        guard let evictions = wake(id, worker) else { return [.reject(waiter, .memoryPromised)] }
        return evictions.isEmpty ? [.run(waiter, on: id)] : evictions + [.run(waiter, on: id)]
    }

    /// Makes the most recently used idle worker of a function a busy one. nil: there is no memory for it, and it stays
    /// idle.
    private mutating func wake(_ id: WorkerID, _ worker: WorkerRecord) -> [Action]? {
        let function = worker.function
        var busy = worker
        busy.phase = .busy
        busy.memory.isIdle = false
        busy.memory.promised = functions[function].memory.serving(loaded: worker.loaded, used: 0)
        functions[function].idle.removeLast()
        idleCount -= 1
        let needed = busy.memory.promised - worker.memory.promised
        if needed <= 0 || memory.fits(needed) {
            replace(id, worker, by: busy)
            return []
        }
        // It is not among the idle ones now, so that `makeRoom` does not evict it.
        var waking = busy
        waking.memory.promised = worker.memory.promised
        replace(id, worker, by: waking)
        guard let evictions = makeRoom(for: needed, byEnding: true) else {
            replace(id, waking, by: worker)
            functions[function].idle.append(id)
            idleCount += 1
            return nil
        }
        replace(id, waking, by: busy)
        return evictions
    }

    /// Changes the record of a worker, and what its memory counts for.
    private mutating func replace(_ id: WorkerID, _ old: WorkerRecord, by new: WorkerRecord?) {
        workers[id] = new
        let part = new?.memory ?? .init()
        guard part != old.memory else { return }
        memory.change(old.memory, to: part)
        functions[old.function].used += part.used - old.memory.used
        functions[old.function].promised += part.promised - old.memory.promised
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

    /// - Parameter forIdle: whether the worker that wants it has not been busy until now. One that has been may go on only
    ///   if all that are busy help.
    private mutating func takeWaiter(of function: Int, forIdle: Bool) -> WaiterID? {
        guard functions[function].waiting > 0, forIdle || functions[function].isOfUse else { return nil }
        return takeWaiter(of: function)
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
        let actions = take(event, of: id, worker, now: now())
        // Invocations wait beside idle workers while more would not help. This worker may have been one too many.
        let function = worker.function
        guard functions[function].waiting > 0, !functions[function].idle.isEmpty else { return actions }
        return actions + useIdle(function)
    }

    private mutating func take(_ event: Event, of id: WorkerID, _ worker: WorkerRecord, now: @autoclosure () -> Int64)
        -> [Action]
    {
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
        let function = worker.function
        stopStarting(function)
        functions[function].deadSpares = 0
        functions[function].memory.hasLoaded(privateBytes)
        var loaded = worker
        loaded.loaded = privateBytes
        loaded.memory.used = max(worker.memory.used, privateBytes ?? 0)
        loaded.memory.promised = functions[function].memory.serving(loaded: privateBytes, used: loaded.memory.used)
        replace(id, worker, by: loaded)
        list(function)
        return serveNext(id, loaded, isNew: true, now: now)
    }

    /// A worker is ready: it serves the next invocation, ends, or is idle.
    private mutating func serveNext(_ id: WorkerID, _ worker: WorkerRecord, isNew: Bool, now: Int64) -> [Action] {
        var next = worker
        let function = worker.function
        if isShuttingDown || shouldGiveWay(function) { return [end(id, worker)] }
        if let waiter = takeWaiter(of: function, forIdle: isNew) {
            next.phase = .busy
            if !isNew {
                next.memory.promised = functions[function].memory.serving(loaded: worker.loaded, used: 0)
            }
            replace(id, worker, by: next)
            return isNew ? [.run(waiter, on: id)] + startWorkers(now: now) : [.run(waiter, on: id)]
        }
        let bytes = functions[function].memory.idle(loaded: worker.loaded, used: worker.memory.used)
        next.phase = .idle(since: now)
        let keeps = functions[function].memory.keeps
        next.memory = .init(
            promised: bytes, used: keeps ? worker.memory.used : min(worker.memory.used, bytes), isIdle: true)
        replace(id, worker, by: next)
        functions[function].idle.append(id)
        idleCount += 1
        idleWorkers.append(IdleEntry(worker: id, since: now))
        idleWorkers.clean(live: idleCount) { [workers] in Self.isIdle($0, workers) }
        guard isNew || isMemoryAwaited else { return [] }
        return startWorkers(now: now) + (isNew ? startReady(now: now) : [])
    }

    /// Whether one more worker of the function may serve: it helps, and if there are more than processors, as much memory
    /// is left for others as the function has.
    private func canUseIdle(_ function: Int) -> Bool {
        guard functions[function].canUseAnother else { return false }
        if functions[function].busy < limits.processors { return true }
        let own = functions[function].promised
        return own + max(FunctionMemory.reserve, functions[function].memory.call) <= room.memory
    }

    /// Gives invocations that wait to idle workers, as far as that helps.
    private mutating func useIdle(_ function: Int) -> [Action] {
        var actions: [Action] = []
        while canUseIdle(function), let id = functions[function].idle.last, let worker = workers[id],
            let waiter = takeWaiter(of: function, forIdle: true)
        {
            actions += run(waiter, onIdle: id, worker)
        }
        return actions
    }

    /// The worker need not wait for its next invocation, if one waits.
    private mutating func sendAhead(_ id: WorkerID, _ worker: WorkerRecord) -> [Action] {
        guard !isShuttingDown, !shouldGiveWay(worker.function),
            let waiter = takeWaiter(of: worker.function, forIdle: false)
        else {
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

    /// Ends a worker that is not idle. What it uses is as good as free.
    private mutating func end(_ id: WorkerID, _ worker: WorkerRecord) -> Action {
        var ending = worker
        ending.phase = .ending
        ending.memory.used = 0
        replace(id, worker, by: ending)
        functions[worker.function].ending += 1
        endingCount += 1
        return .end(id)
    }

    /// An idle worker's memory is small and soon free; what it was promised can be promised to another at once.
    private mutating func endIdle(_ id: WorkerID, _ worker: WorkerRecord) -> Action {
        functions[worker.function].idle.removeAll { $0 == id }
        idleCount -= 1
        return end(id, withoutMemory(id, worker))
    }

    /// The worker's memory can be promised to another.
    private mutating func withoutMemory(_ id: WorkerID, _ worker: WorkerRecord) -> WorkerRecord {
        var ending = worker
        ending.memory = .init()
        replace(id, worker, by: ending)
        return ending
    }

    /// The worker is gone. If it never became ready, the invocation that has waited longest for it fails, unless the
    /// process may have been dead before the function came.
    private mutating func ended(_ id: WorkerID, _ worker: WorkerRecord, _ end: End, now: Int64) -> [Action] {
        let function = worker.function
        if case .idle = worker.phase {
            _ = endIdle(id, worker)
            functions[function].ending -= 1
            endingCount -= 1
            workers[id] = nil
        } else {
            replace(id, worker, by: nil)
        }
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
                actions.append(endForOthers(id, victim))
                continue
            }
            let bytes = functions[function].memory.starting
            guard let evictions = makeRoom(for: bytes, byEnding: isUrgent) else {
                isMemoryAwaited = true
                if !isUrgent { letOthersGrow(function) }
                return actions
            }
            actions += evictions
            actions.append(start(function, promising: bytes))
            letOthersGrow(function)
        }
        return actions
    }

    private mutating func start(_ function: Int, promising bytes: Int) -> Action {
        lastWorker += 1
        let record = WorkerRecord(function: function, phase: .starting, memory: .init(promised: bytes), loaded: nil)
        workers[lastWorker] = record
        memory.change(.init(), to: record.memory)
        functions[function].promised += bytes
        functions[function].workers += 1
        functions[function].starting += 1
        startingCount += 1
        return .start(lastWorker, functions[function].key)
    }

    private mutating func hasWaitedLong(_ function: Int, now: Int64) -> Bool {
        guard let oldest = oldestWaiter(of: function), let since = waiters[oldest]?.since else { return false }
        return now - since >= limits.patience
    }

    /// Ends idle workers, if it may, until so many bytes more can be promised. Returns nil if they cannot.
    private mutating func makeRoom(for bytes: Int, byEnding mayEnd: Bool) -> [Action]? {
        if bytes <= 0 || memory.fits(bytes) { return [] }
        guard mayEnd, memory.couldFit(bytes) else { return nil }
        var actions: [Action] = []
        while !memory.fits(bytes), let (id, victim) = leastRecentlyUsed() { actions.append(endForOthers(id, victim)) }
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
        } else if Self.isGrowing(functions[function], limits, failures, room) {
            growing.insert(function)
        }
    }

    /// What is left for functions that have their share.
    private struct Room {
        let workers: Int
        let memory: Int
    }

    /// Idle workers can end for others, so they count as free.
    private var room: Room {
        Room(
            workers: limits.workers - workers.count + idleCount,
            memory: limits.memory - memory.promised + memory.promisedToIdle)
    }

    private static func isGrowing(
        _ record: FunctionRecord, _ limits: Limits, _ failures: RepeatedFailures<FunctionKey>, _ room: Room
    ) -> Bool {
        guard record.workers > 0, record.waiting > record.starting,
            record.workers < min(record.maximumWorkers, record.usefulWorkers),
            record.starting < max(1, limits.starting / 2)
        else { return false }
        // A function that sleeps must not take everything: it leaves as much as it has.
        guard record.workers < limits.share || record.workers < room.workers,
            record.workers < limits.processors || record.promised + record.memory.starting <= room.memory
        else { return false }
        // One on trial is tried with one worker.
        return !record.hasWorker || !failures.isOnTrial(record.key)
    }

    private mutating func firstUnserved() -> Int? { unserved.first { [functions] in functions[$0].isUnserved } }

    private mutating func firstGrowing() -> Int? {
        let room = room
        return growing.first { [functions, limits, failures] in Self.isGrowing(functions[$0], limits, failures, room) }
    }

    private static func isIdle(_ entry: IdleEntry, _ workers: [WorkerID: WorkerRecord]) -> Bool {
        workers[entry.worker]?.phase == .idle(since: entry.since)
    }

    private mutating func longestIdle() -> (entry: IdleEntry, worker: WorkerRecord)? {
        let first = idleWorkers.first { [workers] in Self.isIdle($0, workers) }
        return first.flatMap { entry in workers[entry.worker].map { (entry, $0) } }
    }

    /// The idle worker to end for others: one that its function does not keep ready, if there is any.
    private mutating func leastRecentlyUsed() -> (id: WorkerID, worker: WorkerRecord)? {
        guard let longest = longestIdle() else { return nil }
        guard !ready.isEmpty, functions[longest.worker.function].needsAll else {
            return (longest.entry.worker, longest.worker)
        }
        let other = idleWorkers.all.first { entry in
            guard Self.isIdle(entry, workers), let worker = workers[entry.worker] else { return false }
            return !functions[worker.function].needsAll
        }
        let id = other?.worker ?? longest.entry.worker
        return workers[id].map { (id, $0) }
    }

    // MARK: Functions

    private mutating func number(of key: FunctionKey) -> Int {
        if let number = numbers[key] { return number }
        let demand = demand(key)
        let maximum = demand.workers ?? limits.workersPerFunction
        let record = FunctionRecord(
            key: key, maximumWorkers: maximum, idleTimeout: demand.idleTimeout ?? limits.idleTimeout,
            minimumWorkers: ready[key] ?? 0, memory: demand.memory,
            usefulWorkers: GrowthRule().workers(processors: limits.processors, limit: maximum))
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

    // MARK: What workers were seen to do

    /// A function's workers with a call have computed and slept for so long since the last look, together.
    mutating func saw(_ key: FunctionKey, computed: Int64, slept: Int64, now: Int64) -> [Action] {
        guard let function = numbers[key] else { return [] }
        functions[function].growth.saw(computed: computed, slept: slept)
        functions[function].usefulWorkers = functions[function].growth.workers(
            processors: limits.processors, limit: functions[function].maximumWorkers)
        guard functions[function].waiting > 0 else { return [] }
        let actions = useIdle(function)
        list(function)
        return actions + startWorkers(now: now)
    }

    /// A worker that starts or serves has so much private memory.
    ///
    /// Its promise grows with it. If more is promised than there is, idle workers end. Where many grow at once, calls end:
    /// the largest worker of a function that has more workers than processors and uses more than it leaves to others; and
    /// if more is used than there is, that of the function that uses the most beyond what one worker of it may use.
    mutating func saw(_ id: WorkerID, privateBytes: Int) -> [Action] {
        guard let worker = workers[id], worker.phase == .starting || worker.phase == .busy else { return [] }
        var seen = worker
        let function = worker.function
        if let loaded = worker.loaded {
            functions[function].memory.saw(privateBytes, loaded: loaded)
            seen.memory.used = functions[function].memory.used(privateBytes, loaded: loaded)
        } else {
            seen.memory.used = privateBytes
        }
        seen.memory.promised = max(worker.memory.promised, seen.memory.used)
        replace(id, worker, by: seen)
        var actions: [Action] = []
        while !memory.fits(0), let (id, victim) = leastRecentlyUsed() { actions.append(endForOthers(id, victim)) }
        while leavesTooLittle(function), let (id, victim) = largest(of: function) {
            actions.append(endForMemory(id, victim))
        }
        while memory.isExhausted, let (id, victim) = largest() { actions.append(endForMemory(id, victim)) }
        return actions
    }

    private func leavesTooLittle(_ function: Int) -> Bool {
        let record = functions[function]
        return record.used > limits.memory - memory.used && record.used > record.memory.most
            && record.busy + record.starting > limits.processors
    }

    /// - Parameter function: nil: any.
    private func largest(of function: Int? = nil) -> (id: WorkerID, worker: WorkerRecord)? {
        func excess(_ worker: WorkerRecord) -> Int {
            functions[worker.function].used - functions[worker.function].memory.most
        }
        func canEnd(_ worker: WorkerRecord) -> Bool {
            (worker.phase == .busy || worker.phase == .starting) && worker.memory.used > 0
                && (function == nil || worker.function == function)
        }
        return workers.lazy.filter { canEnd($0.value) }.max {
            // Of several functions, the same one each time; of its workers the youngest, if they have grown alike.
            (excess($0.value), $0.value.function, $0.value.memory.used, $0.key)
                < (excess($1.value), $1.value.function, $1.value.memory.used, $1.key)
        }.map { (id: $0.key, worker: $0.value) }
    }

    private mutating func endForMemory(_ id: WorkerID, _ worker: WorkerRecord) -> Action {
        if worker.phase == .starting { stopStarting(worker.function) }
        _ = end(id, withoutMemory(id, worker))
        memoryEndCount += 1
        return .endForMemory(id)
    }

    /// Ends an idle worker because others need its place or its memory.
    private mutating func endForOthers(_ id: WorkerID, _ worker: WorkerRecord) -> Action {
        if functions[worker.function].needsAll {
            evictedReadyCount += 1
            readyPause = .max
        }
        return endIdle(id, worker)
    }

    // MARK: Workers that are kept ready

    /// Workers of these functions are started without a call and do not end for want of one, as many as each asks for.
    mutating func keepReady(_ keys: [FunctionKey], now: Int64) -> [Action] {
        readyFunctions = []
        ready = [:]
        for key in keys {
            let minimum = demand(key).minimumWorkers
            if minimum > 0, ready.updateValue(minimum, forKey: key) == nil { readyFunctions.append(key) }
        }
        for (key, number) in numbers { functions[number].minimumWorkers = ready[key] ?? 0 }
        return startReady(now: now)
    }

    /// Starts workers that are to be ready, as far as that costs no other function anything.
    private mutating func startReady(now: Int64) -> [Action] {
        guard !isShuttingDown, !ready.isEmpty, now >= readyPause else { return [] }
        var actions: [Action] = []
        for key in readyFunctions {
            while let action = startReady(key, now: now) { actions.append(action) }
        }
        return actions
    }

    private mutating func startReady(_ key: FunctionKey, now: Int64) -> Action? {
        guard startingCount < max(1, limits.starting / 2),
            workers.count - min(endingCount, limits.endingAllowance) < limits.workers
        else { return nil }
        if failures.isOnTrial(key), numbers[key].map({ functions[$0].hasWorker }) == true { return nil }
        if failures.pause(of: key, now: now) != nil { return nil }
        let function = number(of: key)
        let record = functions[function]
        let bytes = record.memory.starting
        guard record.workers - record.ending < min(record.minimumWorkers, record.maximumWorkers), memory.fits(bytes)
        else {
            forgetIfUnused(function)
            return nil
        }
        return start(function, promising: bytes)
    }

    // MARK: Time and the end

    /// Ends the workers that have been idle for the idle timeout, starts some for invocations that have waited long, and
    /// some that are to be ready.
    mutating func keepHouse(now: Int64) -> [Action] {
        failures.forgetOld(now: now)
        if readyPause == .max { readyPause = now + Self.readyDelay }
        var actions: [Action] = []
        for function in functions.indices {
            functions[function].memory.forget()
            actions += endIdleWorkers(of: function, now: now)
        }
        return actions + startWorkers(now: now) + startReady(now: now)
    }

    /// How long no worker is started to be ready after one was ended for others, in nanoseconds: they would end and
    /// start again and again.
    private static var readyDelay: Int64 { 10_000_000_000 }

    private mutating func endIdleWorkers(of function: Int, now: Int64) -> [Action] {
        var actions: [Action] = []
        while !functions[function].needsAll, let id = functions[function].idle.first, let worker = workers[id],
            case .idle(let since) = worker.phase, now - since >= functions[function].idleTimeout
        {
            actions.append(endIdle(id, worker))
        }
        return actions
    }

    /// Accepts nothing more: invocations that wait are rejected, idle workers end, busy ones end when they are done.
    mutating func shutDown() -> [Action] {
        isShuttingDown = true
        let waiting = waiters.keys.sorted()
        for waiter in waiting { _ = remove(waiter) }
        var actions: [Action] = waiting.map { .reject($0, .shuttingDown) }
        while let (entry, worker) = longestIdle() { actions.append(endIdle(entry.worker, worker)) }
        return actions
    }
}
