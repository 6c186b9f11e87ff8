import FunctionModel
import Synchronization
import SystemCalls

/// Keeps a record of each call in files: every call of a function up to a number for each second, and beyond that how
/// many were left out. Failed calls are counted apart from the others.
package final class CallLog: InvocationObserver {
    /// Calls of one function in one second that are recorded, of those that failed and of the others.
    package static let callsPerSecond = 50

    private struct Count {
        var second: Int64 = 0
        var recorded = 0
        var leftOut = 0

        /// Whether one more call is recorded in this second, and how many were left out in the one before.
        mutating func take(_ second: Int64) -> (isRecorded: Bool, leftOut: Int) {
            var before = 0
            if second != self.second {
                before = leftOut
                (self.second, recorded, leftOut) = (second, 0, 0)
            }
            guard recorded < CallLog.callsPerSecond else {
                leftOut += 1
                return (false, before)
            }
            recorded += 1
            return (true, before)
        }
    }

    private struct Counts {
        var failed = Count()
        var others = Count()
    }

    /// Above this many functions, all counts are forgotten.
    private static let maximumFunctions = 10_000

    private let writer: RecordWriter
    private let status: @Sendable (any FunctionError) -> Int
    private let now: @Sendable () -> Timestamp
    private let counts = Mutex<[FunctionID: Counts]>([:])

    /// - Parameter status: the status that an error has over HTTP.
    package init(
        writer: RecordWriter, status: @escaping @Sendable (any FunctionError) -> Int,
        now: @escaping @Sendable () -> Timestamp = Timestamp.now
    ) {
        self.writer = writer
        self.status = status
        self.now = now
    }

    package func invocationEnded(_ record: InvocationRecord, logs: [LogLine]) {
        let now = now()
        let second = now.microseconds / 1_000_000
        let hasFailed = if case .failure = record.outcome { true } else { false }
        let (isRecorded, leftOut) = counts.withLock { counts in
            if counts.count >= Self.maximumFunctions, counts[record.functionID] == nil { counts = [:] }
            return hasFailed
                ? counts[record.functionID, default: Counts()].failed.take(second)
                : counts[record.functionID, default: Counts()].others.take(second)
        }
        if leftOut > 0 {
            writer.write(CallRecord(leftOut: leftOut, failed: hasFailed, of: record.functionID, time: now))
        }
        guard isRecorded else { return }
        writer.write(CallRecord(record, time: now, status: record.status(status)))
    }
}

extension InvocationRecord {
    /// The status of the response over HTTP. 0: the client has disconnected.
    func status(_ status: (any FunctionError) -> Int) -> Int {
        switch outcome {
        case .result: 200
        case .failure(let error): status(error)
        case .cancelled: 0
        }
    }
}
