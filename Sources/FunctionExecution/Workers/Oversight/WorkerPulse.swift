/// Tells whether a worker sleeps or computes, from its processor time at two looks. Pure: the owner looks, and says
/// what time it is.
///
/// A call that is seen for the first time says little: it may have begun a moment ago, or its answer may be on its way.
/// So a call that does not compute counts from the second look on. Calls of a few milliseconds count as neither.
struct WorkerPulse: Sendable {
    enum Finding: Equatable, Sendable {
        case unknown
        /// It waits, and so do its threads and all that it started.
        case asleep
        /// It has used a processor, or waits for one.
        case awake
    }

    /// What the last look found.
    private(set) var finding = Finding.unknown
    /// How long it computed and slept since this was last taken, in nanoseconds, as far as that is known.
    private var computed: Int64 = 0
    private var slept: Int64 = 0
    /// The part of its looks that found it awake, smoothed. One of which nothing is known counts as awake.
    private var awake = 1.0
    /// Its activity at the last look, and the processor time and the clock at that moment.
    private var activity: UInt64?
    private var time: Int64 = 0
    private var now: Int64 = 0
    private var asleepSince: Int64 = 0
    /// Whether it had started processes at the last look. Its own time says nothing of theirs.
    private var hadChildren = false

    /// A worker that uses at least this part of the time between two looks is awake: an eighth.
    private static let notable: Int64 = 8

    /// One that has slept for this long is looked at less often.
    private static let longSleep: Int64 = 20_000_000
    private static let longInterval: Int64 = 18_000_000

    private static let weight = 0.25

    /// Whether it sleeps most of the time, so that others have its processor.
    var sleeps: Bool { awake < 0.25 }

    /// Whether it need not be looked at yet: it has been asleep for a while, and was looked at not long ago.
    func mayRest(_ activity: UInt64, now: Int64) -> Bool {
        self.activity == activity && finding == .asleep && now - self.now < Self.longInterval
            && self.now - asleepSince >= Self.longSleep
    }

    /// How long it computed and slept since the last call of this.
    mutating func takeTimes() -> (computed: Int64, slept: Int64) {
        defer { (computed, slept) = (0, 0) }
        return (computed, slept)
    }

    /// Whether it has done nothing since the last look, so that its memory, threads and children are the same.
    func isUnchanged(_ activity: UInt64, time: Int64) -> Bool {
        self.activity == activity && self.time == time && !hadChildren
    }

    /// A look at a worker that is unchanged.
    /// - Parameter state: asks the kernel what it does.
    mutating func lookAgain(now: Int64, state: () -> Finding) {
        // One that sleeps goes on, because to wake up would have taken time. One that waits for a processor may sleep by
        // now, if it slept soon after the last look.
        let found = finding == .asleep ? .asleep : state()
        if found == .asleep { slept += now - self.now }
        self.now = now
        note(found, awake: found == .awake ? 1 : 0)
    }

    /// A look at a worker that has done something, or may have.
    ///
    /// - Parameters:
    ///   - activity: names what it does.
    ///   - time: its processor time so far, in nanoseconds.
    ///   - now: nanoseconds of the monotonic clock.
    ///   - hasChildren: whether it has started processes.
    ///   - state: asks the kernel what it does.
    mutating func look(_ activity: UInt64, time: Int64, now: Int64, hasChildren: Bool, state: () -> Finding) {
        let isSame = self.activity == activity
        let (used, passed) = (time - self.time, now - self.now)
        let isNotable = self.activity != nil && used * Self.notable >= passed
        let found = isSame ? state() : .unknown
        if isSame || isNotable { computed += used }
        if found == .asleep { slept += max(0, passed - used) }
        (self.activity, self.time, self.now, hadChildren) = (activity, time, now, hasChildren)
        note(
            isNotable ? .awake : found, awake: found == .asleep ? Double(min(used, passed)) / Double(max(1, passed)) : 1
        )
    }

    private mutating func note(_ finding: Finding, awake: Double) {
        if finding == .asleep, self.finding != .asleep { asleepSince = now }
        self.finding = finding
        if finding != .unknown { self.awake += Self.weight * (awake - self.awake) }
    }
}
