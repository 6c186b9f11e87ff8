import Glibc
import SystemCalls
import WorkerProtocol

/// Runs each invocation in a forked copy of the loaded process. The copy is made ahead of the call and ended after it.
///
/// The copy never holds the worker's socket. It has a socket pair of its own, and this process forwards only log lines
/// and one outcome from it. So a copy can neither answer for a later invocation nor report that the worker is ready.
public final class ForkPerInvocation: PristineState {
    private let runtime: any LanguageRuntime
    private let channel: WorkerChannel
    private let sandbox: WorkerSandbox
    private var child: (pid: pid_t, socket: Int32)?
    /// A fork shares positions, flags and locks of open files with its parent, so these are restored too.
    private var processState: ProcessState?
    /// Whether this process has the file that a snapshot will go to.
    private var hasImage = false
    /// Whether a copy says which modules it has imported.
    private var learnsImports = false
    public private(set) var importedModules: [String] = []
    /// Events pass through this buffer. It is zeroed after use, so that the next copy does not find an earlier event in
    /// its memory.
    private let relayBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)

    public init(runtime: any LanguageRuntime, channel: WorkerChannel, sandbox: WorkerSandbox) {
        self.runtime = runtime
        self.channel = channel
        self.sandbox = sandbox
    }

    deinit { relayBuffer.deallocate() }

    public func prepare(_ function: LoadMessage) throws(Failure) {
        do {
            // Orphans of the source or of a copy become children of this process, which ends them.
            try Processes.adoptOrphans()
        } catch {
            throw Failure(.workerError, message: "The worker cannot adopt: \(error)")
        }
        hasImage = function.isolation == .invocation
        learnsImports = hasImage && function.learningMillis > 0
        try runtime.load(function, channel: channel)
        if !function.imports.names.isEmpty {
            let learning = ImportLearning(runtime: runtime, sandbox: sandbox, function)
            // The host then tells the next worker to import nothing.
            guard learning.run(function.imports.names).isHarmless else {
                throw Failure(.workerError, message: "What earlier calls have imported cannot be imported here.")
            }
        }
        if Processes.threadCount() > 1 {
            // A fork copies no threads, but a snapshot contains them.
            if hasImage { return }
            throw Failure(
                .loadError,
                message: "\(Self.running(function)) At the isolation level 'process' the worker copies itself for each "
                    + "call, and a copy has no threads. Start them in the handler, or choose the level 'invocation'.")
        }
        if sandbox.hasTemporaryFiles {
            // Each call starts without files and processes of an earlier one. What the source made would not survive
            // the first call, so it is removed before it.
            guard Processes.endDescendants(), sandbox.removeTemporaryFiles() else {
                throw Failure(
                    .workerError, message: "The worker cannot remove the temporary files that the source made.")
            }
        }
        if hasImage { runtime.makeRoom() }
        do {
            if runtime.canHoldKernelObjects {
                processState = ProcessState(
                    kept: [], filesAreWritable: sandbox.hasTemporaryFiles, sharedMemory: MemoryRewind.sharedMemory,
                    changesAreDenied: sandbox.deniesChangesOfTheProcess)
            }
            try forkAhead()
        } catch {
            throw Failure(.workerError, message: "The worker cannot fork: \(error)")
        }
    }

    private static func running(_ function: LoadMessage) -> String {
        function.prime.isEmpty
            ? "The source starts a thread while it loads."
            : "A thread still runs that the source has started, or the handler with an event of 'prime'."
    }

    private func forkAhead() throws(SystemCallError) {
        let (ours, theirs) = try Sockets.makeStreamPair()
        let parent = getpid()
        runtime.willFork()
        switch try Processes.fork() {
        case .parent(let pid):
            runtime.didFork(inChild: false)
            Descriptors.close(theirs)
            child = (pid, ours)
        case .child:
            runInChild(parent: parent, socket: theirs, parentSocket: ours)
        }
    }

    private func runInChild(parent: pid_t, socket: Int32, parentSocket: Int32) -> Never {
        do {
            guard try Processes.endWithParent(parent) else { _exit(0) }
            try Descriptors.duplicate(socket, as: WorkerChannel.descriptor)
            Descriptors.close(socket)
            Descriptors.close(parentSocket)
            if hasImage { MemoryRewind.closeImage() }
            runtime.didFork(inChild: true)
            runtime.renew()
            if learnsImports { runtime.noteImports() }
            // Last: from here on the copy only serves.
            try sandbox.beforeServing()
            _ = try channel.receive { [runtime, channel] kind, payload in
                try runtime.invoke(frame: kind, payload, channel: channel)
            }
        } catch {
            _exit(1)
        }
        // Not exit(): the guest's exit handlers must not run as a part of its answer.
        _exit(0)
    }

    public func serveNext() throws -> Bool {
        guard let child else { throw SystemCallError("fork", code: ECHILD) }
        guard let event = try readHeader(from: WorkerChannel.descriptor) else { return false }
        guard event.kind == Frame.FromHost.invoke.rawValue else {
            throw ProtocolError.invalidValue(field: "frame kind")
        }
        do {
            try relay(event, from: WorkerChannel.descriptor, to: child.socket)
            while let frame = try readHeader(from: child.socket) {
                switch Frame.FromWorker(rawValue: frame.kind) {
                case .log:
                    try relay(frame, from: child.socket, to: WorkerChannel.descriptor)
                case .imports where learnsImports:
                    learnsImports = false
                    importedModules = try readImports(frame, from: child.socket).names
                case .result, .failure:
                    try relay(frame, from: child.socket, to: WorkerChannel.descriptor)
                    return true
                default:
                    throw ProtocolError.invalidValue(field: "frame kind")
                }
            }
        } catch let error as SystemCallError where error.code == EPIPE || error.code == ECONNRESET {
            // The child closed its end. How it ended gives the reason below.
        }
        Processes.kill(child: child.pid)
        let exit = try Processes.wait(for: child.pid)
        self.child = nil
        Descriptors.close(child.socket)
        let kind: Failure.Kind = exit == .signal(SIGSYS) ? .sandboxViolation : .workerError
        channel.sendFailure(Failure(kind, message: "The function's process ended before it answered: \(exit)."))
        return true
    }

    private func readHeader(from socket: Int32) throws -> Frame.Header? {
        try withUnsafeTemporaryAllocation(byteCount: Frame.headerLength, alignment: 4) { bytes in
            guard try Descriptors.readExactly(into: bytes, from: socket) else { return nil }
            return try Frame.Header(UnsafeRawBufferPointer(bytes))
        }
    }

    /// The frame is not forwarded: the copy has run the handler, and says what it likes.
    private func readImports(_ header: Frame.Header, from socket: Int32) throws -> ModuleNames {
        guard header.payloadLength <= ModuleNames.maximumLength else {
            throw ProtocolError.frameTooLong(UInt64(header.payloadLength), limit: ModuleNames.maximumLength)
        }
        return try withUnsafeTemporaryAllocation(byteCount: header.payloadLength, alignment: 4) { bytes in
            guard try Descriptors.readExactly(into: bytes, from: socket) else {
                throw ProtocolError.truncated(field: "module names")
            }
            return try ModuleNames(UnsafeRawBufferPointer(bytes))
        }
    }

    /// Forwards a frame whose header has been read.
    private func relay(_ header: Frame.Header, from source: Int32, to target: Int32) throws {
        header.write(to: relayBuffer)
        var filled = Frame.headerLength
        var rest = header.payloadLength
        var longest = 0
        defer { if let start = relayBuffer.baseAddress { memset(start, 0, longest) } }
        while true {
            let room = min(rest, relayBuffer.count - filled)
            let count =
                room == 0
                ? 0
                : try Descriptors.read(
                    into: UnsafeMutableRawBufferPointer(rebasing: relayBuffer[filled..<filled + room]), from: source)
            // Part of a frame may have been forwarded: only ending this worker makes the stream consistent again.
            if room > 0 && count == 0 { throw ProtocolError.truncated(field: "payload") }
            filled += count
            rest -= count
            longest = max(longest, filled)
            try Descriptors.writeAll(UnsafeRawBufferPointer(rebasing: relayBuffer[..<filled]), to: target)
            filled = 0
            if rest == 0 { return }
        }
    }

    public func endInvocation() -> RetirementReason? {
        do {
            if let child {
                Processes.kill(child: child.pid)
                _ = try Processes.wait(for: child.pid)
                Descriptors.close(child.socket)
                self.child = nil
            }
            // After the last process that could write files has ended.
            guard Processes.endDescendants() else { return .process }
            return processState?.retirementAfterRestoring() ?? (sandbox.removeTemporaryFiles() ? nil : .process)
        } catch {
            return .process
        }
    }

    public func restore() -> RetirementReason? {
        endInvocation() ?? ((try? forkAhead()) == nil ? .process : nil)
    }
}
