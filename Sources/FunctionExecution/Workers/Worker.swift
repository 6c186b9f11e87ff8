import FunctionModel
import Glibc
import NIOCore
import NIOPosix
import Synchronization
import SystemCalls
import WorkerProtocol

/// The host's side of one worker: its socket, its process handle, and what it is doing.
///
/// `@unchecked Sendable`: everything mutable is used only on `eventLoop`, except what the lock around `process`
/// guards and the one atomic.
final class Worker: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer

    let id: UInt64
    let function: Function
    let eventLoop: any EventLoop
    /// Kept alive by its workers, until the last has ended.
    private let delegate: any WorkerDelegate
    private let loadTimeout: Int64
    private let limits: WorkerLimits
    private let watch: WorkerWatch
    private let postponement: Postponement
    private let controlGroups: ControlGroups?

    // MARK: Shared between threads

    private struct Process {
        /// The pidfd, from the zygote's report until the end.
        var handle: Int32?
        var mustEnd = false
        var hasEnded = false
        var usage: ProcessUsage?
        var group: WorkerControlGroup?
    }

    private let process = Mutex(Process())
    /// When loading or restoring must have finished, in nanoseconds of the monotonic clock; 0: not at it.
    private let preparationDeadline = Atomic<Int64>(0)
    /// What it is at: 0 is nothing. Any other number is one certain thing: an odd one an invocation, an even one
    /// loading or restoring.
    private let activity = Atomic<UInt64>(loading)
    private static let loading: UInt64 = 2
    /// Every invocation asks this, so it needs no lock.
    private let hasBeenKilled = Atomic<Bool>(false)
    /// Whether the host has ended it, or lost it, for reasons that are not its function's fault.
    private let isExcused = Atomic<Bool>(false)
    private let hasLostZygote = Atomic<Bool>(false)
    /// ``Postponement`` says when it is which.
    private let priority: Atomic<ProcessPriority>
    /// The most private memory it was seen to have.
    private let largestMemory = Atomic<Int>(0)
    /// Processor time until it had loaded, in nanoseconds; 0 if nobody needs to know.
    private let loadTime = Atomic<Int64>(0)

    // MARK: Used on the event loop

    private enum Phase {
        case loading
        case ready
        case running(Invocation)
        /// On its way back to being pristine; with the invocation that has been sent ahead, if one waited.
        case restoring(next: Invocation?)
        case ended
    }

    private var phase = Phase.loading {
        didSet {
            lastActivity += 2
            switch phase {
            case .ready: activity.store(0, ordering: .sequentiallyConsistent)
            case .running: activity.store(lastActivity | 1, ordering: .sequentiallyConsistent)
            case .loading, .restoring, .ended: activity.store(lastActivity, ordering: .sequentiallyConsistent)
            }
        }
    }
    private var lastActivity = loading
    private var channel: (any Channel)?
    private let frames = NIOSingleStepByteToMessageProcessor(WorkerFrameDecoder())
    /// The host's end; the channel's, and so only good while that is open.
    private var socket: Int32 = -1
    private var isDisconnected = false
    /// Why the process ended, from its zygote. `.some(nil)`: ended, nobody knows how.
    private var exit: ProcessExit??
    /// What the host itself found wrong, which says more than how the process ended.
    private var fault: (any FunctionError)?
    /// Lines written while loading; the first invocation gets them.
    private var loadLogs: [LogLine] = []
    private static let loadLogLimit = 1000

    /// - Parameter isSuspect: whether its function's last worker ended without an answer.
    init(
        id: UInt64, function: Function, eventLoop: any EventLoop, loadTimeout: Int64, limits: WorkerLimits,
        watch: WorkerWatch,
        postponement: Postponement, isSuspect: Bool, controlGroups: ControlGroups?, delegate: any WorkerDelegate
    ) {
        self.id = id
        self.function = function
        self.eventLoop = eventLoop
        self.loadTimeout = loadTimeout
        self.limits = limits
        self.watch = watch
        self.postponement = postponement
        self.controlGroups = controlGroups
        priority = Atomic(postponement.first(isSuspect: isSuspect, isCrowded: watch.isCrowded))
        self.delegate = delegate
    }

    // MARK: Start

    /// Takes over the host's end of the socket and sends the function, while the zygote forks.
    func connect(_ socket: Int32) {
        startPreparing(within: Self.forkTimeout)
        ClientBootstrap(group: eventLoop)
            .channelOption(.maxMessagesPerRead, value: 16)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(self)
                }
            }
            .withConnectedSocket(socket)
            .whenComplete { result in
                switch result {
                case .success(let channel):
                    (self.channel, self.socket) = (channel, socket)
                    if self.exit != nil || self.fault != nil { return self.disconnect() }
                    let message = self.loadMessage.encoded()
                    guard message.count <= Frame.maximumPayloadLength else {
                        let limit = Frame.maximumPayloadLength
                        return self.failLoading(
                            LoadError(
                                "The source and its dependencies are \(message.count) bytes; the limit is \(limit)."))
                    }
                    channel.writeAndFlush(
                        ByteBuffer(bytes: Frame.encode(kind: Frame.FromHost.load.rawValue, payload: message)),
                        promise: nil)
                case .failure(let error):
                    self.isDisconnected = true
                    self.fail(WorkerCrashed("The worker cannot be reached: \(error)"))
                }
            }
    }

    private var loadMessage: LoadMessage {
        let definition = function.definition
        let built = function.built
        let isolation: LoadMessage.Isolation =
            switch definition.isolation {
            case .invocation: .invocation
            case .process: .process
            case .instance: .instance
            }
        return LoadMessage(
            isolation: isolation, memoryBytes: UInt64(limits.memoryMB) << 20, functionID: function.id.text,
            revision: function.revision,
            functionName: definition.functionName,
            sourceName: definition.sourceName, source: built?.script ?? definition.sourceCode,
            dependencies: built != nil
                ? [] : definition.dependencies.sorted { $0.key < $1.key }.map { .init(name: $0.key, source: $0.value) },
            environment: definition.environment.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: $0.value) },
            prime: definition.prime.map { $0.jsonText() },
            sourceFolder: limits.folders.source ?? "", packageFolder: limits.folders.packages ?? "",
            sourceMap: built?.sourceMap ?? "")
    }

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
            // Too late or cancelled between the pool's decision and now: the worker is as pristine as before.
            if let next = delegate.worker(self, did: .skipped(invocation)) { return runNow(next) }
            delegate.worker(self, did: .ready)
            return
        }
        guard case .ready = phase, let channel, !isDisconnected, !isEnding else {
            // It ended in this very moment; nothing has been sent.
            delegate.worker(self, did: .didNotTake(invocation))
            return
        }
        for line in loadLogs { invocation.add(line) }
        loadLogs = []
        phase = .running(invocation)
        send(invocation, on: channel)
    }

    private func send(_ invocation: Invocation, on channel: any Channel) {
        let header = InvokeHeader(requestID: invocation.requestID, deadline: invocation.deadline ?? 0)
        let prefix = Frame.headerLength + header.encodedLength
        let joined = invocation.event.readableBytes <= 16 << 10
        var buffer = channel.allocator.buffer(capacity: prefix + (joined ? invocation.event.readableBytes : 0))
        buffer.writeInteger(UInt32(header.encodedLength + invocation.event.readableBytes), endianness: .little)
        buffer.writeInteger(Frame.FromHost.invoke.rawValue)
        buffer.writeBytes(header.encoded())
        if joined {
            buffer.writeImmutableBuffer(invocation.event)
            channel.writeAndFlush(buffer, promise: nil)
        } else {
            // A large event is not copied to stand behind its header.
            channel.write(buffer, promise: nil)
            channel.writeAndFlush(invocation.event, promise: nil)
        }
    }

    // MARK: What the worker says

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do {
            // Here, and not in a handler of its own: that costs each frame a box, a cast and a few calls.
            try frames.process(buffer: unwrapInboundIn(data)) { take($0) }
        } catch {
            distrust("\(error)")
        }
    }

    private func take(_ frame: WorkerFrame) {
        var frame = frame
        guard let kind = Frame.FromWorker(rawValue: frame.kind) else { return distrust("an unknown frame") }
        do {
            switch (kind, phase) {
            case (.ready, _) where isEnding:
                // Killed after it had said so. What was sent ahead to it goes to another.
                break
            case (.ready, .restoring(let next?)):
                endPostponement()
                phase = .running(next)
                preparationDeadline.store(0, ordering: .relaxed)
            case (.ready, .loading), (.ready, .restoring):
                let hasLoaded = if case .loading = phase { true } else { false }
                // A new worker's first invocation is long, and still to come.
                if !hasLoaded { endPostponement() }
                phase = .ready
                preparationDeadline.store(0, ordering: .relaxed)
                let usage = hasLoaded ? process.withLock { $0.usage } : nil
                if !postponement.isReversible, let usage { loadTime.store(usage.processorTime(), ordering: .relaxed) }
                delegate.worker(self, did: hasLoaded ? .loaded(privateBytes: usage?.privateBytes()) : .ready)
            case (.loadFailed, .loading):
                let failure = try frame.payload.withUnsafeReadableBytes { try Failure($0) }
                failLoading(error(for: failure))
            case (.log, .loading):
                let line = try logLine(&frame.payload)
                if loadLogs.count < Self.loadLogLimit { loadLogs.append(line) }
            case (.log, .restoring):
                // The same lines as at the first load, once for each invocation.
                _ = try logLine(&frame.payload)
            case (.log, .running(let invocation)):
                invocation.add(try logLine(&frame.payload))
            case (.result, .running(let invocation)):
                finish(invocation, limits.check(frame.payload))
            case (.failure, .running(let invocation)):
                let failure = try frame.payload.withUnsafeReadableBytes { try Failure($0) }
                finish(invocation, .failure(error(for: failure, event: invocation.event)))
            case (_, .ended):
                break
            default:
                distrust("a frame at the wrong time (\(kind))")
            }
        } catch {
            distrust("\(error)")
        }
    }

    private func finish(_ invocation: Invocation, _ result: Result<ByteBuffer, any Error>) {
        startPreparing(within: loadTimeout)
        phase = .restoring(next: nil)
        let isLast = isPostponedForGood
        // Before the next event, which a long call before it must not slow down.
        endPostponement()
        // Before the answer: while the worker puts its memory back, the next event travels.
        let next = delegate.worker(self, did: .answered(invocation, isLast: isLast))
        if let next { sendAhead(next) }
        invocation.finish(result)
    }

    private func sendAhead(_ next: Invocation) {
        guard let channel, !isDisconnected, !isEnding else {
            delegate.worker(self, did: .didNotTake(next))
            return
        }
        var next = next
        while !next.begin(on: self) {
            guard let another = delegate.worker(self, did: .skipped(next)) else { return }
            next = another
        }
        // Noted first: a write that fails ends this worker before it returns.
        phase = .restoring(next: next)
        send(next, on: channel)
    }

    private func logLine(_ payload: inout ByteBuffer) throws -> LogLine {
        let message = try payload.withUnsafeReadableBytes { try LogMessage($0) }
        return LogLine(level: LogLine.Level(rawValue: message.level)!, text: message.text)
    }

    private func error(for failure: Failure, event: ByteBuffer? = nil) -> any FunctionError {
        let definition = function.definition
        switch failure.kind {
        case .invalidEvent:
            return InvalidEvent(notJSON: event, engineMessage: failure.message)
        case .handlerNotFound:
            return HandlerNotFound(functionName: definition.functionName, languageID: definition.language.id)
        case .loadError:
            return LoadError(failure, sourceName: definition.sourceName)
        case .handlerError where limits.isRefusedMemory(failure, definition.language):
            return MemoryLimitExceeded(limitMB: limits.memoryMB)
        case .sandboxViolation:
            return SandboxViolation()
        case .handlerError:
            return HandlerError(
                errorType: failure.name.isEmpty ? "Error" : failure.name, message: failure.message,
                stackTrace: failure.stackTrace)
        case .resultNotSerializable:
            return ResultNotSerializable(failure.message)
        case .workerError:
            return isNearMemoryLimit ? MemoryLimitExceeded(limitMB: limits.memoryMB) : WorkerCrashed(failure.message)
        }
    }

    // MARK: Too slow

    /// How long the zygote may take to make the process: it may have to start first, and others may be before this one.
    private static let forkTimeout: Int64 = 60_000_000_000

    private func startPreparing(within time: Int64) {
        preparationDeadline.store(MonotonicClock.now() + time, ordering: .relaxed)
    }

    /// Ends the worker if loading or restoring takes longer than it may.
    func endIfOverdue(now: Int64) {
        let deadline = preparationDeadline.load(ordering: .relaxed)
        guard deadline != 0, deadline <= now else { return }
        eventLoop.execute {
            // It may have become ready since, and run something by now.
            guard self.preparationDeadline.load(ordering: .relaxed) == deadline else { return }
            if case .loading = self.phase {
                self.failLoading(LoadError("The source did not load within \(self.loadTimeout / 1_000_000)ms."))
            } else {
                self.kill()
            }
        }
    }

    private func failLoading(_ error: any FunctionError) {
        preparationDeadline.store(0, ordering: .relaxed)
        fault = fault ?? error
        phase = .ended
        delegate.worker(self, did: .failedToLoad(error, logs: loadLogs))
        terminate()
    }

    // MARK: Too much

    /// From any thread.
    var isAtWork: Bool { activity.load(ordering: .relaxed) != 0 }

    /// Ends the worker if it has more memory than it may, or has computed for too long, and moves it out of the host's
    /// way or back. From the watch's thread.
    func enforceLimits(_ hostProcessor: HostProcessor) {
        // Read outside the lock, which event loops take.
        guard let usage = process.withLock({ $0.usage }) else { return }
        leave(hostProcessor, usage)
        watchProcessorTime(usage)
        let bytes = usage.privateBytes()
        if bytes > largestMemory.load(ordering: .relaxed) { largestMemory.store(bytes, ordering: .relaxed) }
        guard bytes > limits.watchedBytes else { return }
        // First why, then that it must: the end is noticed later than both.
        eventLoop.execute { self.fault = self.fault ?? MemoryLimitExceeded(limitMB: self.limits.memoryMB) }
        terminate()
    }

    /// Used on the watch's thread.
    private var leavesHostProcessor = false
    private var lastSeen: UInt64 = 0

    /// Only short calls do: who is seen twice at the same one may use what there is.
    private func leave(_ hostProcessor: HostProcessor, _ usage: ProcessUsage) {
        let current = activity.load(ordering: .relaxed)
        let leaves = hostProcessor.isNeeded && current != lastSeen && current != Self.loading
        lastSeen = current
        guard leaves != leavesHostProcessor, let processors = leaves ? hostProcessor.others : hostProcessor.all else {
            return
        }
        leavesHostProcessor = leaves
        usage.setProcessors(processors)
    }

    /// What it had used when the watch first saw it at this: the count begins there. Used on the watch's thread.
    private var watched: (activity: UInt64, processorTime: Int64) = (0, 0)

    private func watchProcessorTime(_ usage: ProcessUsage) {
        let current = activity.load(ordering: .relaxed)
        let isInvocation = current & 1 == 1
        if !watch.isCrowded { endPostponement() }
        let long: ProcessPriority = isInvocation ? .idle : .low
        let mustPostpone =
            watch.isCrowded && priority.load(ordering: .relaxed).rawValue < long.rawValue
            && postponement.isPossible(isInvocation: isInvocation, function.definition.isolation)
        guard current != 0, mustPostpone || isInvocation && limits.cpuMillis != nil else { return }
        let time = usage.processorTime()
        guard watched.activity == current else {
            watched = (current, time)
            return
        }
        let used = time - watched.processorTime
        if mustPostpone, used > postponement.longTime(loadTime: loadTime.load(ordering: .relaxed)) {
            postpone(usage, current, long)
        }
        guard isInvocation, let limit = limits.cpuMillis, used > Int64(limit) * 1_000_000 else { return }
        eventLoop.execute {
            // It may have answered since, and run something else by now.
            guard self.activity.load(ordering: .relaxed) == current else { return }
            self.fault = self.fault ?? CPULimitExceeded(limitMillis: limit)
            self.kill()
        }
    }

    /// What its zygote is to give its process.
    var forkPriority: ProcessPriority { priority.load(ordering: .sequentiallyConsistent) }

    /// The process is there, at the priority that its zygote has given it, or a spare's.
    private func beginPostponement() {
        guard postponement.isReversible, let usage = process.withLock({ $0.usage }) else { return }
        if !watch.isCrowded { priority.store(.usual, ordering: .sequentiallyConsistent) }
        usage.setPriority(priority.load(ordering: .sequentiallyConsistent))
        // Perhaps its first answer has come already.
        if priority.load(ordering: .sequentiallyConsistent) == .usual { usage.setPriority(.usual) }
    }

    private func postpone(_ usage: ProcessUsage, _ current: UInt64, _ lower: ProcessPriority) {
        priority.store(lower, ordering: .sequentiallyConsistent)
        usage.setPriority(lower)
        // What ended it meanwhile either found it postponed, perhaps not wholly yet, or is seen here.
        guard postponement.isReversible, activity.load(ordering: .sequentiallyConsistent) != current else { return }
        priority.store(.usual, ordering: .sequentiallyConsistent)
        usage.setPriority(.usual)
    }

    private func endPostponement() {
        guard postponement.isReversible, priority.exchange(.usual, ordering: .sequentiallyConsistent) != .usual else {
            return
        }
        process.withLock { $0.usage }?.setPriority(.usual)
    }

    /// It would serve others as slowly as it served this one.
    private var isPostponedForGood: Bool {
        !postponement.isReversible && priority.load(ordering: .sequentiallyConsistent) != .usual
    }

    /// An engine that is refused memory may not be able to say so, and crash.
    private var isNearMemoryLimit: Bool { largestMemory.load(ordering: .relaxed) > limits.memoryMB << 20 / 4 * 3 }

    // MARK: The end

    /// Ends the process if this invocation still is what it does, or is to do next. One that has its answer by now has
    /// given its worker on, perhaps to somebody else's. From any thread.
    func kill(for invocation: Invocation) {
        guard eventLoop.inEventLoop else { return eventLoop.execute { self.kill(for: invocation) } }
        switch phase {
        case .running(let current) where current === invocation: kill()
        case .restoring(let next?) where next === invocation: kill()
        default: break
        }
    }

    /// Ends the process at once, from any thread, for a reason that does not count against its function.
    func kill() {
        isExcused.store(true, ordering: .relaxed)
        terminate()
    }

    private func terminate() {
        hasBeenKilled.store(true, ordering: .releasing)
        process.withLock { process in
            process.mustEnd = true
            if let handle = process.handle { Processes.kill(handle: handle) }
        }
    }

    /// Whether it has been told to end: it is given nothing more.
    private var isEnding: Bool { hasBeenKilled.load(ordering: .acquiring) }

    /// The zygote has made the process. Takes over its handle.
    func attach(handle: Int32) {
        let isLate = process.withLock { process in
            if process.hasEnded { return true }
            process.handle = handle
            process.usage = ProcessUsage(handle: handle)
            if let usage = process.usage { process.group = controlGroups?.add(usage, memoryBytes: limits.groupBytes) }
            if process.mustEnd { Processes.kill(handle: handle) }
            return false
        }
        if isLate {
            Processes.kill(handle: handle)
            Descriptors.close(handle)
        }
        beginPostponement()
        // The time that the zygote took, which may have had to start first, is not the source's.
        eventLoop.execute { if case .loading = self.phase { self.startPreparing(within: self.loadTimeout) } }
    }

    /// The zygote has collected the process, or has itself ended (`exit` is nil then).
    func processHasEnded(_ exit: ProcessExit?) {
        eventLoop.execute {
            if self.exit == nil { self.exit = .some(exit) }
            if self.isDisconnected { return self.end() }
            // What it wrote before it ended is still to be read. Then comes the end of the stream, whoever has
            // inherited the other side.
            if self.channel != nil { Descriptors.endReading(self.socket) }
        }
    }

    /// The zygote has ended, and with it this process, whether or not it was ever made.
    func zygoteHasEnded(_ error: any FunctionError) {
        hasLostZygote.store(true, ordering: .relaxed)
        isExcused.store(true, ordering: .relaxed)
        eventLoop.execute { self.fault = self.fault ?? error }
        processHasEnded(nil)
    }

    /// The process was never made.
    func fail(_ error: any FunctionError) {
        kill()
        eventLoop.execute {
            self.fault = self.fault ?? error
            self.exit = self.exit ?? .some(nil)
            self.disconnect()
        }
    }

    private func distrust(_ what: String) {
        fault = fault ?? WorkerCrashed("The worker sent \(what).")
        terminate()
        disconnect()
    }

    private func disconnect() {
        if let channel, !isDisconnected { channel.close(promise: nil) } else if isDisconnected { end() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelInactive(context: ChannelHandlerContext) {
        isDisconnected = true
        // A worker without its socket has no purpose, whether it ends by itself or not.
        terminate()
        if exit != nil { return end() }
        // Its zygote says how it ended. Where the zygote cannot, the end is certain all the same.
        eventLoop.scheduleTask(in: .seconds(2)) { self.end() }
    }

    /// Whether its end, if it was starting or serving, speaks against its function. Known when its end is.
    var isToBlame: Bool { !isExcused.load(ordering: .relaxed) }

    /// Whether all workers of its zygote ended with it. Known when its end is.
    var endedWithZygote: Bool { hasLostZygote.load(ordering: .relaxed) }

    /// Whether it ended because its state could not be put back. Known when its end is.
    var wasRetired: Bool { exit == .some(.code(WorkerExit.retired)) }

    private var endError: any FunctionError {
        if let fault { return fault }
        if case .some(.some(.signal(SIGSYS))) = exit { return SandboxViolation() }
        if process.withLock({ $0.group })?.hasRunOutOfMemory == true {
            return MemoryLimitExceeded(limitMB: limits.memoryMB)
        }
        if case .some(.some(.signal(let signal))) = exit, [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGSEGV].contains(signal),
            isNearMemoryLimit
        {
            return MemoryLimitExceeded(limitMB: limits.memoryMB)
        }
        if case .some(.some(let exit)) = exit { return WorkerCrashed("The worker ended before it answered: \(exit).") }
        return WorkerCrashed("The worker ended before it answered.")
    }

    private func end() {
        let handle: Int32?? = process.withLock { process in
            if process.hasEnded { return nil }
            process.hasEnded = true
            process.usage = nil
            defer { process.handle = nil }
            return .some(process.handle)
        }
        guard let handle else { return }
        if let handle { Descriptors.close(handle) }
        preparationDeadline.store(0, ordering: .relaxed)
        let error = endError
        process.withLock { $0.group }?.remove()
        let last = phase
        phase = .ended
        switch last {
        case .running(let invocation):
            delegate.worker(self, did: .lost(invocation))
            invocation.finish(.failure(error))
        case .restoring(let next?):
            delegate.worker(self, did: .didNotTake(next))
        default:
            break
        }
        delegate.worker(self, did: .ended(error))
    }
}

extension LoadError {
    fileprivate init(_ failure: Failure, sourceName: String) {
        let line = failure.line > 0 ? Int(failure.line) : nil
        let column = failure.column > 0 ? Int(failure.column) : nil
        // The innermost frame names the file, which may be a dependency's: "at name (file:line:column)" or "at
        // file:line:column".
        let end = line.map { ":\($0)" + (column.map { ":\($0)" } ?? "") } ?? ""
        let frame = failure.stackTrace.first.map { $0.hasSuffix(")") ? $0.dropLast() : $0[...] } ?? ""
        let file =
            frame.hasSuffix(end)
            ? frame.dropLast(end.count).split(whereSeparator: { $0 == "(" || $0 == " " }).last.map(String.init) : nil
        let place = line == nil ? "" : " at \(file ?? sourceName)\(end)"
        let name = failure.name.isEmpty ? "" : "\(failure.name): "
        self.init(
            "The source does not load: \(name)\(failure.message)\(place)", line: line, column: column,
            stackTrace: failure.stackTrace)
    }
}

extension InvalidEvent {
    /// The engine that read the event knows that it is wrong; our own reader also knows where.
    fileprivate init(notJSON event: ByteBuffer?, engineMessage: String) {
        if let error = event.flatMap({ JSONError.first(in: $0.readableBytesView) }) {
            self.init("The event is not JSON: \(error)")
        } else {
            // JSON, but more than this engine takes.
            self.init("The event cannot be read: \(engineMessage)")
        }
    }
}
