import Synchronization

/// Bytes of host memory that bodies, queued events, frames, log lines and caches share.
///
/// Each holder reserves before it allocates and releases what it reserved. A holder that is refused reports an error;
/// it never waits. Reserving costs one atomic operation.
public final class ByteBudget: Sendable {
    /// The most that may be reserved at once, in bytes.
    public let limit: Int
    private let reserved = Atomic<Int>(0)

    public init(limit: Int) { self.limit = max(0, limit) }

    /// Bytes reserved at this moment.
    public var used: Int { reserved.load(ordering: .relaxed) }

    /// Reserves `bytes` if they fit. Returns false, and reserves nothing, if they do not.
    public func reserve(_ bytes: Int) -> Bool {
        guard bytes > 0 else { return true }
        let (_, now) = reserved.wrappingAdd(bytes, ordering: .relaxed)
        if now <= limit, now > 0 { return true }
        reserved.wrappingSubtract(bytes, ordering: .relaxed)
        return false
    }

    /// Gives back what ``reserve(_:)`` granted.
    public func release(_ bytes: Int) {
        guard bytes > 0 else { return }
        reserved.wrappingSubtract(bytes, ordering: .relaxed)
    }
}
