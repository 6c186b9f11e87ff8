import NIOCore

/// Entries by deadline, in buckets of a few milliseconds. Pure: the owner says what time it is, and guards it.
///
/// Adding and removing cost two dictionary operations each, whatever the number of entries.
struct DeadlineQueue<Entry: Sendable>: Sendable {
    /// The width of a bucket in nanoseconds.
    static var bucketWidth: Int64 { 5_000_000 }

    private var buckets: [Int64: [UInt64: (deadline: Int64, entry: Entry)]] = [:]
    private var isTimerRunning = false

    var isEmpty: Bool { buckets.isEmpty }

    private static func bucket(_ deadline: Int64) -> Int64 { deadline / bucketWidth }

    /// - Parameter id: names the entry; no two entries have the same.
    /// - Returns: whether the owner has to start its timer. The queue takes it as running from then on.
    mutating func add(_ id: UInt64, _ entry: Entry, deadline: Int64) -> Bool {
        buckets[Self.bucket(deadline), default: [:]][id] = (deadline, entry)
        defer { isTimerRunning = true }
        return !isTimerRunning
    }

    /// Does nothing if there is no such entry.
    mutating func remove(_ id: UInt64, deadline: Int64) {
        let bucket = Self.bucket(deadline)
        guard let index = buckets.index(forKey: bucket) else { return }
        buckets.values[index][id] = nil
        if buckets.values[index].isEmpty { buckets.remove(at: index) }
    }

    /// Takes out what is due.
    ///
    /// - Returns: `mustGoOn`: whether entries are left. If not, the queue takes the timer as stopped.
    mutating func takeDue(now: Int64) -> (due: [Entry], mustGoOn: Bool) {
        var due: [Entry] = []
        for bucket in buckets.keys where bucket <= Self.bucket(now) {
            let (over, left) = (buckets[bucket] ?? [:]).reduce(into: ([Entry](), [UInt64: (Int64, Entry)]())) {
                if $1.value.deadline <= now { $0.0.append($1.value.entry) } else { $0.1[$1.key] = $1.value }
            }
            due += over
            buckets[bucket] = left.isEmpty ? nil : left
        }
        isTimerRunning = !buckets.isEmpty
        return (due, isTimerRunning)
    }
}

/// Looks for passed deadlines every few milliseconds while there are any. Owns the timer.
///
/// The entries are in a ``DeadlineQueue`` that the pool guards with its own lock, so that a deadline costs an invocation
/// no lock of its own.
final class Deadlines: Sendable {
    /// Runs the closure once, so many nanoseconds from now.
    typealias Scheduler = @Sendable (_ delay: Int64, _ body: @escaping @Sendable () -> Void) -> Void

    private let schedule: Scheduler
    private let now: @Sendable () -> Int64

    init(schedule: @escaping Scheduler, now: @escaping @Sendable () -> Int64) {
        self.schedule = schedule
        self.now = now
    }

    /// A timer on one event loop.
    convenience init(on eventLoop: any EventLoop, now: @escaping @Sendable () -> Int64) {
        self.init(
            schedule: { delay, body in eventLoop.scheduleTask(in: .nanoseconds(delay)) { body() } }, now: now)
    }

    /// Starts the timer. Called when ``DeadlineQueue/add(_:_:deadline:)`` asks for it.
    ///
    /// - Parameter expire: ends what is due; returns whether to look again.
    func start(_ expire: @escaping @Sendable (_ now: Int64) -> Bool) {
        schedule(DeadlineQueue<Never>.bucketWidth) { [self] in
            if expire(now()) { start(expire) }
        }
    }
}
