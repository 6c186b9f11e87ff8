/// What memory workers have, and what has been promised to them, in bytes. Pure.
///
/// A worker is promised what it uses and a reserve, so that a host may have many that wait. What they use altogether may
/// then come to more than the limit, if all of them grow at once. Then one has to end: ``isExhausted``.
struct MemoryLedger: Equatable, Sendable {
    /// The most that may be promised, or used.
    let limit: Int
    private(set) var promised = 0
    /// The part of `promised` that ending idle workers gives back.
    private(set) var promisedToIdle = 0
    /// What workers are known to use.
    private(set) var used = 0

    init(limit: Int) { self.limit = limit }

    /// Whether so many more bytes can be promised now.
    func fits(_ bytes: Int) -> Bool { promised <= limit - bytes }

    /// Whether they could be promised if every idle worker ended.
    func couldFit(_ bytes: Int) -> Bool { promised - promisedToIdle <= limit - bytes }

    /// Whether more is used than there is.
    var isExhausted: Bool { used > limit }

    /// One worker's part.
    struct Part: Equatable, Sendable {
        var promised = 0
        var used = 0
        var isIdle = false
    }

    /// A worker has another part from now on.
    mutating func change(_ old: Part, to new: Part) {
        promised += new.promised - old.promised
        used += new.used - old.used
        promisedToIdle += (new.isIdle ? new.promised : 0) - (old.isIdle ? old.promised : 0)
    }
}
