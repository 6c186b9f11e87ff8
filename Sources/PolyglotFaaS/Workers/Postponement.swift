import SystemCalls

/// Long work comes after short, where more workers are at work than there are processors: which work is long, and how far it is put
/// behind.
///
/// Without it, an invocation of a millisecond would wait for the turns of those that compute until their time is over, and of workers
/// that are being made. A worker is postponed until its first answer, and later while it is at one thing for long.
enum Postponement {
    /// Whether what has been put behind the others can be put back. Otherwise nothing is.
    static let isPossible = ProcessUsage.canRestoreNiceness()
    /// So much processor time, in nanoseconds, may one thing take before others come first. Most need a hundredth.
    static let longTime: Int64 = 10_000_000
    /// With it a process gets a thirtieth of what others get of a core, if they want it, and all if nobody does.
    static let niceness: Int32 = 15
}
