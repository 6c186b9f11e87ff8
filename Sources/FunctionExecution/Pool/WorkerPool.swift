import DequeModule
import FunctionModel
import NIOCore
import Synchronization
import SystemCalls

/// Carries out what ``PoolState`` decides: starts and ends workers, hands them invocations, keeps the deadlines.
///
/// Decisions are taken under the lock; everything that follows from them happens outside it.
final class WorkerPool: WorkerDelegate {
    fileprivate struct State {
        var pool: PoolState<Function>
        var invocations: [UInt64: Invocation] = [:]
        var workers: [UInt64: Worker] = [:]
        var running = 0
        var drainWaiters: [CheckedContinuation<Void, Never>] = []
        var endWaiters: [CheckedContinuation<Void, Never>] = []
        var isDeadlineTimerRunning = false
    }

    private let configuration: FunctionRuntime.Configuration
    private let group: any EventLoopGroup
    private let zygotes: Zygotes
    private let sourceBuilder: (any SourceBuilder)?
    private let controlGroups: ControlGroups?
    private let deadlines = DeadlineWheel()
    private let watch = WorkerWatch()
    private let limits: PoolState<Function>.Limits
    private let state: Mutex<State>
    private let housekeeping: Mutex<RepeatedTask?> = Mutex(nil)
    private let lastInvocation = Atomic<UInt64>(0)
    private let retired = Atomic<Int>(0)

    init(
        configuration: FunctionRuntime.Configuration, group: any EventLoopGroup, zygotes: Zygotes,
        sourceBuilder: (any SourceBuilder)?,
        controlGroups: ControlGroups?
    ) {
        self.configuration = configuration
        self.group = group
        self.zygotes = zygotes
        self.sourceBuilder = sourceBuilder
        self.controlGroups = controlGroups
        limits = configuration.poolLimits
        state = Mutex(
            State(
                pool: PoolState(limits: limits) { function in
                    .init(
                        workers: function.definition.limits.maxConcurrency,
                        // Temporary files are in memory.
                        memory: ((function.definition.limits.memoryMB ?? configuration.memoryMB)
                            + (function.definition.limits.temporaryMB ?? 0))
                            << 20,
                        keepsMemory: function.definition.isolation == .instance)
                }))
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

    /// An invocation that nobody has submitted yet.
    func makeInvocation(of function: Function, requestID: String, event: ByteBuffer, timeoutMillis: Int) -> Invocation {
        let (_, id) = lastInvocation.wrappingAdd(1, ordering: .relaxed)
        return Invocation(
            id: id, function: function, requestID: requestID, event: event,
            deadline: timeoutMillis > 0 ? MonotonicClock.now() + Int64(timeoutMillis) * 1_000_000 : nil,
            timeoutMillis: timeoutMillis,
            logLimit: function.definition.limits.maxLogBytes ?? configuration.maximumLogBytes,
            onLogLine: configuration.onLogLine)
    }

    /// Runs an invocation. `completion` is told its outcome.
    func submit(_ invocation: Invocation, _ completion: @escaping Invocation.Completion) {
        guard invocation.wait(completion) else { return }
        if let deadline = invocation.deadline, deadlines.add(invocation, deadline: deadline) { startDeadlineTimer() }
        let function = invocation.function
        guard function.needsBuild, function.built == nil else { return enqueue(invocation) }
        build(function) { [self] result in
            switch result {
            case .success:
                enqueue(invocation)
            case .failure(let error):
                deadlines.remove(invocation)
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

    /// Nobody wants the outcome any more: the guest ends, in a moment. One that answers by then keeps its worker:
    /// another takes more processor time than that.
    func cancel(_ invocation: Invocation) {
        abandon(invocation, CancellationError(), grace: .milliseconds(Int64(configuration.graceMillis)))
    }

    private func enqueue(_ invocation: Invocation) {
        let (idle, actions): (Worker?, [PoolState<Function>.Action]) = state.withLock { state in
            let actions = state.pool.add(invocation.id, for: invocation.function, now: MonotonicClock.now())
            // By far the most frequent case, in one look.
            if case .run(_, let worker) = actions.first {
                state.running += 1
                return (state.workers[worker]!, [])
            }
            state.invocations[invocation.id] = invocation
            return (nil, actions)
        }
        if let idle { idle.run(invocation) } else { perform(actions) }
    }

    /// The caller no longer wants an answer: it gets this error, and the guest ends, at once or if it has not answered
    /// by then.
    private func abandon(_ invocation: Invocation, _ error: any Error, grace: TimeAmount? = nil) {
        deadlines.remove(invocation)
        let worker = invocation.finish(.failure(error))
        if let worker {
            if let grace {
                worker.eventLoop.scheduleTask(in: grace) { worker.kill(for: invocation) }
            } else {
                worker.kill(for: invocation)
            }
        } else {
            // It was waiting, or it is being handed to a worker, which will see that it is finished.
            state.withLock { state in
                if state.pool.remove(invocation.id) { state.invocations[invocation.id] = nil }
            }
        }
    }

    private func fail(_ waiter: UInt64, _ error: any FunctionError) {
        let invocation = state.withLock { $0.invocations.removeValue(forKey: waiter) }
        guard let invocation else { return }
        deadlines.remove(invocation)
        invocation.finish(.failure(error))
    }

    // MARK: Actions

    private func perform(_ actions: [PoolState<Function>.Action]) {
        var rest = Deque(actions)
        while let action = rest.popFirst() {
            switch action {
            case .run(let waiter, let worker):
                let (invocation, worker) = state.withLock { state in
                    state.running += 1
                    return (state.invocations.removeValue(forKey: waiter)!, state.workers[worker]!)
                }
                worker.run(invocation)
            case .start(let worker, let function):
                rest.append(contentsOf: start(worker, function))
            case .end(let worker):
                state.withLock { $0.workers[worker] }?.kill()
            case .reject(let waiter, let rejection):
                fail(waiter, rejection.error(configuration, limits))
            }
        }
    }

    /// Starts a worker. Returns what follows if that is impossible.
    private func start(_ id: UInt64, _ function: Function) -> [PoolState<Function>.Action] {
        let isSuspect = state.withLock { $0.pool.isSuspect(function) }
        let worker = Worker(
            id: id, function: function, eventLoop: group.next(),
            loadTimeout: Int64(configuration.loadTimeoutMillis) * 1_000_000,
            limits: WorkerLimits(function, configuration), watch: watch, postponement: configuration.postponement,
            isSuspect: isSuspect,
            controlGroups: controlGroups, delegate: self)
        state.withLock { $0.workers[id] = worker }
        watch.add(worker)
        do {
            worker.connect(try zygotes.makeProcess(for: worker))
            return []
        } catch {
            worker.kill()
            return forget(worker, error as? any FunctionError ?? Overloaded("A worker cannot be started: \(error)"))
        }
    }

    // MARK: What workers report

    func worker(_ worker: Worker, did event: WorkerEvent) -> Invocation? {
        switch event {
        case .loaded(let privateBytes):
            workerIsReady(worker, loadedBytes: privateBytes)
            // Others take no spares.
            if let kind = try? worker.function.definition.zygoteKind(zygotes.artifactPath), kind.isOrdinary {
                zygotes.refill(kind.language)
            }
        case .ready:
            workerIsReady(worker, loadedBytes: nil)
        case .answered(let invocation, let isLast):
            deadlines.remove(invocation)
            stoppedRunning()
            guard isLast else { return nextInvocation(for: worker) }
            perform(state.withLock { $0.pool.endAfterAnswer(worker.id) })
        case .lost(let invocation):
            deadlines.remove(invocation)
            stoppedRunning()
        case .skipped:
            stoppedRunning()
            return nextInvocation(for: worker)
        case .didNotTake(let invocation):
            putBack(invocation)
            stoppedRunning()
        case .failedToLoad(let error, _):
            let now = MonotonicClock.now()
            for waiter in state.withLock({ $0.pool.loadFailed(worker.id, error.message, now: now) }) {
                fail(waiter, error)
            }
        case .ended(let error):
            if worker.wasRetired { retired.wrappingAdd(1, ordering: .relaxed) }
            perform(forget(worker, error))
        }
        return nil
    }

    private func workerIsReady(_ worker: Worker, loadedBytes: Int?) {
        let now = MonotonicClock.now()
        perform(state.withLock { $0.pool.workerIsReady(worker.id, loadedBytes: loadedBytes, now: now) })
    }

    private func nextInvocation(for worker: Worker) -> Invocation? {
        state.withLock { state in
            guard let waiter = state.pool.workerHasAnswered(worker.id) else { return nil }
            state.running += 1
            return state.invocations.removeValue(forKey: waiter)!
        }
    }

    private func putBack(_ invocation: Invocation) {
        guard invocation.beginAgain() else {
            deadlines.remove(invocation)
            invocation.finish(
                .failure(WorkerCrashed("The workers of the function end before they take on an invocation.")))
            return
        }
        let actions = state.withLock { state in
            state.invocations[invocation.id] = invocation
            return state.pool.putBack(invocation.id, for: invocation.function, now: MonotonicClock.now())
        }
        perform(actions)
    }

    private func stoppedRunning() {
        let waiters = state.withLock { state in
            state.running -= 1
            return state.running == 0 ? state.takeDrainWaiters() : []
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The worker is no more. Returns what follows.
    private func forget(_ worker: Worker, _ error: any FunctionError) -> [PoolState<Function>.Action] {
        watch.remove(worker)
        let (now, failure) = (MonotonicClock.now(), worker.isToBlame ? error.message : nil)
        let (actions, failed, waiters) = state.withLock { state in
            state.workers[worker.id] = nil
            let (actions, failed) = state.pool.workerEnded(
                worker.id, failure: failure, withZygote: worker.endedWithZygote, now: now)
            return (actions, failed, state.workers.isEmpty ? state.takeEndWaiters() : [])
        }
        if let failed { fail(failed, error) }
        for waiter in waiters { waiter.resume() }
        return actions
    }

    // MARK: Time

    private func startDeadlineTimer() {
        let mustStart = state.withLock { state in
            defer { state.isDeadlineTimerRunning = true }
            return !state.isDeadlineTimerRunning
        }
        if mustStart { scheduleDeadlineTimer() }
    }

    private func scheduleDeadlineTimer() {
        group.next().scheduleTask(in: .nanoseconds(DeadlineWheel.bucketWidth)) { self.expireDeadlines() }
    }

    private func expireDeadlines() {
        let (expired, isEmpty) = deadlines.takeExpired(now: MonotonicClock.now())
        for invocation in expired { abandon(invocation, InvocationTimeout(timeoutMillis: invocation.timeoutMillis)) }
        if isEmpty {
            state.withLock { $0.isDeadlineTimerRunning = false }
            // Somebody may have come between the look and the note.
            if !deadlines.isEmpty { startDeadlineTimer() }
        } else {
            scheduleDeadlineTimer()
        }
    }

    private func keepHouse() {
        let now = MonotonicClock.now()
        let (actions, workers) = state.withLock { ($0.pool.keepHouse(now: now), Array($0.workers.values)) }
        for worker in workers { worker.endIfOverdue(now: now) }
        zygotes.renew(now: now)
        perform(actions)
    }

    var workerCount: Int { state.withLock { $0.pool.workerCount } }

    var retiredWorkerCount: Int { retired.load(ordering: .relaxed) }

    // MARK: The end

    /// Rejects who waits and whoever comes; returns when nothing runs any more.
    func drain() async {
        perform(state.withLock { $0.pool.shutDown() })
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
        for worker in state.withLock({ Array($0.workers.values) }) { worker.kill() }
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

extension WorkerPool.State {
    fileprivate mutating func takeDrainWaiters() -> [CheckedContinuation<Void, Never>] {
        defer { drainWaiters = [] }
        return drainWaiters
    }

    fileprivate mutating func takeEndWaiters() -> [CheckedContinuation<Void, Never>] {
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
                failures: pause.failures, retryAfterMillis: Int((pause.remaining + 999_999) / 1_000_000),
                lastFailure: pause.lastFailure)
        }
    }
}
