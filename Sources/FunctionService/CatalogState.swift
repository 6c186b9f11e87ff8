import FunctionModel
import FunctionStorage
import HostMemory
import NIOCore

/// What ``FunctionCatalog`` knows, and what it decides. No I/O but for the feed's poll.
struct CatalogState: Sendable {
    /// A caller that waits for a function to be read.
    struct Waiter: Sendable {
        let eventLoop: any EventLoop
        let completion: FunctionCatalog.Completion
    }

    /// A read of one function, to be made off the event loop.
    struct Load: Equatable, Sendable {
        let number: UInt64
        let reference: FunctionReference
    }

    /// A comparison of an entry with its stamp, to be made off the event loop.
    struct Check: Equatable, Sendable {
        let reference: FunctionReference
        /// The load that made the entry.
        let number: UInt64
    }

    /// What a read found.
    struct Finding: Sendable {
        enum Content: Sendable {
            case function(Function)
            /// Reading it again would find the same. An object: most entries are functions.
            case broken(Broken)
            /// It leads to a version, which is an entry of its own.
            case alias(Alias)
        }

        final class Alias: Sendable {
            let alias: FunctionAlias

            init(_ alias: FunctionAlias) { self.alias = alias }
        }

        final class Broken: Sendable {
            let error: BrokenFunction

            init(_ error: BrokenFunction) { self.error = error }
        }

        let content: Content
        let stamp: FunctionStamp?
        let isWatched: Bool

        init(_ content: Content, stamp: FunctionStamp?, isWatched: Bool) {
            (self.content, self.stamp, self.isWatched) = (content, stamp, isWatched)
        }

        /// nil: the next read may find something else.
        init?(_ error: any Error) {
            guard let error = error as? BrokenFunction, let state = error.state else { return nil }
            (content, stamp, isWatched) = (.broken(Broken(error)), state.stamp, state.isWatched)
        }

        /// About how many bytes of memory it takes.
        var memoryBytes: Int {
            switch content {
            case .function(let function): function.memoryBytes
            case .alias: 512
            case .broken(let broken): 1024 + broken.error.path.utf8.count + broken.error.reason.utf8.count
            }
        }
    }

    enum Answer: Sendable {
        case known(Finding.Content, Check?)
        case waiting
        case load(Load)
        case refused
    }

    private struct Entry: Sendable {
        let number: UInt64
        let found: Finding
        var checkedAt: Int64
        var isChecking = false
    }

    private struct PendingLoad: Sendable {
        let reference: FunctionReference
        var waiters: [Waiter]
        /// What is in memory, if that has to be compared with its stamp.
        let known: Finding?
        var hasBegun = false
        /// Whether the function may have changed since the load began.
        var isStale = false
    }

    /// Requests that may wait for reads.
    static let maximumWaiters = 4096
    /// Nanoseconds between two comparisons of an entry with its stamp, and between attempts to open a feed.
    static let checkInterval: Int64 = 1_000_000_000

    private var entries: ByteCache<FunctionReference, Entry>
    /// The versions and aliases of a function that have entries, or had them: they go with each change of it.
    private var qualified: [FunctionID: Set<FunctionQualifier>] = [:]
    private var loads: [UInt64: PendingLoad] = [:]
    /// Loads that a later request may join.
    private var current: [FunctionReference: UInt64] = [:]
    private var waiterCount = 0
    private var lastNumber: UInt64 = 0
    private var reads = 0
    private var feed: (any ChangeFeed)?
    private var isOpeningFeed = false
    private var nextOpen = Int64.min

    init(memory: ByteBudget, maximumBytes: Int) {
        entries = ByteCache(limit: maximumBytes, budget: memory)
    }

    var statistics: (count: Int, bytes: Int, reads: Int) { (entries.count, entries.bytes, reads) }

    // MARK: Requests

    mutating func resolve(_ reference: FunctionReference, _ waiter: Waiter, now: Int64) -> Answer {
        let entry = entries.read(reference)
        if let entry, feed != nil, entry.found.isWatched {
            guard !entry.isChecking, now - entry.checkedAt >= Self.checkInterval else {
                return .known(entry.found.content, nil)
            }
            entries.update(reference) { $0.isChecking = true }
            return .known(entry.found.content, Check(reference: reference, number: entry.number))
        }
        guard waiterCount < Self.maximumWaiters else { return .refused }
        waiterCount += 1
        // Without a feed, a change may be complete that a load which has begun does not see.
        if let number = current[reference], let load = loads[number], !load.hasBegun || feed != nil && entry == nil {
            loads[number]?.waiters.append(waiter)
            return .waiting
        }
        lastNumber += 1
        loads[lastNumber] = PendingLoad(reference: reference, waiters: [waiter], known: entry?.found)
        current[reference] = lastNumber
        return .load(Load(number: lastNumber, reference: reference))
    }

    // MARK: Loads

    /// A load begins to read.
    /// - Returns: what is in memory, which is still right if its stamp is.
    mutating func begin(_ number: UInt64) -> Finding? {
        loads[number]?.hasBegun = true
        return loads[number]?.known
    }

    /// - Parameter found: nil: an error that is not kept.
    /// - Returns: who waited for it.
    mutating func finish(_ number: UInt64, _ found: Finding?, now: Int64) -> [Waiter] {
        reads += 1
        guard let load = loads.removeValue(forKey: number) else { return [] }
        if current[load.reference] == number { current[load.reference] = nil }
        waiterCount -= load.waiters.count
        // A load that began later has the newer content.
        let hasNewer = (entries.peek(load.reference)?.number ?? 0) > number
        guard !load.isStale, !hasNewer else { return load.waiters }
        // Without a stamp, only the feed can tell of the next change.
        if let found, found.stamp != nil || feed != nil && found.isWatched {
            insert(load.reference, Entry(number: number, found: found, checkedAt: now))
        } else {
            entries.remove(load.reference)
        }
        return load.waiters
    }

    private mutating func insert(_ reference: FunctionReference, _ entry: Entry) {
        if let version = reference.version { qualified[reference.id, default: []].insert(version) }
        entries.insert(reference, entry, bytes: entry.found.memoryBytes)
    }

    // MARK: Changes

    /// Applies what the feed reports. Called before each decision.
    mutating func applyChanges() {
        guard let feed else { return }
        switch feed.poll() {
        case .none: break
        case .functions(let ids):
            for id in ids {
                entries.remove(FunctionReference(id))
                for version in qualified.removeValue(forKey: id) ?? [] {
                    entries.remove(FunctionReference(id, version))
                }
                // Not the latest read only: an earlier one may end after it.
                for (number, load) in loads where load.reference.id == id {
                    loads[number]?.isStale = true
                    current[load.reference] = nil
                }
            }
        case .everything: forgetAll()
        case .ended: endFeed()
        }
    }

    private mutating func endFeed() {
        feed = nil
        nextOpen = .min
        forgetAll()
    }

    /// Everything may have changed: reads that are under way answer their callers, and are not kept.
    mutating func forgetAll() {
        for number in loads.keys { loads[number]?.isStale = true }
        current.removeAll()
        qualified.removeAll()
        entries.removeAll()
    }

    /// Releases everything.
    mutating func removeAll() {
        feed = nil
        entries.removeAll()
    }

    // MARK: The feed and the stamps

    /// Whether the caller should open a feed, and ``install(_:)`` it.
    mutating func shouldOpenFeed(now: Int64) -> Bool {
        guard feed == nil, !isOpeningFeed, now >= nextOpen else { return false }
        isOpeningFeed = true
        nextOpen = now &+ Self.checkInterval
        return true
    }

    mutating func install(_ feed: (any ChangeFeed)?) {
        isOpeningFeed = false
        guard let feed else { return }
        self.feed = feed
        // A change between an earlier read and now is not in this feed. Loads that have not begun are not affected.
        for (number, load) in loads where load.hasBegun {
            loads[number]?.isStale = true
            if current[load.reference] == number { current[load.reference] = nil }
        }
        qualified.removeAll()
        entries.removeAll()
    }

    mutating func finish(_ check: Check, _ stamp: FunctionStamp?, now: Int64) {
        guard var entry = entries.peek(check.reference), entry.number == check.number else { return }
        guard let expected = entry.found.stamp else {
            // It was too young for a stamp when it was read, so it is read again.
            return entries.remove(check.reference)
        }
        guard stamp == expected else {
            // The feed reported nothing: it may watch a directory that is no longer this one.
            return endFeed()
        }
        entry.checkedAt = now
        entry.isChecking = false
        // A build may have made it larger.
        if entry.found.memoryBytes == entries.size(of: check.reference) {
            entries.update(check.reference) { $0 = entry }
        } else {
            insert(check.reference, entry)
        }
    }
}
