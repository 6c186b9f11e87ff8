/// How many workers of one function can be of use, from what its workers do. Pure.
///
/// A worker that waits leaves its processor to others, so another worker can serve meanwhile. One that computes does
/// not: more of its kind would only take turns.
///
/// ``WorkerWatch`` looks at workers in a call every few milliseconds, and sees how long each has computed and slept since
/// the look before. The part that is computing, smoothed over some looks, tells how many workers keep the processors
/// busy: for a function that computes 1 ms and sleeps 99, a hundred for each. Time in which a worker waits for a
/// processor counts as neither: other functions may have it.
struct GrowthRule: Equatable, Sendable {
    /// The part of the time that a worker in a call computes, from 0 to 1. Nothing is known of a new function, and it
    /// counts as one that computes.
    private(set) var computing = 1.0

    /// What one look changes: an eighth. One look is chance: all workers may sleep for a moment, or wake at once.
    private static let weight = 0.125
    /// A function that sleeps for less than a quarter of its time gets no more.
    private static let most = 0.75
    /// How many workers may be awake for each processor where nearly all sleep. They wake in bursts: with one for each
    /// processor the processors would often have nothing to do.
    private static let burst = 4.0

    /// A look has found that the function's workers in a call have computed and slept for so long, together.
    mutating func saw(computed: Int64, slept: Int64) {
        let all = Double(computed) + Double(slept)
        guard all > 0 else { return }
        computing += Self.weight * (Double(computed) / all - computing)
    }

    /// How many workers help.
    ///
    /// - Parameters:
    ///   - processors: how many workers help if they compute.
    ///   - limit: the most that there may be.
    func workers(processors: Int, limit: Int) -> Int {
        guard computing < Self.most else { return min(processors, limit) }
        let sleeping = 1 - computing
        let awake = 1 + (Self.burst - 1) * sleeping * sleeping * sleeping * sleeping
        let helpful = Double(processors) * awake / max(computing, 1e-6)
        return helpful >= Double(limit) ? limit : max(min(processors, limit), Int(helpful))
    }
}
