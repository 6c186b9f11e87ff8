import FunctionModel

/// The file of a stored function is there but cannot be used.
public struct BrokenFunction: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .host }
    public let path: String
    /// A phrase, with line and column where they help.
    public let reason: String
    /// The state that cannot be used. nil: the reason is another one than the stored content, so the next attempt may
    /// succeed without a change of it.
    public let state: State?

    /// What is needed to notice a change, as in ``LoadedFunction``.
    public struct State: Sendable {
        public let stamp: FunctionStamp?
        public let isWatched: Bool

        public init(stamp: FunctionStamp?, isWatched: Bool) {
            self.stamp = stamp
            self.isWatched = isWatched
        }
    }

    public init(path: String, reason: String, state: State? = nil) {
        self.path = path
        self.reason = reason
        self.state = state
    }

    public static func == (left: Self, right: Self) -> Bool { left.path == right.path && left.reason == right.reason }

    public var message: String { "The stored function \(quoted(path)) cannot be used: \(reason)" }
}

/// The data directory could not be read or written.
public struct StorageFailure: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .host }
    public let path: String
    /// What the system said, for example `fsync: No space left on device`.
    public let reason: String
    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }
    public var message: String { "The data directory cannot be used: \(quoted(path)): \(reason)" }
}

/// A later version of this program has written the data directory.
public struct NewerDataDirectory: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .host }
    public let path: String
    /// The format of the directory, and the latest that this program knows.
    public let format: Int
    public let supported: Int

    public init(path: String, format: Int, supported: Int) {
        (self.path, self.format, self.supported) = (path, format, supported)
    }

    public var message: String {
        "The data directory \(quoted(path)) has format \(format), and this program knows formats up to \(supported): "
            + "use the version of faas that wrote it, or a later one."
    }
}
