/// Decides when a zygote has served long enough. Pure: the caller passes the time.
///
/// All workers of a zygote have its address layout and hash seeds. A successor has others.
struct ZygoteAge: Sendable {
    struct Limits: Sendable {
        /// Nanoseconds. 0: no limit.
        var lifetime: Int64
        /// 0: no limit.
        var forks: Int
    }

    /// How long to wait after a successor could not be started.
    static var retryDelay: Int64 { 60_000_000_000 }

    private let limits: Limits
    private let born: Int64
    private var forks = 0
    private var notBefore: Int64 = .min

    init(limits: Limits, now: Int64) {
        self.limits = limits
        born = now
    }

    mutating func countFork() { forks += 1 }

    func isOver(now: Int64) -> Bool {
        now >= notBefore
            && ((limits.lifetime > 0 && now - born >= limits.lifetime) || (limits.forks > 0 && forks >= limits.forks))
    }

    /// There is no successor now: it goes on for a while.
    mutating func postpone(now: Int64) {
        notBefore = now + Self.retryDelay
    }
}
