import CMemoryRewind
import Glibc
import Sandbox
import SystemCalls
import WorkerProtocol

/// A prepared process with an engine and no user code. It forks workers when the host asks.
///
/// It always has one thread, so a fork copies it completely. It ends when the host closes its end of the socket, and
/// its workers end with it.
public enum Zygote {
    /// The descriptor of the socket to the host.
    private static let socket: Int32 = 3

    /// Serves the host until it closes the socket. Called by `main`, and never returns.
    public static func run(_ runtime: any LanguageRuntime) -> Never {
        do {
            // The host sets it for the dynamic linker. Guests must not see it.
            Processes.removeEnvironmentVariable("LD_BIND_NOW")
            let childSignals = try ChildSignals.openDescriptor()
            try Processes.adoptOrphans()
            try Processes.leaveWorkingDirectory()
            let before = Descriptors.openDescriptors(from: 0)
            let engine = runtime.startEngine(keepsState: CommandLine.arguments.contains("--keep-state"))
            Processes.clearDeadStack()
            let descriptors = EngineDescriptors(openedSince: before)
            var sandbox = Sandbox(
                policy: runtime.sandboxPolicy, settings: SandboxSettings(arguments: CommandLine.arguments))
            try sandbox.confineZygote()
            // Used by the test that compares the filters with a table.
            if CommandLine.arguments.contains("--try-system-calls") { exit(SystemCallSweep.run(sandbox) ? 0 : 1) }
            // If it fails, workers only use more memory.
            _ = faas_rewind_make_base()
            sandbox.closeZygote()
            try report(.started(engine: engine, layers: sandbox.layers))
            // The report has told the host.
            if sandbox.isRefused { exit(0) }
            var zygote = State(childSignals: childSignals, runtime: runtime, descriptors: descriptors, sandbox: sandbox)
            while let order = try zygote.nextForkOrder() {
                try zygote.fork(order)
            }
            Processes.endAllChildren()
            exit(0)
        } catch {
            complain("zygote: \(error)")
            Processes.endAllChildren()
            exit(1)
        }
    }

    fileprivate static func report(_ report: ZygoteReport, descriptor: Int32 = -1) throws {
        do {
            try report.encoded().withUnsafeBytes { try Sockets.send($0, descriptor: descriptor, to: socket) }
        } catch let error as SystemCallError where error.code == EPIPE || error.code == ECONNRESET {
            // The host has closed the socket. The next read returns the end of the stream, and this process then ends
            // in order.
        }
    }

    /// Writes to standard error, which the host has inherited to this process.
    private static func complain(_ text: String) {
        try? Array("\(text)\n".utf8).withUnsafeBytes { try Descriptors.writeAll($0, to: 2) }
    }

    private struct ForkOrder {
        let worker: UInt64
        let isSpare: Bool
        let priority: ProcessPriority
        let socket: Int32
    }

    private struct State {
        let childSignals: Int32
        let runtime: any LanguageRuntime
        let descriptors: EngineDescriptors
        let sandbox: Sandbox
        /// The host's number of each worker that has not been collected yet.
        var workers: [pid_t: UInt64] = [:]

        /// Waits for a request to fork a worker, and collects ended workers meanwhile. nil: the host has closed the
        /// socket.
        mutating func nextForkOrder() throws -> ForkOrder? {
            while true {
                let readable = try Descriptors.waitUntilReadable([Zygote.socket, childSignals])
                if readable[1] {
                    ChildSignals.drain(childSignals)
                    try collectEndedWorkers()
                }
                if readable[0] {
                    let (request, descriptor) = try receive()
                    guard let request else { return nil }
                    guard case .fork(let worker, let isSpare, let number) = request,
                        let priority = ProcessPriority(rawValue: number),
                        descriptor >= 0
                    else { throw ProtocolError.invalidValue(field: "fork request") }
                    return ForkOrder(worker: worker, isSpare: isSpare, priority: priority, socket: descriptor)
                }
            }
        }

        private func receive() throws -> (ZygoteRequest?, descriptor: Int32) {
            try withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { buffer in
                let (count, descriptor) = try Sockets.receive(into: buffer, from: Zygote.socket)
                if count == 0 { return (nil, descriptor) }
                return (try ZygoteRequest(UnsafeRawBufferPointer(rebasing: buffer[..<count])), descriptor)
            }
        }

        private mutating func collectEndedWorkers() throws {
            while let (pid, exit) = Processes.collectEndedChild() {
                guard let worker = workers.removeValue(forKey: pid) else { continue }
                // All that it started, at once: while one is killed, another could fork.
                Processes.kill(group: pid)
                try Zygote.report(.exited(worker: worker, status: exit.waitStatus))
            }
            // Processes that an ended worker left behind have become children of this one.
            for pid in Processes.children() where workers[pid] == nil { Processes.kill(child: pid) }
        }

        mutating func fork(_ order: ForkOrder) throws {
            defer { Descriptors.close(order.socket) }
            guard Processes.threadCount() == 1 else {
                return try Zygote.report(
                    .forkFailed(worker: order.worker, reason: "the zygote has more than one thread"))
            }
            let zygote = getpid()
            runtime.willFork()
            let side: ForkSide
            do {
                side = try Processes.fork()
            } catch {
                runtime.didFork(inChild: false)
                return try Zygote.report(.forkFailed(worker: order.worker, reason: "\(error)"))
            }
            switch side {
            case .parent(let pid):
                runtime.didFork(inChild: false)
                workers[pid] = order.worker
                // Before the report: the host may restore the priority as soon as it receives it.
                if order.priority != .usual { Processes.setPriority(order.priority, of: pid) }
                do {
                    // The child has not been collected, so the pid is still its own.
                    let handle = try Processes.openHandle(pid)
                    defer { Descriptors.close(handle) }
                    try Zygote.report(.forked(worker: order.worker, pid: pid), descriptor: handle)
                } catch let error as SystemCallError {
                    // The kernel counts descriptors on their way for all processes of a user together. A shortage costs
                    // this worker, not the zygote with all others.
                    workers[pid] = nil
                    Processes.kill(child: pid)
                    try Zygote.report(.forkFailed(worker: order.worker, reason: "\(error)"))
                }
            case .child:
                do {
                    try Zygote.becomeWorker(zygote: zygote, socket: order.socket, descriptors, sandbox)
                } catch {
                    _exit(1)
                }
                runtime.didFork(inChild: true)
                if order.isSpare { runtime.warmUp() }
                Processes.clearDeadStack()
                Worker.run(runtime, channel: WorkerChannel(), sandbox: sandbox)
            }
        }
    }

    /// Turns a fork of the zygote into a worker. The order of the steps matters.
    private static func becomeWorker(zygote: pid_t, socket: Int32, _ engine: EngineDescriptors, _ sandbox: Sandbox)
        throws
    {
        // First: from here on no worker outlives the zygote.
        guard try Processes.endWithParent(zygote) else { _exit(0) }
        // What the function starts stays in this group, because the filter denies leaving it.
        try Processes.makeGroup()
        // The worker's socket replaces the zygote's, so a worker cannot send the host messages as its zygote.
        try Descriptors.duplicate(socket, as: WorkerChannel.descriptor)
        try Descriptors.closeAll(except: Array(0...WorkerChannel.descriptor) + engine.numbers)
        // Output of the engine or the guest that is not captured is discarded.
        let null = try Descriptors.openNull()
        for stream: Int32 in 0...2 { try Descriptors.duplicate(null, as: stream) }
        Descriptors.close(null)
        ChildSignals.unblock()
        try Processes.leaveNoCoreDump()
        // The worker's own files in /proc are opened while that is still possible.
        sandbox.openWorker()
        try ProcessFiles.open()
        try engine.makeOwn()
        // Last: it denies all of the steps above.
        try sandbox.confineWorker()
    }
}
