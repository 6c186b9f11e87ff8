/// How many workers of one function can be of use, from what its workers do. Pure.
///
/// A worker that waits leaves its processor to others, so another worker can serve meanwhile. One that computes, or
/// that waits for a processor, does not: more of its kind would only take turns.
///
/// ``WorkerWatch`` looks at workers in a call every few milliseconds. What counts is the part of them that it finds
/// awake, smoothed over some looks: 1 for a function that computes, 0.01 for one that waits 100 ms and computes for one.
/// While the processors are busy, a worker stays awake for longer, because it waits for its turn. So the number falls
/// by itself when another worker would not help.
struct GrowthRule: Equatable, Sendable {
    /// The part of the workers in a call that is awake, from 0 to 1. Nothing is known of a new function, and it counts
    /// as one that computes.
    private(set) var awake = 1.0

    /// What one look changes: an eighth. One look is chance: a worker may sleep for a moment, or all may wake at once.
    private static let weight = 0.125
    /// A function that sleeps for less than a quarter of its time computes.
    private static let computing = 0.75
    /// How many workers may be awake for each processor where nearly all sleep. Workers wake in bursts: with one for
    /// each processor the processors would often have nothing to do.
    private static let burst = 4.0

    /// A look has found so many workers in a call asleep, and so many awake.
    mutating func saw(asleep: Int, awake: Int) {
        let all = asleep + awake
        guard all > 0 else { return }
        self.awake += Self.weight * (Double(awake) / Double(all) - self.awake)
    }

    /// How many workers help.
    ///
    /// - Parameters:
    ///   - processors: how many workers help if they compute.
    ///   - limit: the most that there may be.
    func workers(processors: Int, limit: Int) -> Int {
        guard awake < Self.computing else { return min(processors, limit) }
        // From one awake for each processor, if they hardly sleep, to a burst.
        let awakeForEach = 1 + (Self.burst - 1) * (1 - awake)
        let helpful = Double(processors) * awakeForEach / max(awake, 1e-6)
        return helpful >= Double(limit) ? limit : max(min(processors, limit), Int(helpful))
    }
}
