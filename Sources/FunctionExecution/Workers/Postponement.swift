import FunctionModel
import SystemCalls

/// Long work comes after short, where more workers are at work than there are processors.
///
/// Without it, an invocation of a millisecond would wait for the turns of those that compute until their time is over,
/// and of workers that are being made. A worker is `low` until its first answer, and later when it takes long to be
/// pristine again; it is `idle` while it is a spare, while an invocation takes long, and until its first answer if the
/// one before it ended without an answer.
///
/// A host that may not take back a priority puts fewer behind the others, and ends them after their next answer:
/// workers of functions whose last one ended without an answer, as most that are like it will, if many are at work when
/// they are forked, and those whose invocation takes so long that a new worker costs little beside it.
struct Postponement: Sendable {
    /// Whether what has been put behind the others can be put back.
    let isReversible: Bool

    /// As this process may.
    static let ofThisProcess = Postponement(isReversible: ProcessPriority.canBeTakenBack())

    /// What a new worker is forked with, and gets until its first answer where many are at work.
    /// - Parameter isSuspect: whether its function's last worker ended without an answer.
    /// - Parameter isCrowded: whether many are at work. It matters where nothing can be taken back.
    func first(isSuspect: Bool, isCrowded: Bool) -> ProcessPriority {
        if isReversible { return isSuspect ? .idle : .low }
        return isSuspect && isCrowded ? .idle : .usual
    }

    /// What a spare is forked with.
    var spare: ProcessPriority { isReversible ? .idle : .usual }

    /// Whether a worker that is to have this priority first may have been a spare. There is no use in putting one
    /// behind the others that got ready beside them, to be followed by another spare that does.
    func canBeSpare(_ first: ProcessPriority) -> Bool { isReversible || first == .usual }

    /// So much processor time, in nanoseconds, may one thing take before others come first. Most need a hundredth.
    /// - Parameter loadTime: what a worker like it takes until it can serve.
    func longTime(loadTime: Int64) -> Int64 { isReversible ? 10_000_000 : max(100_000_000, 2 * loadTime) }

    /// Whether a worker may be put behind the others for what it is at. One that is not pristine after an invocation
    /// keeps what a new one would not have.
    func isPossible(isInvocation: Bool, _ isolation: Isolation) -> Bool {
        isReversible || isInvocation && isolation != .instance
    }
}
