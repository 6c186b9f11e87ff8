import DequeModule

/// A queue that is cleaned lazily: it holds every live entry in order and may hold stale ones.
///
/// An entry goes stale without the queue being told, which would cost a search. Reading checks the entries at the
/// front and drops the stale ones.
struct LazyQueue<Entry: Hashable & Sendable>: Sendable {
    private var entries: Deque<Entry> = []
    /// Entries that ``insert(_:)`` has added and that are still here.
    private var inserted: Set<Entry> = []

    var count: Int { entries.count }

    /// All entries in order, stale ones too.
    var all: some Sequence<Entry> { entries }

    /// Adds an entry that is not here yet, by its nature.
    mutating func append(_ entry: Entry) { entries.append(entry) }

    /// Adds an entry unless it is here.
    mutating func insert(_ entry: Entry) {
        if inserted.insert(entry).inserted { entries.append(entry) }
    }

    /// The first live entry, which stays. Stale ones before it are dropped.
    mutating func first(where isLive: (Entry) -> Bool) -> Entry? {
        while let entry = entries.first {
            if isLive(entry) { return entry }
            removeFirst()
        }
        return nil
    }

    /// Drops the first entry, if there is one.
    mutating func removeFirst() {
        guard let entry = entries.popFirst(), !inserted.isEmpty else { return }
        inserted.remove(entry)
    }

    /// Drops an entry wherever it is. Costs a search if ``insert(_:)`` added it.
    mutating func remove(_ entry: Entry) {
        if inserted.remove(entry) != nil { entries.removeAll { $0 == entry } }
    }

    /// Drops all stale entries if they are more than the live ones by far. Keeps the queue from growing forever.
    mutating func clean(live: Int, where isLive: (Entry) -> Bool) {
        if entries.count > 2 * live + 64 { entries = Deque(entries.filter(isLive)) }
    }
}
