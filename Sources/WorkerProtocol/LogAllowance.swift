/// How much may still be logged. The worker stops sending lines when it is exceeded; the host checks that the worker did.
public struct LogAllowance: Sendable {
    private var left: Int

    public init(bytes: Int) { left = max(0, bytes) }

    /// What a host accepts from one `ready` frame to the next: more than an honest worker with this limit sends.
    ///
    /// An honest worker may exceed its limit by one line. Lines of a call and lines of loading the function again after
    /// it may come between two `ready` frames, so this is twice that.
    public init(toleratedFor limit: Int) {
        left = 2 * (min(max(0, limit), 1 << 60) + Self.cost(textLength: LogMessage.longestText))
    }

    /// What a line counts toward a limit, in bytes. Keeping a line costs memory even if it is empty.
    public static func cost(textLength: Int) -> Int { max(64, textLength + 1) }

    public var isExceeded: Bool { left < 0 }

    public mutating func take(textLength: Int) {
        if !isExceeded { left -= Self.cost(textLength: textLength) }
    }
}
