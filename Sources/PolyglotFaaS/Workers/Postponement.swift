import SystemCalls

/// Long work comes after short, where more workers are at work than there are processors.
///
/// Without it, an invocation of a millisecond would wait for the turns of those that compute until their time is over, and of workers
/// that are being made. A worker is `low` until its first answer, and later when it takes long to be pristine again; it is `idle` while
/// it is a spare, while an invocation takes long, and until its first answer if the one before it ended without an answer.
enum Postponement {
    /// Whether what has been put behind the others can be put back. Otherwise nothing is.
    static let isPossible = ProcessPriority.canBeTakenBack()
    /// So much processor time, in nanoseconds, may one thing take before others come first. Most need a hundredth.
    static let longTime: Int64 = 10_000_000
}
