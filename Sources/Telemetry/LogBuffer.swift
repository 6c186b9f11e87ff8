/// Log lines on their way to a descriptor: bounded in bytes, in order, with drops counted. Pure.
///
/// When a line does not fit, lines are dropped until half of the capacity is free again. Then one notice says how many
/// are missing, at the place where they are missing.
struct LogBuffer {
    let capacity: Int
    /// Makes the line that reports drops.
    private let notice: @Sendable (Int) -> [UInt8]
    private var waiting: [UInt8] = []
    /// Bytes that ``take()`` has handed out and that are not written yet. They count against the capacity.
    private(set) var unwritten = 0
    /// Lines dropped since the last notice.
    private(set) var dropped = 0

    init(capacity: Int, notice: @escaping @Sendable (Int) -> [UInt8]) {
        self.capacity = capacity
        self.notice = notice
    }

    /// Bytes that it holds.
    var bytes: Int { waiting.count + unwritten }

    /// Whether ``take()`` has something.
    var hasWaiting: Bool { !waiting.isEmpty }

    mutating func append(_ line: [UInt8]) {
        guard dropped == 0 || reportDrops(), bytes + line.count <= capacity else {
            dropped += 1
            return
        }
        waiting += line
    }

    /// Hands out what waits. ``wrote(_:)`` says how much of it has been written.
    mutating func take() -> [UInt8] {
        defer { waiting = [] }
        unwritten += waiting.count
        return waiting
    }

    mutating func wrote(_ count: Int) {
        unwritten -= count
        if dropped > 0 { _ = reportDrops() }
    }

    /// Appends the notice if there is room again. Returns false if there is not.
    private mutating func reportDrops() -> Bool {
        guard bytes <= capacity / 2 else { return false }
        waiting += notice(dropped)
        dropped = 0
        return true
    }
}
