/// Functions whose workers fail again and again, and when each may have its next worker. Pure: whoever owns it says
/// what time it is.
///
/// The first few failures cost nothing: a process may be killed by accident. From then on the time until the next
/// attempt doubles.
package struct RepeatedFailures<FunctionKey: Hashable & Sendable>: Sendable {
    /// Why a function has to wait.
    package struct Pause: Equatable, Sendable {
        /// In a row, without one answer between them.
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

    /// So many failures in a row have no consequence.
    private let tolerated: Int
    /// Nanoseconds, after the first that has.
    private let firstDelay: Int64
    /// A function that nobody has called for so long after its pause begins anew.
    private static var memory: Int64 { 60_000_000_000 }

    /// Nanoseconds. 0: no function ever has to wait.
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

    /// A worker has ended instead of answering, and perhaps for no fault of the function's: it ran out of time, or its
    /// caller went away.
    package mutating func endedUnanswered(_ key: FunctionKey, now: Int64) {
        if records[key] == nil { records[key] = Record(failures: 0, notBefore: now, lastFailure: "") }
    }

    /// Whether its last worker that was at work ended instead of answering.
    package func isSuspect(_ key: FunctionKey) -> Bool { records[key] != nil }

    package mutating func succeeded(_ key: FunctionKey) {
        // Nearly always there are none, and then an answer costs nothing here.
        if !records.isEmpty { records[key] = nil }
    }

    /// Whether it has failed more often than is tolerated, and not answered since.
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
