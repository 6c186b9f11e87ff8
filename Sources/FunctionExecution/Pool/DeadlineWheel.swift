import Synchronization

/// Invocations by deadline, in buckets of a few milliseconds: adding and removing are as cheap as a dictionary's, and
/// one timer serves all. Pure but for its lock; whoever owns it says what time it is.
final class DeadlineWheel: Sendable {
    /// Nanoseconds of one bucket, which is how late an expiry may be noticed, plus the timer's own delay.
    static let bucketWidth: Int64 = 5_000_000

    private struct State {
        var buckets: [Int64: [UInt64: Invocation]] = [:]
        var count = 0
    }

    private let state = Mutex(State())

    private static func bucket(_ deadline: Int64) -> Int64 { deadline / bucketWidth }

    /// Returns true if this is the only entry, so that a timer is needed.
    func add(_ invocation: Invocation, deadline: Int64) -> Bool {
        state.withLock { state in
            state.buckets[Self.bucket(deadline), default: [:]][invocation.id] = invocation
            state.count += 1
            return state.count == 1
        }
    }

    func remove(_ invocation: Invocation) {
        guard let deadline = invocation.deadline else { return }
        state.withLock { state in
            let bucket = Self.bucket(deadline)
            guard state.buckets[bucket]?.removeValue(forKey: invocation.id) != nil else { return }
            state.count -= 1
            if state.buckets[bucket]!.isEmpty { state.buckets[bucket] = nil }
        }
    }

    var isEmpty: Bool { state.withLock { $0.count == 0 } }

    /// Takes out what is due at `now`. `isEmpty`: nothing is left to wait for.
    func takeExpired(now: Int64) -> (expired: [Invocation], isEmpty: Bool) {
        state.withLock { state in
            var expired: [Invocation] = []
            for bucket in state.buckets.keys where bucket <= Self.bucket(now) {
                let due = state.buckets[bucket]!.filter { $0.value.deadline! <= now }
                for id in due.keys { state.buckets[bucket]![id] = nil }
                if state.buckets[bucket]!.isEmpty { state.buckets[bucket] = nil }
                state.count -= due.count
                expired += due.values
            }
            return (expired, state.count == 0)
        }
    }
}
