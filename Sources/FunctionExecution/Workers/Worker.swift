import FunctionModel
import HostMemory
import NIOCore
import NIOPosix
import Synchronization
import SystemCalls
import Telemetry
import WorkerProtocol

/// The host's side of one worker. ``WorkerState`` decides; this carries out: it sends through ``WorkerConnection``,
/// reports to the pool, and ends the process through ``WorkerProcess``.
///
/// `@unchecked Sendable`: every `var` is used on `eventLoop` only. Everything else is immutable, atomic or has a lock.
final class Worker: @unchecked Sendable {
    let id: UInt64
    let function: Function
    let eventLoop: any EventLoop
    let limits: WorkerLimits
    let oversight: WorkerOversight
    private let process: WorkerProcess
    private let memory: ByteBudget
    private let failures: WorkerFailure
    private let artifactPath: @Sendable (String) -> String?
    private let learned: LearnedImports
    /// Kept alive by its workers, until the last has ended.
    private let delegate: any WorkerDelegate
    /// ``WorkerState/preparationDeadline``, for the thread that checks deadlines.
    private let preparationDeadline: Atomic<Int64>
    /// The host's end of its socket while that is open, else -1. For a look from another thread, which is wrong for a
    /// moment if the number is another file's by then.
    private let socket = Atomic<Int32>(-1)
    /// The place in `WorkerEnd.Reason.allCases` of the reason why the host ends it; -1: it does not.
    private let killReason = Atomic<Int>(-1)

    private var state: WorkerState<Invocation> { didSet { publish() } }
    private var publishedActivity: UInt64 = 0
    /// Set while the connection is open. It and the channel refer to this worker.
    private var connection: WorkerConnection?
    private var loadLog: BoundedLog
    /// Whether it has modules that earlier calls have imported, from the start or since its first call.
    private var hasLearnedImports = false
    /// What it may log until its next `ready`. A worker that logs more is not an honest one.
    private var logAllowance: LogAllowance
    private let fullLogAllowance: LogAllowance

    /// - Parameters:
    ///   - memory: what its half frames and the lines of its load are drawn from.
    ///   - isSuspect: whether its function's last worker ended without an answer.
    ///   - notice: a line of the host's own for the first invocation's log.
    ///   - learned: what it is told to import, and told what it has learned.
    ///   - artifactPath: the folder that an artifact of the function's definition is in.
    init(
        id: UInt64, function: Function, eventLoop: any EventLoop, limits: WorkerLimits, memory: ByteBudget,
        watch: WorkerWatch, postponement: Postponement, isSuspect: Bool, controlGroups: ControlGroups?,
        notice: LogLine? = nil, learned: LearnedImports,
        artifactPath: @escaping @Sendable (String) -> String? = { $0 }, delegate: any WorkerDelegate
    ) {
        self.id = id
        self.function = function
        self.eventLoop = eventLoop
        self.limits = limits
        self.memory = memory
        self.artifactPath = artifactPath
        self.learned = learned
        self.delegate = delegate
        process = WorkerProcess(controlGroups: controlGroups, memoryBytes: limits.groupBytes)
        oversight = WorkerOversight(
            process: process, limits: limits, isolation: function.definition.isolation, watch: watch,
            postponement: postponement, isSuspect: isSuspect)
        failures = WorkerFailure(function: function, limits: limits)
        loadLog = BoundedLog(limit: limits.maximumLogBytes)
        if let notice { loadLog.add(notice, from: memory) }
        fullLogAllowance = LogAllowance(toleratedFor: limits.maximumLogBytes)
        logAllowance = fullLogAllowance
        state = WorkerState(loadTimeout: limits.loadTimeout, now: MonotonicClock.now())
        preparationDeadline = Atomic(state.preparationDeadline)
        publish()
    }

    /// Shows other threads what the state says now.
    private func publish() {
        preparationDeadline.store(state.preparationDeadline, ordering: .relaxed)
        guard state.activity != publishedActivity else { return }
        publishedActivity = state.activity
        oversight.workerDoes(publishedActivity)
    }

    // MARK: Start

    /// Takes over the host's end of the socket and sends the function, while the zygote forks.
    func connect(_ socket: Int32) {
        self.socket.store(socket, ordering: .relaxed)
        ClientBootstrap(group: eventLoop)
            .channelOption(.maxMessagesPerRead, value: WorkerConnection.readsPerTurn)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = WorkerConnection(self, channel, socket: socket, memory: self.memory)
                    self.connection = connection
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
            .withConnectedSocket(socket)
            .whenComplete { result in
                switch result {
                case .success: self.sendFunction()
                case .failure(let error):
                    _ = self.state.streamClosed()
                    self.fail(WorkerCrashed("The worker cannot be reached: \(error)"))
                }
            }
    }

    private func sendFunction() {
        guard state.streamOpened(), let connection else { return carryOut(state.giveUp()) }
        let lesson = learned.lesson(for: function, loadTimeout: limits.loadTimeout)
        hasLearnedImports = !lesson.imports.names.isEmpty
        if lesson.milliseconds > 0 { state.learns() }
        let message = LoadMessage(
            function, memoryMB: limits.memoryMB, logBytes: limits.maximumLogBytes, lesson: lesson,
            artifactPath: artifactPath)
        guard let length = connection.send(message) else { return }
        let limit = Frame.maximumPayloadLength
        failLoading(LoadError("The source and its dependencies are \(length) bytes; the limit is \(limit)."))
    }

    /// The zygote has made the process. Takes over its handle.
    func attach(handle: Int32) {
        process.attach(handle: handle)
        oversight.beginPostponement()
        eventLoop.execute { self.state.processWasMade(now: MonotonicClock.now()) }
    }

    /// What its zygote gives its process.
    var forkPriority: ProcessPriority { oversight.forkPriority }

    // MARK: Invocations

    /// Sends an invocation to this ready worker. Called by the pool, which has reserved the worker for it.
    func run(_ invocation: Invocation) {
        if eventLoop.inEventLoop {
            runNow(invocation)
        } else {
            eventLoop.execute { self.runNow(invocation) }
        }
    }

    private func runNow(_ invocation: Invocation) {
        guard invocation.begin(on: self) else {
            // It was cancelled or ran out of time since the pool chose this worker, which is as pristine as before.
            if let next = delegate.worker(self, did: .skipped(invocation)) { return runNow(next) }
            delegate.worker(self, did: .ready)
            return
        }
        guard state.begin(invocation, isEnding: process.isEnding), let connection else {
            delegate.worker(self, did: .didNotTake(invocation))
            return
        }
        oversight.wakes()
        if !loadLog.lines.isEmpty {
            for line in loadLog.take(returning: memory) { invocation.add(line) }
        }
        connection.send(invocation)
    }

    private func sendAhead(_ next: Invocation) {
        var next = next
        while !next.begin(on: self) {
            guard let another = delegate.worker(self, did: .skipped(next)) else { return }
            next = another
        }
        // The state first: a write that fails ends this worker before it returns.
        guard state.beginAhead(next, isEnding: process.isEnding), let connection else {
            delegate.worker(self, did: .didNotTake(next))
            return
        }
        connection.send(next)
    }

    // MARK: Frames

    /// Longer results and events are read on another thread.
    private static let inlineCheckBytes = 16 << 10

    /// - Throws: what is wrong with the frame. The worker cannot be trusted then.
    func take(_ frame: WorkerFrame) throws {
        switch frame {
        case .begun(let kind):
            guard state.expects(kind, isEnding: process.isEnding) else { throw UnexpectedFrame(kind: kind) }
        case .whole(let kind, let payload, let length):
            try take(kind, payload, length)
        }
    }

    private func take(_ kind: Frame.FromWorker, _ payload: ByteBuffer, _ length: Int) throws {
        if kind == .log {
            logAllowance.take(textLength: max(0, length - 1))
            if logAllowance.isExceeded { throw TooManyLogLines() }
        } else if kind == .ready {
            logAllowance = fullLogAllowance
        }
        switch state.received(kind, isEnding: process.isEnding) {
        case .ignore: break
        case .loaded:
            // It keeps its priority: a new worker's first invocation is long, and still to come.
            delegate.worker(self, did: .loaded(privateBytes: oversight.workerHasLoaded()))
        case .restored:
            oversight.endPostponement()
            delegate.worker(self, did: .ready)
        case .restoredAndRuns:
            oversight.endPostponement()
        case .keepLoadLine:
            loadLog.add(try LogLine(payload, length), from: memory)
        case .addLine(let invocation):
            invocation.add(try LogLine(payload, length))
        case .addImports:
            let names = try payload.withBytes { bytes throws(ProtocolError) in try ModuleNames(bytes) }
            hasLearnedImports = true
            learned.add(names, of: function)
        case .failLoading:
            failLoading(error(for: try Failure(payload, length)))
        case .answer(let invocation) where kind == .failure:
            let failure = try Failure(payload, length)
            fail(invocation, failure)
        case .answer(let invocation):
            guard payload.readableBytes == length else {
                hasAnswered(invocation)
                invocation.finish(.failure(failures.resultTooLong(length)))
                return
            }
            guard length > Self.inlineCheckBytes || payload.isJSON else { throw ResultIsNotJSON() }
            finish(invocation, payload.withoutMuchElse)
        case .refuse:
            throw UnexpectedFrame(kind: kind)
        }
    }

    private func error(for failure: Failure, event: ByteBuffer? = nil) -> any FunctionError {
        failures.error(for: failure, event: event, isNearMemoryLimit: oversight.isNearMemoryLimit)
    }

    private func fail(_ invocation: Invocation, _ failure: Failure) {
        let mustForget = hasLearnedImports && limits.isRefusedMemory(failure, function.definition.language)
        if mustForget { learned.stop(for: function) }
        hasAnswered(invocation, crash: failure.kind.isCrash ? failure.message : nil, isLast: mustForget)
        guard failure.kind == .invalidEvent, invocation.event.readableBytes > Self.inlineCheckBytes else {
            invocation.finish(.failure(error(for: failure, event: invocation.event)))
            return
        }
        // The caller is told where the event is wrong, which takes as long as reading it.
        NIOThreadPool.singleton.submit { _ in
            invocation.finish(.failure(self.error(for: failure, event: invocation.event)))
        }
    }

    private func finish(_ invocation: Invocation, _ json: ByteBuffer) {
        hasAnswered(invocation)
        guard json.readableBytes > Self.inlineCheckBytes else {
            invocation.finish(.success(json))
            return
        }
        NIOThreadPool.singleton.submit { _ in
            if json.isJSON {
                invocation.finish(.success(json))
            } else {
                invocation.finish(.failure(WorkerCrashed("The worker sent \(ResultIsNotJSON()).")))
                self.eventLoop.execute { self.distrust("\(ResultIsNotJSON())") }
            }
        }
    }

    /// The outcome of an invocation has come. The pool first, the caller second: the next event travels while the worker
    /// puts its memory back.
    /// - Parameters:
    ///   - crash: why the process that ran the invocation ended, if it did.
    ///   - isLast: whether the worker serves no more.
    private func hasAnswered(_ invocation: Invocation, crash: String? = nil, isLast: Bool = false) {
        state.answered(now: MonotonicClock.now())
        let isLast = isLast || oversight.isPostponedForGood
        // Before the next event, which must not run at a priority that this one caused.
        oversight.endPostponement()
        let next =
            if let crash {
                delegate.worker(self, did: .crashed(invocation, reason: crash, isLast: isLast))
            } else {
                delegate.worker(self, did: .answered(invocation, isLast: isLast))
            }
        if let next { sendAhead(next) }
    }

    private func failLoading(_ error: any FunctionError) {
        // The function may load without what was learned. The call waits for another worker, which learns nothing.
        if hasLearnedImports { return process.terminate() }
        state.loadingFailed(error)
        delegate.worker(self, did: .failedToLoad(error, logs: loadLog.lines))
        process.terminate()
    }

    // MARK: Limits

    /// Ends the worker if loading or restoring takes longer than it may. From any thread.
    func endIfOverdue(now: Int64) {
        let deadline = preparationDeadline.load(ordering: .relaxed)
        guard deadline != 0, deadline <= now else { return }
        eventLoop.execute {
            switch self.state.overdue(at: deadline) {
            case .loading: self.failLoading(self.failures.loadingTooLong)
            case .restoring: self.end(WorkerCrashed("The function went on computing after its answer."))
            case nil: break
            }
        }
    }

    /// Ends the worker if it uses more memory or processor time than it may. From the watch's thread.
    func enforceLimits(_ hostProcessors: HostProcessors, now: Int64) {
        let excess = oversight.look(hostProcessors, now: now) {
            let socket = socket.load(ordering: .relaxed)
            return socket >= 0 && Sockets.hasUnreadBytes(socket)
        }
        switch excess {
        case nil: break
        case .memory:
            // The fault first: the end is noticed on the event loop, after it.
            end(MemoryLimitExceeded(limitMB: limits.memoryMB))
        case .processes:
            end(TooManyProcesses(limit: TaskLimit.processes))
        case .threads:
            end(TooManyThreads(limit: TaskLimit.watched))
        case .processorTime(let activity, let limitMillis):
            eventLoop.execute {
                // It may have answered since, and run something else by now.
                guard self.state.activity == activity else { return }
                self.state.note(CPULimitExceeded(limitMillis: limitMillis))
                self.kill(.limit)
            }
        }
    }

    /// Ends the worker because the functions of the host use more memory than it has for them. That does not count
    /// against its function. From any thread.
    func endForMemory(_ error: Overloaded) {
        eventLoop.execute { self.state.note(error) }
        // Its memory is free when it has run to its end, for which it must get a processor.
        oversight.hurry()
        kill(.hostMemory)
    }

    /// Ends the worker if it computes although it has no invocation. From the watch's thread.
    func endIfComputingWhileIdle(isThorough: Bool) {
        guard oversight.computesWhileIdle(isThorough: isThorough) else { return }
        end(WorkerCrashed("The function went on computing after its answer."))
    }

    private func end(_ fault: any FunctionError) {
        eventLoop.execute { self.state.note(fault) }
        process.terminate()
    }

    // MARK: The end

    /// Ends the process if this invocation is what it does, or does next. A worker that has answered it serves another
    /// invocation by now. From any thread.
    func kill(for invocation: Invocation, _ reason: WorkerEnd.Reason) {
        guard eventLoop.inEventLoop else { return eventLoop.execute { self.kill(for: invocation, reason) } }
        if state.has(invocation) { kill(reason) }
    }

    /// Ends the process at once, from any thread, for a reason that does not count against its function.
    func kill(_ reason: WorkerEnd.Reason = .host) {
        _ = killReason.compareExchange(
            expected: -1, desired: WorkerEnd.Reason.allCases.firstIndex(of: reason) ?? -1, ordering: .relaxed)
        process.kill()
    }

    /// What observers are told of its end. Final when its end is reported.
    ///
    /// - Parameter error: what an invocation that waited for it is told.
    func endRecord(_ error: any FunctionError) -> WorkerEnd {
        let cause = endCause
        let reason: WorkerEnd.Reason =
            switch cause {
            case .host:
                killReason.load(ordering: .relaxed) < 0
                    ? .host : WorkerEnd.Reason.allCases[killReason.load(ordering: .relaxed)]
            case .zygote: .zygote
            case .neverTookFunction: .unused
            case .retiredForMemory, .retiredForThreads, .retiredForProcess, .retiredForLoading: .retired
            case .function:
                switch error {
                case is MemoryLimitExceeded, is CPULimitExceeded, is TooManyThreads, is TooManyProcesses: .limit
                case is SandboxViolation: .violation
                case is LoadError, is HandlerNotFound: .loading
                default: .crash
                }
            }
        return WorkerEnd(
            functionID: function.id, revision: function.revision, reason: reason,
            retirement: cause.retirement.flatMap { WorkerEnd.Retirement(rawValue: "\($0)") })
    }

    /// The zygote has collected the process, or has itself ended (`exit` is nil then).
    func processHasEnded(_ exit: ProcessExit?) {
        eventLoop.execute { self.carryOut(self.state.processEnded(exit)) }
    }

    /// The zygote has ended, and with it this process, whether or not it was ever made.
    func zygoteHasEnded(_ error: any FunctionError) {
        process.endsWithZygote()
        eventLoop.execute { self.state.note(error) }
        processHasEnded(nil)
    }

    /// The process was never made.
    func fail(_ error: any FunctionError) {
        kill()
        eventLoop.execute {
            self.state.note(error)
            _ = self.state.processEnded(nil)
            self.carryOut(self.state.giveUp())
        }
    }

    /// The worker sent what it must not.
    func distrust(_ what: String) {
        state.note(WorkerCrashed("The worker sent \(what)."))
        process.terminate()
        carryOut(state.giveUp())
    }

    /// The host has no memory for what the worker sends. That does not count against its function.
    func refuse() {
        state.note(Overloaded("The host's memory is in use: there is no room for what the function's worker sends."))
        kill()
        carryOut(state.giveUp())
    }

    /// The process ended before it had read all that was sent to it, which while it loads is its function.
    func functionWasNotRead() { state.streamWasReset() }

    func connectionClosed() {
        socket.store(-1, ordering: .relaxed)
        // A worker without its socket has no purpose, whether it ends by itself or not.
        process.terminate()
        carryOut(state.streamClosed())
    }

    private func carryOut(_ action: WorkerState<Invocation>.EndAction) {
        switch action {
        case .none: break
        case .stopReading: connection?.endReading()
        case .closeStream: connection?.close()
        // If its zygote does not say how it ended, the end is certain all the same.
        case .awaitProcessEnd: eventLoop.scheduleTask(in: .seconds(2)) { self.end() }
        case .end: end()
        }
    }

    private func end() {
        let wasImporting = state.isLoading && hasLearnedImports || state.isLearning
        guard let end = state.end() else { return }
        if wasImporting, process.endCause == .function, end.cause.retirement == nil {
            learned.stop(for: function)
            process.excuse(.neverTookFunction)
        }
        process.excuse(end.cause)
        connection = nil
        let error =
            state.fault
            ?? failures.error(
                forEnd: end.exit, hasRunOutOfMemory: process.hasRunOutOfMemory,
                isNearMemoryLimit: oversight.isNearMemoryLimit)
        if hasLearnedImports, error is MemoryLimitExceeded { learned.stop(for: function) }
        process.remove()
        switch end.ending {
        case .lost(let invocation):
            delegate.worker(self, did: .lost(invocation))
            invocation.finish(.failure(error))
        case .notTaken(let invocation):
            delegate.worker(self, did: .didNotTake(invocation))
        case .alone: break
        }
        delegate.worker(self, did: .ended(error))
        _ = loadLog.take(returning: memory)
    }

    /// Load-time log lines that no invocation has yet. Used on the event loop.
    var loadLogs: [LogLine] { loadLog.lines }

    /// Why it ended. Final when its end is reported.
    var endCause: WorkerEndCause { process.endCause }

    /// Whether its end, if it was starting or serving, speaks against its function. Final when its end is reported.
    var isToBlame: Bool { endCause.isToBlame }

    /// Whether all workers of its zygote ended with it. Final when its end is reported.
    var endedWithZygote: Bool { endCause == .zygote }

    /// Why its state could not be put back, if it ended for that. Final when its end is reported.
    var retirement: RetirementReason? { endCause.retirement }
}

/// More lines than the worker was told to send.
private struct TooManyLogLines: Error, CustomStringConvertible {
    let description = "more log lines than its limit allows"
}

/// Clients take a result for JSON, whatever wrote it.
private struct ResultIsNotJSON: Error, CustomStringConvertible {
    var description: String { "a result that is not JSON" }
}

extension ByteBuffer {
    fileprivate var isJSON: Bool {
        withUnsafeReadableBytes { bytes in bytes.withMemoryRebound(to: UInt8.self) { FunctionModel.isJSON($0) } }
    }

    /// The same bytes, in memory of their own where they would keep much more alive: a slice holds all that was read
    /// with it, and a slow client holds its response.
    fileprivate var withoutMuchElse: ByteBuffer {
        storageCapacity > 2 * readableBytes + (4 << 10) ? ByteBuffer(bytes: readableBytesView) : self
    }
}

/// A frame at the wrong time.
private struct UnexpectedFrame: Error, CustomStringConvertible {
    let kind: Frame.FromWorker
    var description: String { "a frame at the wrong time (\(kind))" }
}

extension LogLine {
    /// - Parameter length: how long the message was before it was cut.
    fileprivate init(_ payload: ByteBuffer, _ length: Int) throws(ProtocolError) {
        let message = try payload.withBytes { bytes throws(ProtocolError) in
            bytes.count == length ? try LogMessage(bytes) : try LogMessage(cut: bytes)
        }
        self.init(level: Level(rawValue: message.level) ?? .info, text: message.text)
    }
}

extension Failure {
    /// - Parameter length: how long the message was before it was cut.
    fileprivate init(_ payload: ByteBuffer, _ length: Int) throws(ProtocolError) {
        self = try payload.withBytes { bytes throws(ProtocolError) in
            bytes.count == length ? try Failure(bytes) : try Failure(cut: bytes, length: length)
        }
    }
}

extension ByteBuffer {
    fileprivate func withBytes<Value>(
        _ body: (UnsafeRawBufferPointer) throws(ProtocolError) -> Value
    ) throws(ProtocolError) -> Value {
        // `withUnsafeReadableBytes` has untyped throws; this keeps `ProtocolError`.
        let result = withUnsafeReadableBytes { bytes -> Result<Value, ProtocolError> in
            Result { () throws(ProtocolError) in try body(bytes) }
        }
        return try result.get()
    }
}
