import FunctionModel
import HostMemory
import NIOCore
import Synchronization
import SystemCalls
import Telemetry
import TestSupport
import Testing
import WorkerProtocol

@testable import FunctionExecution

@Suite struct WorkerPoolTests {
    /// A pool with one idle worker of `f`.
    private static func withIdleWorker(
        memory: Int = 1 << 20, _ configure: (inout FunctionRuntime.Configuration) -> Void = { _ in }
    ) async throws -> FakePool {
        let fake = FakePool(memory: memory, configure)
        let first = fake.submit(try fake.invocation())
        try await fake.workers.say(.ready, as: 1)
        try await fake.workers.answer("1", as: 1)
        try await fake.workers.say(.ready, as: 1)
        let text = try await first.text()
        #expect(text == "1")
        try await waitUntil("the worker is idle") { fake.pool.idleWorkerCount == 1 }
        return fake
    }

    @Test func `A worker that ends between the decision and its effect gives the invocation back`() async throws {
        let fake = try await Self.withIdleWorker()
        let (outcome, invocation) = (Outcome(), try fake.invocation())
        #expect(invocation.submit { outcome.set($0) })
        let admission = fake.pool.admit(invocation)
        #expect(admission.idle?.worker === (try await fake.workers.worker(1)))
        try await fake.workers.end(1)
        try await waitUntil("the pool has forgotten the worker") { fake.pool.workerCount == 0 }
        fake.pool.perform(admission)
        try await fake.workers.say(.ready, as: 2)
        try await fake.workers.answer("2", as: 2)
        let text = try await outcome.text()
        #expect(text == "2")
        try await fake.workers.endAll()
    }

    @Test func `An invocation that was sent ahead to a worker that ends goes to another`() async throws {
        let fake = FakePool { $0.maximumWorkersPerFunction = 1 }
        let (first, second) = (fake.submit(try fake.invocation()), fake.submit(try fake.invocation()))
        try await fake.workers.say(.ready, as: 1)
        try await fake.workers.answer("1", as: 1)
        var text = try await first.text()
        #expect(text == "1")
        try await fake.workers.end(1)
        try await fake.workers.say(.ready, as: 2)
        try await fake.workers.answer("2", as: 2)
        text = try await second.text()
        #expect(text == "2")
        try await fake.workers.endAll()
    }

    @Test func `A worker that is never made fails its invocation with the reason`() async throws {
        let fake = FakePool()
        let outcome = fake.submit(try fake.invocation())
        try await fake.workers.worker(1).fail(Overloaded("no room"))
        let text = try await outcome.text()
        #expect(text == "Overloaded")
        try await fake.workers.endAll()
    }

    @Test(arguments: [9_223_372_036_000, Int.max, Int.min]) func `No timeout is too long`(millis: Int) async throws {
        let fake = try await Self.withIdleWorker {
            ($0.idleTimeoutMillis, $0.zygoteLifetimeSeconds, $0.cpuMillis) = (millis, millis, millis)
            ($0.loadTimeoutMillis, $0.maximumBackoffMillis, $0.memoryShare) = (Int.max, millis, .infinity)
        }
        let outcome = fake.submit(try fake.invocation(timeoutMillis: millis))
        try await fake.workers.answer("2", as: 1)
        let text = try await outcome.text()
        #expect(text == "2")
        try await fake.workers.endAll()
    }

    @Test func `The host's ceiling bounds the time of every invocation`() throws {
        let fake = FakePool { $0.maximumTimeoutMillis = 1000 }
        let times = try [nil, 0, 500, 5000].map { try fake.invocation(timeoutMillis: $0).timeoutMillis }
        #expect(times == [1000, 1000, 500, 1000])
    }

    // MARK: Builds

    /// Finishes builds when the test says so.
    private final class Builder: SourceBuilder {
        private let state = Mutex<[@Sendable (Result<Void, any Error>) -> Void]>([])

        func build(_ function: Function, _ completion: @escaping @Sendable (Result<Void, any Error>) -> Void) {
            state.withLock { $0.append(completion) }
        }

        var count: Int { state.withLock { $0.count } }

        func finish() {
            for completion in state.withLock({ $0 }) { completion(.success(())) }
        }
    }

    @Test func `A call that is cancelled or expires while its function is built starts no worker`() async throws {
        let builder = Builder()
        let fake = FakePool(builder: builder)
        let function = try FakePool.function(source: "export const handler = () => 1")
        #expect(function.needsBuild)
        let cancelled = try fake.invocation(of: function)
        let outcomes = [
            fake.submit(cancelled), fake.submit(try fake.invocation(of: function, timeoutMillis: 1)),
        ]
        #expect(builder.count == 2)
        fake.pool.cancel(cancelled)
        let texts = [try await outcomes[0].text(), try await outcomes[1].text()]
        #expect(texts == ["CancellationError()", "InvocationTimeout"])
        builder.finish()
        #expect(fake.pool.workerCount == 0 && fake.workers.count == 0)
        let records = fake.observer.records
        #expect(records.count == 2)
    }

    // MARK: Bounded bytes

    @Test func `Events that wait are drawn from the host's memory, and given back with the outcome`() async throws {
        let fake = try await Self.withIdleWorker(memory: 1000)
        let event = "\"" + String(repeating: "x", count: 598) + "\""
        let first = fake.submit(try fake.invocation(event: event))
        #expect(fake.memory.used == 600)
        let second = try await fake.submit(try fake.invocation(event: event)).get()
        let error = #expect(throws: Overloaded.self) { try second.result.get() }
        #expect(error?.message.hasPrefix("The host's memory for events and results") == true)
        #expect(fake.memory.used == 600)
        try await fake.workers.answer("2", as: 1)
        _ = try await first.get()
        try await waitUntil("it is given back") { fake.memory.used == 0 }
        try await fake.workers.endAll()
    }

    @Test func `A reservation of the caller is taken over instead of counted twice`() async throws {
        let fake = try await Self.withIdleWorker(memory: 1000)
        let event = "\"" + String(repeating: "x", count: 598) + "\""
        #expect(fake.memory.reserve(700))
        let outcome = fake.submit(try fake.invocation(event: event), reservedBytes: 700)
        #expect(fake.memory.used == 700)
        try await fake.workers.answer("2", as: 1)
        _ = try await outcome.get()
        try await waitUntil("it is given back") { fake.memory.used == 0 }
        // Cancelled before it is submitted: the submission gives it back at once.
        #expect(fake.memory.reserve(700))
        let late = try fake.invocation(event: event)
        fake.pool.cancel(late)
        let text = try await fake.submit(late, reservedBytes: 700).text()
        #expect(text == "CancellationError()" && fake.memory.used == 0)
        try await fake.workers.endAll()
    }

    @Test func `An event above the limit of its function is refused and recorded`() async throws {
        let fake = FakePool { $0.ceilings.maxEventBytes = 10 }
        let text = try await fake.submit(try fake.invocation(event: "\"0123456789\"")).text()
        #expect(text == "PayloadTooLarge" && fake.memory.used == 0)
        #expect(fake.observer.records.count == 1 && fake.workers.count == 0)
    }

    // MARK: Observers

    @Test func `Each invocation makes one record, with what it took and how it ended`() async throws {
        let fake = try await Self.withIdleWorker()
        let second = fake.submit(try fake.invocation(event: "[1,2]"))
        try await fake.workers.answer("22", logs: ["hello"], as: 1)
        let logs = try await second.get().logs.map(\.text)
        try await waitUntil("both are recorded") { fake.observer.records.count == 2 }
        let (cold, warm) = (fake.observer.records[0], fake.observer.records[1])
        #expect(cold.isCold && cold.loadNanos > 0 && cold.handlerNanos > 0)
        #expect(!warm.isCold && warm.loadNanos == 0 && warm.handlerNanos > 0)
        #expect(warm.eventBytes == 5 && warm.resultBytes == 2 && warm.trigger == .library)
        #expect(logs == ["hello"] && fake.observer.logs == [[], ["hello"]])
        guard case .result = warm.outcome else { return #expect(Bool(false), "\(warm.outcome)") }
        try await fake.workers.endAll()
    }

    @Test func `Lines that a function writes while it fails to load reach each caller that waited`() async throws {
        let fake = FakePool { $0.maximumWorkersPerFunction = 1 }
        let outcomes = [fake.submit(try fake.invocation()), fake.submit(try fake.invocation())]
        try await fake.workers.say(.log, LogMessage(level: 1, text: "before").encoded(), as: 1)
        try await fake.workers.say(.loadFailed, Failure(.loadError, name: "E", message: "no").encoded(), as: 1)
        for outcome in outcomes {
            let text = try await outcome.text()
            let lines = try await outcome.get().logs.map(\.text)
            #expect(text == "LoadError" && lines == ["before"])
        }
        try await waitUntil("both are recorded") { fake.observer.logs == [["before"], ["before"]] }
        try await fake.workers.endAll()
    }

    @Test func `Refused and cancelled invocations are recorded too`() async throws {
        let fake = FakePool { ($0.maximumWaiting, $0.maximumWorkersPerFunction) = (1, 1) }
        let waiting = try fake.invocation()
        let outcomes = [fake.submit(waiting), fake.submit(try fake.invocation(of: FakePool.function("g")))]
        fake.pool.cancel(waiting)
        let texts = [try await outcomes[0].text(), try await outcomes[1].text()]
        #expect(texts == ["CancellationError()", "Overloaded"])
        let kinds = fake.observer.records.map { record in
            switch record.outcome {
            case .result: "result"
            case .failure(let error): error.errorType
            case .cancelled: "cancelled"
            }
        }
        #expect(kinds == ["Overloaded", "cancelled"])
        try await fake.workers.endAll()
    }
}
