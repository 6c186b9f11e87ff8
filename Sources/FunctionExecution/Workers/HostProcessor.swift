import SystemCalls

/// Leaves one of two processors to the host while it has much to do.
///
/// A short call costs the host as much as the worker. By itself the kernel lets a worker take turns with the host on
/// one processor, for as long as the load lasts, while the other has nothing to do for a quarter of the time; and each
/// finds its caches full of the other's memory. On more processors that is not known to happen, and with one there is
/// no choice.
struct HostProcessor {
    /// Where workers run that leave the host its processor; nil: nowhere, they never do.
    let others: ProcessorSet?
    let all: ProcessorSet?
    /// Whether workers are to leave it. As of the last ``look(now:used:)``.
    private(set) var isNeeded = false
    private var lastLook: (now: Int64, used: Int64)?

    private static let interval: Int64 = 50_000_000

    /// - Parameter all: where this process may run.
    init(all: ProcessorSet?) {
        self.all = all
        // The host is free to choose; interrupts are mostly handled on the first.
        others = all.flatMap { $0.numbers.count == 2 ? ProcessorSet([$0.numbers[1]]) : nil }
    }

    /// - Parameters:
    ///   - now: nanoseconds of the monotonic clock.
    ///   - used: processor time of this process so far, in nanoseconds.
    mutating func look(now: Int64, used: Int64) {
        guard let last = lastLook else {
            lastLook = (now, used)
            return
        }
        let passed = now - last.now
        guard others != nil, passed >= Self.interval else { return }
        let percent = (used - last.used) * 100 / passed
        // Between the two it stays as it is: it changes what it depends on.
        if percent > 60 { isNeeded = true }
        if percent < 45 { isNeeded = false }
        lastLook = (now, used)
    }
}
