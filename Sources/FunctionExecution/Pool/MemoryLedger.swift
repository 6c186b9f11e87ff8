/// What memory has been promised to workers, in bytes.
///
/// A worker that starts or serves has all that its function may use promised to it; an idle one what it is known to
/// have. The memory of idle workers can be had by ending them.
struct MemoryLedger: Equatable, Sendable {
    /// The most that may be promised.
    let limit: Int
    private(set) var promised = 0
    private(set) var promisedToIdle = 0

    init(limit: Int) { self.limit = limit }

    /// Whether so many more bytes can be promised now.
    func fits(_ bytes: Int) -> Bool { promised <= limit - bytes }

    /// Whether they could be promised if every idle worker ended.
    func couldFit(_ bytes: Int) -> Bool { promised - promisedToIdle <= limit - bytes }

    mutating func promise(_ bytes: Int) { promised += bytes }

    mutating func release(_ bytes: Int) { promised -= bytes }

    /// A promise of `bytes` is an idle worker's from now on.
    mutating func lendToIdle(_ bytes: Int) { promisedToIdle += bytes }

    /// A promise of `bytes` is no longer an idle worker's.
    mutating func takeFromIdle(_ bytes: Int) { promisedToIdle -= bytes }
}
