import FunctionModel
import Glibc
import HostMemory
import NIOCore
import NIOPosix
import Synchronization
import SystemCalls
import Telemetry
import TestSupport
import WorkerProtocol

@testable import FunctionExecution

/// Workers without processes: the test holds the other end of each worker's socket and says what the worker says.
final class FakeWorkers: WorkerLauncher {
    private struct Launched {
        let worker: Worker
        let socket: Int32
        var hasFunction = false
    }

    private let launched = Mutex<[Launched]>([])

    func launch(_ worker: Worker) throws -> Int32 {
        let (ours, theirs) = try Sockets.makeStreamPair()
        // A frame that never comes fails the test instead of holding it up.
        var timeout = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(theirs, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        launched.withLock { $0.append(Launched(worker: worker, socket: theirs)) }
        return ours
    }

    func hasLoaded(_ worker: Worker) {}
    func keepHouse(now: Int64) {}

    var count: Int { launched.withLock { $0.count } }

    func worker(_ number: Int) async throws -> Worker {
        try await waitUntil("there is worker \(number)") { self.count >= number }
        return launched.withLock { $0[number - 1].worker }
    }

    /// Sends a frame as worker `number`, counted from 1. A worker says nothing before it has its function.
    func say(_ kind: Frame.FromWorker, _ payload: [UInt8] = [], as number: Int) async throws {
        _ = try await worker(number)
        try await takeFunction(number)
        let socket = launched.withLock { $0[number - 1].socket }
        try Frame.encode(kind: kind.rawValue, payload: payload).withUnsafeBytes {
            try Descriptors.writeAll($0, to: socket)
        }
    }

    private func takeFunction(_ number: Int) async throws {
        let (socket, mustRead) = launched.withLock { launched in
            defer { launched[number - 1].hasFunction = true }
            return (launched[number - 1].socket, !launched[number - 1].hasFunction)
        }
        if mustRead { try await onThread { try Self.readFrames(socket, upTo: .load) } }
    }

    /// Waits until worker `number` has been sent an invocation, and answers it.
    func answer(_ json: String, logs: [String] = [], as number: Int) async throws {
        _ = try await worker(number)
        try await takeFunction(number)
        let socket = launched.withLock { $0[number - 1].socket }
        try await onThread { try Self.readFrames(socket, upTo: .invoke) }
        for line in logs { try await say(.log, LogMessage(level: 1, text: line).encoded(), as: number) }
        try await say(.result, Array(json.utf8), as: number)
    }

    /// Reads frames up to the next one of this kind.
    private static func readFrames(_ socket: Int32, upTo last: Frame.FromHost) throws {
        var kind: UInt8 = 0
        while kind != last.rawValue {
            var header = [UInt8](repeating: 0, count: Frame.headerLength)
            guard try header.withUnsafeMutableBytes({ try Descriptors.readExactly(into: $0, from: socket) }) else {
                throw TestFailure("the host closed the worker's socket")
            }
            let decoded = try header.withUnsafeBytes { try Frame.Header($0) }
            kind = decoded.kind
            var payload = [UInt8](repeating: 0, count: decoded.payloadLength)
            _ = try payload.withUnsafeMutableBytes { try Descriptors.readExactly(into: $0, from: socket) }
        }
    }

    /// Ends worker `number`.
    func end(_ number: Int, _ exit: ProcessExit = .signal(9)) async throws {
        let worker = try await worker(number)
        Descriptors.shutDown(launched.withLock { $0[number - 1].socket })
        worker.processHasEnded(exit)
    }

    func endAll() async throws {
        for number in 1...max(1, count) where number <= count { try await end(number) }
    }
}

/// A pool of fake workers.
struct FakePool {
    let pool: WorkerPool
    let workers = FakeWorkers()
    let memory: ByteBudget
    let observer = Recorder()

    init(
        memory limit: Int = 1 << 20, builder: (any SourceBuilder)? = nil,
        _ configure: (inout FunctionRuntime.Configuration) -> Void = { _ in }
    ) {
        var configuration = FunctionRuntime.Configuration()
        configure(&configuration)
        memory = ByteBudget(limit: limit)
        pool = WorkerPool(
            configuration: configuration, group: MultiThreadedEventLoopGroup.singleton, launcher: workers,
            sourceBuilder: builder, controlGroups: nil,
            context: InvocationContext(memory: memory, observers: [observer]))
    }

    static func function(_ id: String = "f", source: String = "") throws -> Function {
        Function(
            id: try FunctionID(id), revision: "1",
            definition: FunctionDefinition(language: .javaScript, sourceCode: source))
    }

    func invocation(of function: Function? = nil, event: String = "{}", timeoutMillis: Int? = nil) throws
        -> Invocation
    {
        pool.makeInvocation(
            of: try function ?? Self.function(), requestID: "r", event: ByteBuffer(string: event),
            timeoutMillis: timeoutMillis)
    }

    /// Submits an invocation; the outcome comes later.
    func submit(_ invocation: Invocation, reservedBytes: Int = 0) -> Outcome {
        let outcome = Outcome()
        pool.submit(invocation, reservedBytes: reservedBytes) { outcome.set($0) }
        return outcome
    }
}

/// The outcome of an invocation, once there is one.
final class Outcome: Sendable {
    private let state = Mutex<[InvocationOutcome]>([])

    func set(_ outcome: InvocationOutcome) { state.withLock { $0.append(outcome) } }

    var count: Int { state.withLock { $0.count } }

    /// nil: there is none yet.
    var now: InvocationOutcome? { state.withLock { $0.first } }

    func get() async throws -> InvocationOutcome {
        try await waitUntil("there is an outcome") { self.count > 0 }
        return state.withLock { $0[0] }
    }

    /// The result's text, or the error's name.
    func text() async throws -> String {
        switch try await get().result {
        case .success(let json): String(buffer: json)
        case .failure(let error as any FunctionError): error.errorType
        case .failure(let error): "\(error)"
        }
    }
}

final class Recorder: InvocationObserver {
    private let state = Mutex<[(record: InvocationRecord, logs: [LogLine])]>([])

    func invocationEnded(_ record: InvocationRecord, logs: [LogLine]) { state.withLock { $0.append((record, logs)) } }

    var records: [InvocationRecord] { state.withLock { $0.map(\.record) } }
    var logs: [[String]] { state.withLock { $0.map { $0.logs.map(\.text) } } }
}
