/// Counts failures of each function's workers in a row, and decides when the function may have its next worker. Pure:
/// the caller passes the time.
///
/// The first few failures have no consequence: a process may be killed by accident. After them the delay before the
/// next attempt doubles with each failure.
package struct RepeatedFailures<FunctionKey: Hashable & Sendable>: Sendable {
    /// Why a function has to wait.
    package struct Pause: Equatable, Sendable {
        /// How many failures in a row: the function did not answer between them.
        package let failures: Int
        /// Nanoseconds until the next attempt.
        package let remaining: Int64
        package let lastFailure: String
    }

    private struct Record {
        var failures: Int
        var notBefore: Int64
        var lastFailure: String
    }

    /// How many failures in a row have no consequence.
    private let tolerated: Int
    /// The delay after the first failure that has one, in nanoseconds.
    private let firstDelay: Int64
    /// Nanoseconds. A function without another failure for this long after its pause starts again with none.
    private static var memory: Int64 { 60_000_000_000 }

    /// The longest delay, in nanoseconds. 0: no function ever has to wait.
    private let maximumDelay: Int64
    private var records: [FunctionKey: Record] = [:]

    package init(maximumDelay: Int64, tolerated: Int = 4, firstDelay: Int64 = 100_000_000) {
        self.maximumDelay = maximumDelay
        self.tolerated = tolerated
        self.firstDelay = firstDelay
    }

    package mutating func failed(_ key: FunctionKey, _ reason: String, now: Int64) {
        let failures = (records[key]?.failures ?? 0) + 1
        let doublings = failures - tolerated - 1
        let delay = doublings < 0 ? 0 : doublings > 30 ? maximumDelay : min(maximumDelay, firstDelay << doublings)
        records[key] = Record(failures: failures, notBefore: now + delay, lastFailure: reason)
    }

    /// A worker has ended instead of answering. The function may not be to blame: the call ran out of time, or its
    /// caller disconnected.
    package mutating func endedUnanswered(_ key: FunctionKey, now: Int64) {
        if records[key] == nil { records[key] = Record(failures: 0, notBefore: now, lastFailure: "") }
    }

    /// Whether the function's last busy worker ended instead of answering.
    package func isSuspect(_ key: FunctionKey) -> Bool { records[key] != nil }

    package mutating func succeeded(_ key: FunctionKey) {
        // Usually there are no records, and the lookup is saved.
        if !records.isEmpty { records[key] = nil }
    }

    /// Whether the function has failed more often than is tolerated, and has not answered since.
    package func isOnTrial(_ key: FunctionKey) -> Bool {
        !records.isEmpty && maximumDelay > 0 && (records[key]?.failures ?? 0) > tolerated
    }

    /// nil: the function may have a worker now.
    package func pause(of key: FunctionKey, now: Int64) -> Pause? {
        guard let record = records[key], record.notBefore > now else { return nil }
        return Pause(failures: record.failures, remaining: record.notBefore - now, lastFailure: record.lastFailure)
    }

    package mutating func forgetOld(now: Int64) {
        if !records.isEmpty { records = records.filter { now - $0.value.notBefore < Self.memory } }
    }
}
