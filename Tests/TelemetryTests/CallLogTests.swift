import FunctionModel
import Synchronization
import TestSupport
import Testing

@testable import Telemetry

@Suite struct CallLogTests {
    private func record(_ number: Int, _ error: (any FunctionError)? = nil) throws -> InvocationRecord {
        InvocationRecord(
            requestID: "r-\(number)", functionID: try FunctionID("f"), revision: "1", trigger: .http,
            outcome: error.map { .failure($0) } ?? .result)
    }

    @Test func `Of many calls in one second some are recorded, and how many were left out`() async throws {
        try await TemporaryDirectory.with { directory in
            let folder = RecordFolder(path: directory.path("records"))
            let writer = RecordWriter(folder: folder, budget: 1 << 30, intervalMicros: 0)
            let now = Mutex(Timestamp(microseconds: 1_000_000_000))
            let log = CallLog(writer: writer, status: { _ in 504 }, now: { now.withLock { $0 } })
            for number in 0..<1000 { log.invocationEnded(try record(number), logs: []) }
            // Many good calls do not push out a failed one.
            log.invocationEnded(try record(1000, InvocationTimeout(timeoutMillis: 1)), logs: [])
            now.withLock { $0.microseconds += 1_000_000 }
            log.invocationEnded(try record(1001), logs: [])
            #expect(writer.flush(withinMillis: 20_000))
            let calls = RecordReader(folder).read(
                CallRecord.self, [.calls, .failures], of: try FunctionID("f"), RecordQuery())
            #expect(calls.count == CallLog.callsPerSecond + 3)
            #expect(calls.first { $0.outcome == .leftOut }?.count == 1000 - CallLog.callsPerSecond)
            #expect(calls.first { $0.requestID == "r-1000" }?.status == 504)
            #expect(calls.contains { $0.requestID == "r-1001" })
        }
    }
}
