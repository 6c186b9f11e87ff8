import SystemCalls

/// Leaves processors to the host while it is busy.
///
/// A short call costs the host about as much as the worker. The kernel tends to wake a worker on the processor where
/// the host's event loop runs: the two take turns there while another processor is idle, and each finds the caches full
/// of the other's memory. So workers that make short calls stay off as many processors as the host uses, at most half
/// of them. The host itself is not bound. docs/decisions/0021-processors-for-the-host.md has what was measured.
struct HostProcessors {
    /// The processors that this process may use, the smallest number first.
    private let all: [Int]
    /// How many of them are the host's, as of the last ``look(now:used:)``.
    private(set) var count = 0
    private var lastLook: (now: Int64, used: Int64)?

    private static let interval: Int64 = 50_000_000

    /// - Parameter all: the processors that this process may use; nil: not known, and none is left to the host.
    init(all: ProcessorSet?) { self.all = all?.numbers ?? [] }

    /// The processors of workers that leave the others to the host. Interrupts are mostly handled on the first ones.
    func ofWorkers(leaving count: Int) -> ProcessorSet { ProcessorSet(Array(all.dropFirst(count))) }

    /// Measures the host, at most every 50 ms.
    ///
    /// - Parameters:
    ///   - now: nanoseconds of the monotonic clock.
    ///   - used: processor time of this process so far, in nanoseconds.
    mutating func look(now: Int64, used: Int64) {
        guard let last = lastLook else {
            lastLook = (now, used)
            return
        }
        let passed = now - last.now
        guard passed >= Self.interval else { return }
        let percent = Int((used - last.used) * 100 / passed)
        lastLook = (now, used)
        // The two limits differ, because the binding changes what is measured.
        while count < all.count / 2, percent > 100 * count + 60 { count += 1 }
        while count > 0, percent < 100 * (count - 1) + 45 { count -= 1 }
    }
}
