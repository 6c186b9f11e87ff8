import Foundation
import FunctionModel
import HostMemory
import NIOCore
import NIOPosix
import PolyglotFaaS
import Synchronization
import SystemCalls
import TestSupport
import Testing
import WorkerProtocol

@testable import FunctionExecution

/// The host's side of a worker alone: the other side is the test.
@Suite struct WorkerTests {
    @Test func `What a worker sent before it ended is read, however late its event loop runs`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        let heard = Listener()
        let definition = FunctionDefinition(language: .python, sourceCode: "")
        let function = Function(id: try FunctionID("f"), revision: "1", definition: definition)
        let worker = Worker(
            id: 1, function: function, eventLoop: eventLoop, limits: WorkerLimits(function, .init()),
            memory: ByteBudget(limit: 1 << 20), watch: WorkerWatch(), postponement: .ofThisProcess, isSuspect: false,
            controlGroups: nil, learned: LearnedImports(keep: nil),
            delegate: heard)
        let (ours, theirs) = try Sockets.makeStreamPair()
        // Something else has the other side too, and keeps it open.
        let inherited = dup(theirs)
        defer { Descriptors.close(inherited) }
        worker.connect(ours)
        // The host has sent the function.
        _ = try await NIOThreadPool.singleton.runIfActive {
            withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { read(theirs, $0.baseAddress, 1) }
        }

        try await eventLoop.submit {
            let frame = Frame.encode(
                kind: Frame.FromWorker.loadFailed.rawValue,
                payload: Failure(.loadError, name: "SyntaxError", message: "no").encoded())
            try frame.withUnsafeBytes { try Descriptors.writeAll($0, to: theirs) }
            Descriptors.close(theirs)
            worker.processHasEnded(.code(0))
            // A thread that the machine has no time for: what is due meanwhile runs before the socket is looked at.
            eventLoop.execute { usleep(300_000) }
        }.get()
        try await waitUntil("the worker has ended") { heard.hasEnded }
        #expect(heard.errors == ["The source does not load: SyntaxError: no"])
        try await group.shutdownGracefully()
    }

    @Test func `A worker is forked by another zygote if the one there was is about to end`() async throws {
        var configuration = FunctionRuntime.Configuration()
        configuration.workerDirectory = Binaries.directory.path
        configuration.spareWorkersPerLanguage = 0
        let zygotes = Zygotes(configuration)
        let first = try zygotes.start(ZygoteKind(language: .python))
        _ = try await first.waitUntilStarted()
        // Its socket is shut; that it has ended is noticed later.
        first.close()
        let function = Function(
            id: try FunctionID("f"), revision: "1",
            definition: FunctionDefinition(language: .python, sourceCode: "def handler(event): pass"))
        let heard = Listener()
        let worker = Worker(
            id: 1, function: function, eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            limits: WorkerLimits(function, configuration), memory: ByteBudget(limit: 1 << 20), watch: WorkerWatch(),
            postponement: .ofThisProcess, isSuspect: false, controlGroups: nil,
            learned: LearnedImports(keep: nil), delegate: heard)
        worker.connect(try zygotes.launch(worker))
        try await waitUntil("the worker is ready") { heard.isReady || heard.hasEnded }
        #expect(heard.isReady && heard.errors == [])
        #expect(try zygotes.start(ZygoteKind(language: .python)) !== first)
        worker.kill()
        try await waitUntil("the worker has ended") { heard.hasEnded }
        await zygotes.shutDown()
    }

    private final class Listener: WorkerDelegate {
        private let state = Mutex<(errors: [String], isReady: Bool, hasEnded: Bool)>(([], false, false))

        var errors: [String] { state.withLock { $0.errors } }

        var isReady: Bool { state.withLock { $0.isReady } }
        var hasEnded: Bool { state.withLock { $0.hasEnded } }

        func worker(_ worker: Worker, did event: WorkerEvent) -> Invocation? {
            state.withLock { state in
                switch event {
                case .loaded, .ready: state.isReady = true
                case .failedToLoad(let error, _): state.errors.append(error.message)
                case .ended: state.hasEnded = true
                case .answered, .crashed, .lost, .skipped, .didNotTake: break
                }
            }
            return nil
        }
    }
}
