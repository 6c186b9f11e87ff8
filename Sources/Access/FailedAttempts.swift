/// How often callers have failed to show a token lately, by address, and how long the next refusal waits.
///
/// Pure: time is given. A refusal that comes late slows down a client that guesses, and hides how long the host looked
/// for the function. A caller with a valid token is not affected, whatever its address.
struct FailedAttempts: Sendable {
    struct Verdict: Equatable, Sendable {
        /// Milliseconds from the request to its refusal.
        let delayMillis: Int64
        /// Attempts of this address so far, if this one is worth a line in the log: the first, tenth, hundredth and so on.
        let loggedCount: Int?
    }

    private struct Entry: Sendable {
        /// Leaks away, one each second.
        var level: Int64
        var updatedAt: Int64
        var count = 0
        var nextLoggedCount = 1

        func leaked(_ now: Int64) -> Int64 {
            // A clock may be set back.
            guard now > updatedAt else { return level }
            let (seconds, isLarge) = now.subtractingReportingOverflow(updatedAt)
            return isLarge ? 0 : max(0, level - seconds)
        }
    }

    /// Addresses that are remembered. Those beyond share one entry.
    static let maximumAddresses = 4096
    static let delayMillis: Int64 = 100
    static let maximumDelayMillis: Int64 = 3200
    /// The delay doubles with each of these.
    private static let step: Int64 = 10

    private var entries: [IPAddress: Entry] = [:]
    private var others = Entry(level: 0, updatedAt: 0)
    private var sweptAt = Int64.min

    var addressCount: Int { entries.count }

    /// - Parameters:
    ///   - address: nil: it is not known.
    ///   - now: seconds, by any clock that does not go back.
    mutating func failed(_ address: IPAddress?, now: Int64) -> Verdict {
        guard let network = address?.network, makePlace(for: network, now: now) else {
            return Self.failed(&others, now: now)
        }
        return Self.failed(&entries[network, default: Entry(level: 0, updatedAt: now)], now: now)
    }

    private static func failed(_ entry: inout Entry, now: Int64) -> Verdict {
        entry.level = entry.leaked(now)
        entry.updatedAt = now
        let delay = min(maximumDelayMillis, delayMillis << min(10, entry.level / step))
        // More than this would only take longer to leak away.
        entry.level = min(entry.level + 1, 10 * step)
        entry.count += 1
        guard entry.count >= entry.nextLoggedCount else { return Verdict(delayMillis: delay, loggedCount: nil) }
        entry.nextLoggedCount = entry.nextLoggedCount.multipliedReportingOverflow(by: 10).partialValue
        return Verdict(delayMillis: delay, loggedCount: entry.count)
    }

    private mutating func makePlace(for network: IPAddress, now: Int64) -> Bool {
        if entries.count < Self.maximumAddresses || entries[network] != nil { return true }
        // At most once a second: it looks at all of them.
        guard now > sweptAt else { return false }
        sweptAt = now
        entries = entries.filter { $0.value.leaked(now) > 0 }
        return entries.count < Self.maximumAddresses
    }
}
