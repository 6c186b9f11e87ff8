import CMemoryRewind
import Glibc
import Sandbox
import SystemCalls
import WorkerProtocol

/// A prepared process with an engine and no user code, that forks workers when the host asks.
///
/// It has one thread, always: that is what makes its copies sound. It ends when the host's end of its socket closes,
/// and its workers end with it.
public enum Zygote {
    /// The number the host starts a zygote's socket under.
    private static let socket: Int32 = 3

    /// Serves the host until it goes away. Called by `main`, and never returns.
    public static func run(_ runtime: any LanguageRuntime) -> Never {
        do {
            // What the host said to the dynamic linker is not for guests to see.
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
            // For the test that compares the filters with a table.
            if CommandLine.arguments.contains("--try-system-calls") { exit(SystemCallSweep.run(sandbox) ? 0 : 1) }
            // Without it workers take more memory; nothing else depends on it.
            _ = faas_rewind_make_base()
            sandbox.closeZygote()
            try report(.started(engine: engine, layers: sandbox.layers))
            // The host knows why.
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
            // The host has gone. The next look at the socket says so too, and ends this process in good order.
        }
    }

    /// Standard error is the host's.
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
        /// The host's number of each worker that has not been collected.
        var workers: [pid_t: UInt64] = [:]

        /// Waits for the host to ask for a worker, and collects the ended ones meanwhile. nil: the host has gone.
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
                try Zygote.report(.exited(worker: worker, status: exit.waitStatus))
            }
            // Processes that an ended worker left behind have become children of this one. They are killed.
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
                // Before the host hears of it, which may take it back at once.
                if order.priority != .usual { Processes.setPriority(order.priority, of: pid) }
                // Not collected yet, so the number still means this process.
                let handle = try Processes.openHandle(pid)
                defer { Descriptors.close(handle) }
                try Zygote.report(.forked(worker: order.worker, pid: pid), descriptor: handle)
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

    /// What makes a fork of the zygote a worker, in this order.
    private static func becomeWorker(zygote: pid_t, socket: Int32, _ engine: EngineDescriptors, _ sandbox: Sandbox)
        throws
    {
        // First, so that from here on no worker outlives the zygote.
        guard try Processes.endWithParent(zygote) else { _exit(0) }
        // The zygote's socket gives way to the worker's: a worker cannot speak to the host as its zygote.
        try Descriptors.duplicate(socket, as: WorkerChannel.descriptor)
        try Descriptors.closeAll(except: Array(0...WorkerChannel.descriptor) + engine.numbers)
        // What the engine or the guest prints past the captured streams is dropped.
        let null = try Descriptors.openNull()
        for stream: Int32 in 0...2 { try Descriptors.duplicate(null, as: stream) }
        Descriptors.close(null)
        ChildSignals.unblock()
        try Processes.leaveNoCoreDump()
        // The worker's own view of itself, while /proc can still be opened.
        sandbox.openWorker()
        try ProcessFiles.open()
        try engine.makeOwn()
        // Last: nothing above is possible any more.
        try sandbox.confineWorker()
    }
}
