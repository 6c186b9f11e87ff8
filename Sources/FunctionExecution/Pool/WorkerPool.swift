import FunctionModel
import NIOCore
import Synchronization
import SystemCalls
import Telemetry
import WorkerProtocol

/// Carries out what ``PoolState`` decides: starts and ends workers and hands them invocations.
///
/// Decisions are taken under the lock and carry the objects that they are about (``Effect``); what follows from them
/// happens outside it. One lock guards all that an invocation passes through here, its deadline included: submitting
/// takes it once, an answer once, and a worker that is ready again once.
final class WorkerPool: WorkerDelegate {
    fileprivate struct State {
        var pool: PoolState<Function>
        /// Invocations that wait.
        var invocations: [UInt64: Invocation] = [:]
        var workers: [UInt64: Entry] = [:]
        var deadlines = DeadlineQueue<Invocation>()
        /// How many invocations have been handed to workers and have not come back.
        var running = 0
        var drainWaiters: [CheckedContinuation<Void, Never>] = []
        var endWaiters: [CheckedContinuation<Void, Never>] = []
    }

    fileprivate struct Entry {
        let worker: Worker
        let started: Int64
    }

    /// An action of ``PoolState`` with its objects. It stays valid whatever ends before it is carried out: a worker
    /// that has ended gives back what it is handed.
    enum Effect {
        case start(Worker)
        case run(Invocation, on: Worker)
        case end(Worker)
        case endForMemory(Worker)
        case fail(Invocation, any Error)
    }

    private let configuration: FunctionRuntime.Configuration
    private let group: any EventLoopGroup
    private let launcher: any WorkerLauncher
    private let sourceBuilder: (any SourceBuilder)?
    private let controlGroups: ControlGroups?
    private let context: InvocationContext
    let learned: LearnedImports
    private let deadlines: Deadlines
    private let watch = WorkerWatch()
    private let limits: PoolState<Function>.Limits
    private let limitDefaults: EffectiveLimits.Defaults
    private let state: Mutex<State>
    private let housekeeping: Mutex<RepeatedTask?> = Mutex(nil)
    private let lastInvocation = Atomic<UInt64>(0)
    private let retirements = Retirements()

    init(
        configuration: FunctionRuntime.Configuration, group: any EventLoopGroup, launcher: any WorkerLauncher,
        sourceBuilder: (any SourceBuilder)?, controlGroups: ControlGroups?, context: InvocationContext
    ) {
        self.configuration = configuration
        self.group = group
        self.launcher = launcher
        self.sourceBuilder = sourceBuilder
        self.controlGroups = controlGroups
        self.context = context
        learned = LearnedImports(keep: configuration.keepImports)
        deadlines = Deadlines(on: group.next(), now: context.now)
        limits = configuration.poolLimits
        let limitDefaults = EffectiveLimits.Defaults(configuration)
        self.limitDefaults = limitDefaults
        state = Mutex(
            State(
                pool: PoolState(limits: limits) { function in
                    let own = EffectiveLimits(function, limitDefaults)
                    return .init(
                        workers: own.maximumWorkers, memory: own.memory(function.definition.isolation),
                        minimumWorkers: own.minimumWorkers,
                        idleTimeout: own.idleTimeoutMillis.map(Nanoseconds.milliseconds))
                }))
        watch.tell { [weak self] in self?.saw($0) }
    }

    /// Looks after idle and overdue workers from now on, until ``killAll()``.
    func startHousekeeping() {
        let interval = TimeAmount.milliseconds(min(250, max(10, Int64(configuration.idleTimeoutMillis) / 4)))
        housekeeping.withLock { task in
            task = group.next().scheduleRepeatedTask(initialDelay: interval, delay: interval) { [weak self] _ in
                self?.keepHouse()
            }
        }
    }

    // MARK: Invocations

    /// An invocation that is still to be submitted. Its time runs from now on.
    ///
    /// - Parameter timeoutMillis: what the caller asks for; nil: what the function asks for.
    func makeInvocation(
        of function: Function, requestID: String, event: ByteBuffer, timeoutMillis: Int?,
        trigger: InvocationRecord.Trigger = .library
    ) -> Invocation {
        let own = EffectiveLimits(function, limitDefaults)
        let timeoutMillis = own.timeoutMillis(asked: timeoutMillis)
        let (_, id) = lastInvocation.wrappingAdd(1, ordering: .relaxed)
        return Invocation(
            id: id, function: function, requestID: requestID, event: event,
            deadline: timeoutMillis > 0 ? context.now() + Nanoseconds.milliseconds(timeoutMillis) : nil,
            timeoutMillis: timeoutMillis, trigger: trigger, logLimit: own.maximumLogBytes, context: context)
    }

    /// Runs an invocation. `completion` is told its outcome.
    ///
    /// - Parameter reservedBytes: what the caller has reserved of the host's memory for the event, and hands over.
    func submit(_ invocation: Invocation, reservedBytes: Int = 0, _ completion: @escaping Invocation.Completion) {
        guard invocation.submit(reservedBytes: reservedBytes, completion) else { return }
        let function = invocation.function
        let limit = EffectiveLimits(function, limitDefaults).maximumEventBytes
        guard invocation.event.readableBytes <= limit else {
            invocation.finish(.failure(PayloadTooLarge(limit: limit)))
            return
        }
        guard function.needsBuild, function.built == nil else { return enqueue(invocation) }
        // The deadline holds while the function is built, too.
        let startsTimer = state.withLock { Self.add(invocation, to: &$0.deadlines) }
        if startsTimer { startDeadlineTimer() }
        let began = context.now()
        build(function) { [self] result in
            switch result {
            case .success:
                invocation.noteLoad(since: began, now: context.now())
                enqueue(invocation, hasDeadline: true)
            case .failure(let error):
                state.withLock { $0.deadlines.remove(invocation) }
                invocation.finish(.failure(error))
            }
        }
    }

    func build(_ function: Function, _ completion: @escaping @Sendable (Result<Void, any Error>) -> Void) {
        guard let sourceBuilder else {
            return completion(.failure(LoadError("The source needs a build, and this runtime has no source builder.")))
        }
        sourceBuilder.build(function, completion)
    }

    /// Cancels an invocation. Its worker is killed after `graceMillis`; a call that finishes first keeps the worker,
    /// because a new one takes more processor time than that.
    func cancel(_ invocation: Invocation) {
        abandon(
            invocation, CancellationError(),
            grace: .nanoseconds(Nanoseconds.milliseconds(configuration.graceMillis)))
    }

    private static func add(_ invocation: Invocation, to deadlines: inout DeadlineQueue<Invocation>) -> Bool {
        guard let deadline = invocation.deadline else { return false }
        return deadlines.add(invocation.id, invocation, deadline: deadline)
    }

    private func enqueue(_ invocation: Invocation, hasDeadline: Bool = false) {
        let admission = admit(invocation, hasDeadline: hasDeadline)
        if admission.startsTimer { startDeadlineTimer() }
        perform(admission)
    }

    /// What is to be done with an invocation that has come.
    struct Admission {
        /// The worker that takes it.
        var idle: (invocation: Invocation, worker: Worker)?
        var effects: [Effect] = []
        fileprivate var startsTimer = false
    }

    /// Registers the deadline and decides who serves the invocation, under one lock. Tests look at what happens between
    /// this and ``perform(_:)-(Admission)``.
    ///
    /// - Parameter hasDeadline: whether the deadline has been registered already.
    func admit(_ invocation: Invocation, hasDeadline: Bool = false) -> Admission {
        state.withLock { state in
            var admission = Admission()
            // A caller that stops waiting finishes the invocation first, and takes it out of here then.
            if invocation.isFinished {
                state.deadlines.remove(invocation)
                return admission
            }
            if !hasDeadline { admission.startsTimer = Self.add(invocation, to: &state.deadlines) }
            let actions = state.pool.add(invocation.id, for: invocation.function, now: context.now())
            // By far the most frequent case takes no dictionary and no list of effects.
            if actions.count == 1, case .run(_, let id) = actions[0], let entry = state.workers[id] {
                state.running += 1
                admission.idle = (invocation, entry.worker)
            } else {
                state.invocations[invocation.id] = invocation
                admission.effects = resolve(actions, &state)
            }
            return admission
        }
    }

    func perform(_ admission: Admission) {
        if let (invocation, worker) = admission.idle { worker.run(invocation) } else { perform(admission.effects) }
    }

    /// Fails the invocation now, and kills its worker now, or after `grace` if it has not answered by then.
    private func abandon(_ invocation: Invocation, _ error: any Error, grace: TimeAmount? = nil) {
        let worker = invocation.finish(.failure(error))
        state.withLock { state in
            state.deadlines.remove(invocation)
            // Otherwise it is being handed to a worker, which will see that it is finished.
            if state.pool.remove(invocation.id) { state.invocations[invocation.id] = nil }
        }
        guard let worker else { return }
        if let grace {
            worker.eventLoop.scheduleTask(in: grace) { worker.kill(for: invocation, .cancelled) }
        } else {
            worker.kill(for: invocation, .deadline)
        }
    }

    // MARK: Decisions and effects

    /// Decides under the lock.
    private func decide(
        failing error: (any Error)? = nil, _ body: (inout State) -> [PoolState<Function>.Action]
    ) -> [Effect] {
        state.withLock { state in
            let actions = body(&state)
            return actions.isEmpty ? [] : resolve(actions, failing: error, &state)
        }
    }

    /// Gives actions their objects. Called under the lock, which also guards the tables, so every object should exist.
    /// If one is missing, the worker or invocation paired with it is returned to the pool.
    private func resolve(
        _ actions: [PoolState<Function>.Action], failing error: (any Error)? = nil, _ state: inout State
    ) -> [Effect] {
        var effects: [Effect] = []
        for action in actions {
            switch action {
            case .run(let waiter, let id):
                guard let invocation = state.invocations.removeValue(forKey: waiter) else {
                    effects += resolve(state.pool.worker(id, did: .ready(), now: context.now()), &state)
                    continue
                }
                guard let entry = state.workers[id] else {
                    state.invocations[waiter] = invocation
                    effects += resolve(
                        state.pool.worker(id, did: .ended(.excused), now: context.now())
                            + state.pool.putBack(waiter, for: invocation.function, now: context.now()), &state)
                    continue
                }
                state.running += 1
                effects.append(.run(invocation, on: entry.worker))
            case .start(let id, let function):
                let worker = makeWorker(id, function, isSuspect: state.pool.isSuspect(function))
                state.workers[id] = Entry(worker: worker, started: context.now())
                effects.append(.start(worker))
            case .end(let id):
                if let entry = state.workers[id] { effects.append(.end(entry.worker)) }
            case .endForMemory(let id):
                if let entry = state.workers[id] { effects.append(.endForMemory(entry.worker)) }
            case .reject(let waiter, let rejection):
                fail(waiter, rejection.error(configuration, limits), &state, &effects)
            case .fail(let waiter):
                fail(waiter, error ?? WorkerCrashed("The worker ended before it answered."), &state, &effects)
            }
        }
        return effects
    }

    private func fail(_ waiter: UInt64, _ error: any Error, _ state: inout State, _ effects: inout [Effect]) {
        guard let invocation = state.invocations.removeValue(forKey: waiter) else { return }
        state.deadlines.remove(invocation)
        effects.append(.fail(invocation, error))
    }

    private func makeWorker(_ id: UInt64, _ function: Function, isSuspect: Bool) -> Worker {
        Worker(
            id: id, function: function, eventLoop: group.next(), limits: WorkerLimits(function, configuration),
            memory: context.memory, watch: watch, postponement: configuration.postponement, isSuspect: isSuspect,
            controlGroups: controlGroups, notice: retirements.takeNotice(for: function), learned: learned,
            artifactPath: configuration.artifactPath, delegate: self)
    }

    /// - Parameter reason: why workers end that the pool has decided to end.
    private func perform(_ effects: [Effect], endingFor reason: WorkerEnd.Reason = .evicted) {
        for effect in effects {
            switch effect {
            case .run(let invocation, let worker): worker.run(invocation)
            case .start(let worker): start(worker)
            case .end(let worker): worker.kill(reason)
            case .endForMemory(let worker):
                worker.endForMemory(
                    Overloaded(
                        "The functions of this host use more than the \(limits.memory >> 20) MB that it has for them. This "
                            + "call was ended because its function uses the most. Try again later."))
            case .fail(let invocation, let error): invocation.finish(.failure(error))
            }
        }
    }

    /// - Parameter loadLogs: what the function wrote while it loaded. Invocations that fail for that get the lines.
    private func perform(_ effects: [Effect], with loadLogs: [LogLine]) {
        for case .fail(let invocation, _) in effects {
            for line in loadLogs { invocation.add(line) }
        }
        perform(effects)
    }

    private func start(_ worker: Worker) {
        watch.add(worker)
        do {
            worker.connect(try launcher.launch(worker))
        } catch {
            worker.kill()
            forget(
                worker,
                error as? any FunctionError ?? Overloaded("A worker cannot be started: \(error). Try again later."))
        }
    }

    // MARK: What workers report

    func worker(_ worker: Worker, did event: WorkerEvent) -> Invocation? {
        switch event {
        case .loaded(let privateBytes):
            hasLoaded(worker, privateBytes)
        case .ready:
            perform(decide { $0.pool.worker(worker.id, did: .ready(), now: context.now()) })
        case .answered(let invocation, let isLast):
            return takeBack(invocation, from: worker, .answered(isLast: isLast))
        case .crashed(let invocation, let reason, let isLast):
            return takeBack(invocation, from: worker, .answered(isLast: isLast, crash: reason))
        case .skipped(let invocation):
            return takeBack(invocation, from: worker, .skipped)
        case .lost(let invocation):
            _ = takeBack(invocation, from: worker, nil)
        case .didNotTake(let invocation):
            putBack(invocation)
        case .failedToLoad(let error, let logs):
            let effects = decide(failing: error) {
                $0.pool.worker(worker.id, did: .failedToLoad(error.message), now: context.now())
            }
            perform(effects, with: logs)
        case .ended(let error):
            if let reason = worker.retirement { retirements.note(worker.function, reason) }
            forget(worker, error)
        }
        return nil
    }

    private func hasLoaded(_ worker: Worker, _ privateBytes: Int?) {
        let now = context.now()
        var started: Int64?
        let effects = decide { state in
            started = state.workers[worker.id]?.started
            return state.pool.worker(worker.id, did: .ready(privateBytes: privateBytes), now: now)
        }
        for case .run(let invocation, let other) in effects where other === worker {
            invocation.noteLoad(since: started ?? now, now: now)
        }
        perform(effects)
        launcher.hasLoaded(worker)
    }

    /// An invocation's worker is done with it. Returns one to send ahead to the same worker, if one waits.
    private func takeBack(_ invocation: Invocation, from worker: Worker, _ event: PoolState<Function>.Event?)
        -> Invocation?
    {
        var drained: [CheckedContinuation<Void, Never>] = []
        let (next, effects): (Invocation?, [Effect]) = state.withLock { state in
            state.deadlines.remove(invocation)
            state.running -= 1
            drained = state.takeDrainWaiters()
            guard let event else { return (nil, []) }
            let actions = state.pool.worker(worker.id, did: event, now: context.now())
            // By far the most frequent cases take no list of effects.
            if actions.isEmpty { return (nil, []) }
            if actions.count == 1, case .run(let waiter, worker.id) = actions[0],
                let next = state.invocations.removeValue(forKey: waiter)
            {
                state.running += 1
                return (next, [])
            }
            return (nil, resolve(actions, &state))
        }
        for waiter in drained { waiter.resume() }
        if let next { return next }
        guard case .run(let next, on: let other) = effects.first, other === worker else {
            perform(effects)
            return nil
        }
        perform(Array(effects.dropFirst()))
        return next
    }

    /// The worker has ended before it began this invocation, which goes to another.
    private func putBack(_ invocation: Invocation) {
        let isWanted = invocation.beginAgain()
        var drained: [CheckedContinuation<Void, Never>] = []
        let effects = decide { state in
            state.running -= 1
            drained = state.takeDrainWaiters()
            guard isWanted, !invocation.isFinished else {
                state.deadlines.remove(invocation)
                return []
            }
            state.invocations[invocation.id] = invocation
            return state.pool.putBack(invocation.id, for: invocation.function, now: context.now())
        }
        if !isWanted {
            invocation.finish(
                .failure(WorkerCrashed("The workers of the function end before they take on an invocation.")))
        }
        for waiter in drained { waiter.resume() }
        perform(effects)
    }

    /// The worker has ended. The error is for an invocation that waited for it.
    private func forget(_ worker: Worker, _ error: any FunctionError) {
        watch.remove(worker)
        if !context.observers.isEmpty {
            let end = worker.endRecord(error)
            for observer in context.observers { observer.workerEnded(end) }
        }
        let end: PoolState<Function>.End =
            switch worker.endCause {
            case .function, .retiredForMemory, .retiredForThreads, .retiredForProcess, .retiredForLoading:
                .failed(error.message)
            case .host: .excused
            case .zygote: .zygoteEnded
            case .neverTookFunction: .neverTookFunction
            }
        var ended: [CheckedContinuation<Void, Never>] = []
        let effects = decide(failing: error) { state in
            state.workers[worker.id] = nil
            defer { ended = state.takeEndWaiters() }
            return state.pool.worker(worker.id, did: .ended(end), now: context.now())
        }
        for waiter in ended { waiter.resume() }
        perform(effects, with: worker.loadLogs)
    }

    // MARK: What the watch saw

    private func saw(_ sights: WorkerWatch.Sights) {
        let now = context.now()
        perform(
            decide { state in
                var actions: [PoolState<Function>.Action] = []
                for (id, bytes) in sights.memory { actions += state.pool.saw(id, privateBytes: bytes) }
                for calls in sights.calls {
                    actions += state.pool.saw(
                        calls.function, computed: calls.computed, slept: calls.slept, now: now)
                }
                return actions
            })
    }

    // MARK: Workers that are kept ready

    /// Keeps as many workers of these functions ready as they ask for. Replaces what was said before.
    func keepReady(_ functions: [Function]) {
        perform(decide { $0.pool.keepReady(functions, now: context.now()) })
    }

    // MARK: Time

    private func startDeadlineTimer() {
        deadlines.start { [weak self] now in self?.expireDeadlines(now: now) ?? false }
    }

    /// Returns whether there are deadlines left.
    private func expireDeadlines(now: Int64) -> Bool {
        let (due, mustGoOn) = state.withLock { $0.deadlines.takeDue(now: now) }
        for invocation in due { abandon(invocation, InvocationTimeout(timeoutMillis: invocation.timeoutMillis)) }
        return mustGoOn
    }

    private func keepHouse() {
        let now = context.now()
        var workers: [Worker] = []
        let effects = decide { state in
            workers = state.workers.values.map(\.worker)
            return state.pool.keepHouse(now: now)
        }
        for worker in workers { worker.endIfOverdue(now: now) }
        launcher.keepHouse(now: now)
        perform(effects, endingFor: .idle)
    }

    var workerCount: Int { state.withLock { $0.pool.workerCount } }

    var use: PoolUse {
        state.withLock { state in
            let pool = state.pool
            var use = PoolUse()
            use.starting = pool.startingCount
            use.idle = pool.idleCount
            use.ending = pool.endingWorkers
            use.busy = max(0, pool.workerCount - use.starting - use.idle - use.ending)
            use.waiting = pool.waitingCount
            use.promisedBytes = pool.promisedMemory
            use.usedBytes = pool.usedMemory
            use.memoryLimit = limits.memory
            return use
        }
    }

    var idleWorkerCount: Int { state.withLock { $0.pool.idleCount } }

    /// How many workers have been retired, by reason.
    var retiredWorkers: [RetirementReason: Int] { retirements.counts }

    /// How many workers that were kept ready have ended for others, and how many calls were ended for memory.
    var evictions: (ready: Int, calls: Int) {
        state.withLock { ($0.pool.evictedReadyCount, $0.pool.memoryEndCount) }
    }

    // MARK: The end

    /// Rejects invocations that wait or come later, and ends idle workers.
    func stopAccepting() {
        perform(decide { $0.pool.shutDown() }, endingFor: .shutdown)
    }

    /// Returns when no invocation runs any more.
    func drain() async {
        await withCheckedContinuation { continuation in
            let isDrained = state.withLock { state in
                if state.running == 0 { return true }
                state.drainWaiters.append(continuation)
                return false
            }
            if isDrained { continuation.resume() }
        }
    }

    /// Ends every worker, whatever it is doing.
    func killAll() {
        housekeeping.withLock { task in
            task?.cancel()
            task = nil
        }
        for entry in state.withLock({ Array($0.workers.values) }) { entry.worker.kill(.shutdown) }
    }

    /// Returns when every worker is known to have ended.
    func waitUntilEmpty() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if state.workers.isEmpty { return true }
                state.endWaiters.append(continuation)
                return false
            }
            if isEmpty { continuation.resume() }
        }
    }
}

extension DeadlineQueue<Invocation> {
    fileprivate mutating func remove(_ invocation: Invocation) {
        if let deadline = invocation.deadline { remove(invocation.id, deadline: deadline) }
    }
}

extension WorkerPool.State {
    /// The callers of `drain()`, if no invocation runs any more.
    fileprivate mutating func takeDrainWaiters() -> [CheckedContinuation<Void, Never>] {
        guard running == 0, !drainWaiters.isEmpty else { return [] }
        defer { drainWaiters = [] }
        return drainWaiters
    }

    /// The callers of `waitUntilEmpty()`, if there is no worker any more.
    fileprivate mutating func takeEndWaiters() -> [CheckedContinuation<Void, Never>] {
        guard workers.isEmpty, !endWaiters.isEmpty else { return [] }
        defer { endWaiters = [] }
        return endWaiters
    }
}

extension PoolState.Rejection {
    fileprivate func error(_ configuration: FunctionRuntime.Configuration, _ limits: PoolState<Function>.Limits)
        -> any FunctionError
    {
        switch self {
        case .functionQueueFull: TooManyRequests(limit: configuration.maximumWaitingPerFunction)
        case .hostQueueFull: Overloaded("The host already has \(configuration.maximumWaiting) invocations waiting.")
        case .shuttingDown: ShuttingDown()
        case .memoryPromised:
            Overloaded("The \(limits.memory >> 20) MB that this host has for its functions are in use.")
        case .failing(let pause):
            BackedOff(
                failures: pause.failures, retryAfterMillis: Int(pause.remaining.dividedUp(by: 1_000_000)),
                lastFailure: pause.lastFailure)
        }
    }
}

extension Int64 {
    fileprivate func dividedUp(by divisor: Int64) -> Int64 { self / divisor + (self % divisor > 0 ? 1 : 0) }
}
