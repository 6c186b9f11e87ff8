import FunctionModel

/// One version of a stored function. It never changes.
public struct FunctionVersion: Equatable, Sendable {
    public let function: FunctionID
    /// From 1 on. A number is not used again.
    public let number: Int
    public let revision: String
    /// Milliseconds since 1970.
    public let createdAt: Int64
    /// Bytes of the stored form.
    public let size: Int
    /// Who made it: what the caller's ``FunctionChange`` said, or ``fileAuthor``.
    public let author: String
    public var isCurrent: Bool

    /// The author of versions that were written by other means than the repository.
    public static let fileAuthor = "file"

    public init(
        function: FunctionID, number: Int, revision: String, createdAt: Int64, size: Int, author: String,
        isCurrent: Bool
    ) {
        self.function = function
        self.number = number
        self.revision = revision
        self.createdAt = createdAt
        self.size = size
        self.author = author
        self.isCurrent = isCurrent
    }
}

/// A name that leads to a version, and for a share of the calls to another one.
public struct FunctionAlias: Equatable, Sendable {
    /// A version that gets a share of the calls.
    public struct Canary: Equatable, Sendable {
        public let version: Int
        /// From 0 to 100.
        public let percent: Double

        public init(version: Int, percent: Double) {
            self.version = version
            self.percent = percent
        }
    }

    public let name: String
    public let version: Int
    public let canary: Canary?

    /// The most that a function may have.
    public static let maximumCount = 100

    /// - Throws: `InvalidRequest` if the name or the share cannot be used.
    public init(name: String, version: Int, canary: Canary? = nil) throws(InvalidRequest) {
        guard FunctionQualifier.isAlias(name) else {
            throw InvalidRequest(
                "Invalid alias \(quoted(name)): use at most \(FunctionQualifier.maximumAliasLength) letters, digits, '_' "
                    + "and '-', and begin with a letter.")
        }
        if let canary, !(canary.percent >= 0 && canary.percent <= 100) {
            throw InvalidRequest("The share of calls must be from 0 to 100 percent, not \(canary.percent).")
        }
        self.name = name
        self.version = version
        self.canary = canary
    }

    /// The version for one call.
    /// - Parameter random: from 0 up to 1, equally distributed.
    public func version(random: Double) -> Int {
        guard let canary, random * 100 < canary.percent else { return version }
        return canary.version
    }
}

/// What a change of a function says beside the function.
public struct FunctionChange: Sendable {
    /// A note of who makes it.
    public var author: String
    /// The change is made only if the stored function is in this state.
    public var precondition: FunctionPrecondition

    public init(author: String = "", precondition: FunctionPrecondition = .none) {
        self.author = author
        self.precondition = precondition
    }
}

/// The state in which a change expects a function.
public enum FunctionPrecondition: Equatable, Sendable {
    /// Any, or not stored.
    case none
    /// Not stored.
    case absent
    /// Stored.
    case present
    /// One of these revisions.
    case revisions(Set<String>)

    /// - Parameter revision: of the stored function; nil: it cannot be read.
    /// - Throws: `FunctionExists` or `PreconditionFailed`.
    package func check(_ id: FunctionID, isStored: Bool, revision: String?) throws {
        switch self {
        case .none: break
        case .absent: if isStored { throw FunctionExists(id: id) }
        case .present: if !isStored { throw PreconditionFailed(id: id, revision: nil) }
        case .revisions(let expected):
            guard let revision, expected.contains(revision) else {
                throw PreconditionFailed(id: id, revision: revision)
            }
        }
    }
}

/// Which versions stay. The current version and those that an alias leads to always do.
public struct VersionRetention: Equatable, Sendable {
    /// The newest so many. Default: 50.
    public var maximumCount = 50
    /// Versions that are older go. Default: 90 days.
    public var maximumAgeDays = 90
    /// The newest so many stay at any age. Default: 5.
    public var minimumCount = 5

    public init() {}

    /// - Parameters:
    ///   - versions: the newest first.
    ///   - now: milliseconds since 1970.
    /// - Returns: the numbers of those that go.
    package func superfluous(_ versions: [FunctionVersion], kept: Set<Int>, now: Int64) -> [Int] {
        let oldest = now - Int64(maximumAgeDays) * 86_400_000
        return versions.enumerated().filter { index, version in
            guard !version.isCurrent, !kept.contains(version.number), index >= minimumCount else { return false }
            return index >= maximumCount || version.createdAt < oldest
        }.map(\.element.number)
    }
}

/// What is known of a stored function beside its content.
public struct FunctionFacts: Equatable, Sendable {
    /// When its current version was made, or else its file was written: milliseconds since 1970.
    public var changedAt: Int64
    /// Bytes of the stored form.
    public let size: Int
    /// nil: no version has been made of it yet.
    public var version: Int?

    public init(changedAt: Int64, size: Int, version: Int? = nil) {
        self.changedAt = changedAt
        self.size = size
        self.version = version
    }
}
