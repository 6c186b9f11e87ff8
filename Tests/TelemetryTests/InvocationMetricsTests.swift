import FunctionModel
import TestSupport
import Testing

@testable import Telemetry

@Suite struct InvocationMetricsTests {
    private let metrics = InvocationMetrics()

    private func record(_ function: String = "f", _ outcome: InvocationRecord.Outcome = .result) throws
        -> InvocationRecord
    {
        InvocationRecord(
            requestID: "r", functionID: try FunctionID(function), revision: "1", trigger: .http, outcome: outcome)
    }

    @Test func `Calls are counted by function and outcome, with their times and sizes`() throws {
        var cold = try record()
        (cold.queueNanos, cold.loadNanos, cold.handlerNanos, cold.isCold) = (50_000, 3_000_000, 200_000, true)
        (cold.eventBytes, cold.resultBytes) = (10, 20)
        metrics.invocationEnded(cold, logs: [])
        metrics.invocationEnded(try record("g", .failure(HandlerError(errorType: "E", message: ""))), logs: [])
        metrics.invocationLogged(
            LogLine(level: .info, text: ""),
            of: InvocationIdentity(requestID: "r", functionID: try FunctionID("g"), revision: "1"))
        let snapshot = metrics.snapshot
        #expect(snapshot.functions.map(\.function?.text) == [nil, "f", "g"])
        let (f, g) = (snapshot.functions[1], snapshot.functions[2])
        #expect(f.calls(.result) == 1 && f.coldStarts == 1 && f.eventBytes == 10 && f.resultBytes == 20)
        #expect(f.handler.counts == [0, 1] + [UInt64](repeating: 0, count: 16) && f.handler.sumNanos == 200_000)
        #expect(g.calls(.handlerError) == 1 && g.calls(.result) == 0 && g.coldStarts == 0 && g.logLines == 1)
        #expect(g.handler.counts.allSatisfy { $0 == 0 }, "no worker took it")
        #expect(snapshot.queue.counts.reduce(0, +) == 2 && snapshot.load.counts.reduce(0, +) == 1)
    }

    @Test(
        arguments: [
            (.cancelled, .cancelled), (.failure(HandlerError(errorType: "E", message: "")), .handlerError),
            (.failure(LoadError("x")), .loadError), (.failure(InvocationTimeout(timeoutMillis: 1)), .timeout),
            (.failure(MemoryLimitExceeded(limitMB: 1)), .limit), (.failure(WorkerCrashed("x")), .crash),
            (.failure(SandboxViolation()), .crash), (.failure(InvalidEvent("x")), .invalidRequest),
            (.failure(TooManyRequests(limit: 1)), .refused), (.failure(Overloaded("x")), .refused),
            (.failure(ShuttingDown()), .refused), (.failure(ResultNotSerializable("x")), .invalidResult),
            (.failure(WorkerExecutableNotFound(name: "x", searched: [])), .hostError),
        ] as [(InvocationRecord.Outcome, InvocationMetrics.Outcome)])
    func `Every error has its kind of outcome`(outcome: InvocationRecord.Outcome, kind: InvocationMetrics.Outcome)
        throws
    {
        metrics.invocationEnded(try record("f", outcome), logs: [])
        let counters = metrics.snapshot.functions[1]
        for other in InvocationMetrics.Outcome.allCases { #expect(counters.calls(other) == (other == kind ? 1 : 0)) }
    }

    @Test func `Beyond a thousand functions, calls are counted together`() throws {
        for number in 0..<1200 { metrics.invocationEnded(try record("f\(number)"), logs: []) }
        let snapshot = metrics.snapshot
        #expect(snapshot.functions.count == 1001)
        #expect(snapshot.functions[0].function == nil && snapshot.functions[0].calls(.result) == 200)
    }

    @Test func `Ends of workers are counted by reason, and retired ones by function`() throws {
        let id = try FunctionID("f")
        metrics.workerEnded(WorkerEnd(functionID: id, revision: "1", reason: .idle))
        metrics.workerEnded(WorkerEnd(functionID: id, revision: "1", reason: .retired, retirement: .threads))
        let snapshot = metrics.snapshot
        #expect(
            snapshot.workerEnds(.idle) == 1 && snapshot.workerEnds(.retired) == 1 && snapshot.workerEnds(.crash) == 0)
        #expect(snapshot.functions[1].retired(.threads) == 1 && snapshot.functions[1].retired(.memory) == 0)
    }
}
