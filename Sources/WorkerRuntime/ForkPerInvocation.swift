import Glibc
import SystemCalls
import WorkerProtocol

/// Pristine by the kernel: each invocation runs in a copy of the loaded process, forked ahead and ended afterwards.
///
/// The copy never holds the worker's socket. It speaks over a pair of its own, and this process passes on what it says:
/// log lines and one outcome, nothing else, so a copy cannot answer for a later invocation or call itself ready.
public final class ForkPerInvocation: PristineState {
    private let runtime: any LanguageRuntime
    private let channel: WorkerChannel
    private let sandbox: WorkerSandbox
    private var child: (pid: pid_t, socket: Int32)?
    /// A fork shares more than it seems: positions, flags and locks of open files.
    private var processState: ProcessState?
    /// The top level made something that a copy would share with the next one: a pipe, shared memory. Only a new worker
    /// has a new one, so this one serves one invocation.
    private var servesOnce = false
    /// What passes through here is a stranger's event, which the next copy must not find in its memory: zeroed after
    /// use.
    private let relayBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)

    public init(runtime: any LanguageRuntime, channel: WorkerChannel, sandbox: WorkerSandbox) {
        self.runtime = runtime
        self.channel = channel
        self.sandbox = sandbox
    }

    deinit { relayBuffer.deallocate() }

    public func prepare(_ function: LoadMessage) throws(Failure) {
        do {
            // A process that outlives its parent becomes a child of this one, so that it can be ended: also one that
            // the source starts.
            try Processes.adoptOrphans()
        } catch {
            throw Failure(.workerError, message: "The worker cannot adopt: \(error)")
        }
        try runtime.load(function, channel: channel)
        guard Processes.threadCount() == 1 else {
            throw Failure(
                .loadError,
                message: function.prime.isEmpty
                    ? "The source starts a thread while it loads. Start threads in the handler: a thread is not copied."
                    : "A thread still runs that the source has started, or the handler with an event of 'prime'. Let it end: a thread is not copied."
            )
        }
        servesOnce =
            runtime.canHoldKernelObjects && !ProcessState.canBePutBack(filesAreWritable: sandbox.hasTemporaryFiles)
        if sandbox.hasTemporaryFiles {
            // Each call starts with none: what the source wrote, and processes that it left behind, would not survive the
            // first.
            guard Processes.endDescendants(), sandbox.removeTemporaryFiles() else {
                throw Failure(
                    .workerError, message: "The worker cannot remove the temporary files that the source made.")
            }
        }
        do {
            if runtime.canHoldKernelObjects {
                processState = ProcessState(kept: [], changesAreDenied: sandbox.deniesChangesOfTheProcess)
            }
            try forkAhead()
        } catch {
            throw Failure(.workerError, message: "The worker cannot fork: \(error)")
        }
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
            runtime.didFork(inChild: true)
            runtime.renew()
            // Last: the copy needs nothing any more but to serve.
            try sandbox.beforeServing()
            _ = try channel.receive { [runtime, channel] kind, payload in
                try runtime.invoke(frame: kind, payload, channel: channel)
            }
        } catch {
            _exit(1)
        }
        // Not exit(): what the guest registered to run at exit is not part of its answer.
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
                case .result, .failure:
                    try relay(frame, from: child.socket, to: WorkerChannel.descriptor)
                    return true
                default:
                    throw ProtocolError.invalidValue(field: "frame kind")
                }
            }
        } catch let error as SystemCallError where error.code == EPIPE || error.code == ECONNRESET {
            // The child closed its end; the reason below is how it ended.
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

    /// Passes on a frame whose header has been read.
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
            // Half a frame has been passed on perhaps; nothing but the end of this worker puts that right.
            if room > 0 && count == 0 { throw ProtocolError.truncated(field: "payload") }
            filled += count
            rest -= count
            longest = max(longest, filled)
            try Descriptors.writeAll(UnsafeRawBufferPointer(rebasing: relayBuffer[..<filled]), to: target)
            filled = 0
            if rest == 0 { return }
        }
    }

    public func endInvocation() -> Bool {
        if servesOnce { return false }
        do {
            if let child {
                Processes.kill(child: child.pid)
                _ = try Processes.wait(for: child.pid)
                Descriptors.close(child.socket)
                self.child = nil
            }
            // After the last process that could write files has ended.
            return Processes.endDescendants() && processState?.restore() ?? true && sandbox.removeTemporaryFiles()
        } catch {
            return false
        }
    }

    public func restore() -> Bool {
        guard endInvocation() else { return false }
        return (try? forkAhead()) != nil
    }
}
