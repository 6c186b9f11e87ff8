import FunctionModel

/// Stores functions by id. `FileStorage` keeps them as files; another implementation may keep them in a database.
///
/// Every implementation passes the tests in Tests/StorageContractTests. Methods may be called from any task, at the
/// same time, also by other processes that use the same store.
public protocol FunctionRepository: Sendable {
    /// Stores the function as a new version, which becomes the current one. It is durable when this returns. A function
    /// that equals the current version makes none.
    /// - Returns: the current version now.
    /// - Throws: ``StorageFailure``, `InvalidRequest` if the function is too large, and what the precondition of the
    ///   change throws.
    @discardableResult
    func save(_ function: Function, _ change: FunctionChange) async throws -> FunctionVersion

    /// The current version of a function.
    /// - Throws: `FunctionNotFound`, ``BrokenFunction``, ``StorageFailure``, or `Overloaded` if it may be read later.
    func load(_ id: FunctionID) async throws -> LoadedFunction

    /// One version of a function, current or not.
    /// - Throws: `FunctionNotFound`, `VersionNotFound`, ``BrokenFunction`` or ``StorageFailure``.
    func load(_ id: FunctionID, version: Int) async throws -> Function

    /// Functions, sorted by id. A function that cannot be used does not hide the others: it is in `broken`.
    /// - Parameters:
    ///   - after: only functions behind this one in the order of ids; nil: from the first.
    ///   - limit: at most so many, those that cannot be used included; nil: all.
    /// - Throws: ``StorageFailure``.
    func list(after: FunctionID?, limit: Int?) async throws -> FunctionList

    /// The stored versions of a function, the newest first. One of them is the current one, unless that cannot be used.
    /// A function that was stored by other means than ``save(_:_:)`` becomes a version.
    /// - Throws: `FunctionNotFound` or ``StorageFailure``.
    func versions(of id: FunctionID) async throws -> [FunctionVersion]

    /// The same without making a version: of a function that was stored by other means, the versions that there were
    /// before. None if there is no such function.
    /// - Throws: ``StorageFailure``.
    func knownVersions(of id: FunctionID) async throws -> [FunctionVersion]

    /// Makes an earlier version the current one. No version is made or lost.
    /// - Parameter version: nil: the newest one before the current one; if that cannot be used, the version that was
    ///   current last.
    /// - Returns: the current version now.
    /// - Throws: as ``save(_:_:)``, `FunctionNotFound`, `VersionNotFound`, ``BrokenFunction``; `InvalidRequest` if there
    ///   is no earlier version.
    @discardableResult
    func rollBack(_ id: FunctionID, to version: Int?, _ change: FunctionChange) async throws -> FunctionVersion

    /// The aliases of a function, sorted by name.
    /// - Throws: `FunctionNotFound` or ``StorageFailure``.
    func aliases(of id: FunctionID) async throws -> [FunctionAlias]

    /// Stores the alias in place of one with the same name. A ``ChangeFeed`` reports it as a change of the function.
    /// - Throws: `FunctionNotFound`, ``StorageFailure``, `VersionNotFound` if it leads to a version that is not there,
    ///   `InvalidRequest` if there are too many.
    func setAlias(_ alias: FunctionAlias, of id: FunctionID) async throws

    /// - Throws: `FunctionNotFound`, `VersionNotFound` if there is no such alias, or ``StorageFailure``.
    func removeAlias(_ name: String, of id: FunctionID) async throws

    /// Removes a function with its versions and aliases, also one that cannot be used.
    /// - Throws: `FunctionNotFound`, ``StorageFailure``, and what the precondition of the change throws.
    func delete(_ id: FunctionID, _ change: FunctionChange) async throws

    /// The state of a stored function, without reading it; nil if there is no such function.
    /// - Throws: ``StorageFailure``.
    func stamp(of id: FunctionID) async throws -> FunctionStamp?

    /// What workers of stored functions have learned to import: names of modules, by revision. A hint, which may be
    /// lost, and which any program may have written.
    /// - Throws: ``StorageFailure``.
    func learnedImports() async throws -> [String: [String]]

    /// Stores what workers of this revision have learned. nil: forgets it.
    /// - Throws: ``StorageFailure``.
    func saveLearnedImports(_ names: [String]?, of revision: String) async throws

    /// Begins to watch for changes, by this process or another.
    /// - Returns: nil if changes cannot be watched, for example because the store does not exist yet. Callers compare
    ///   stamps then.
    func openChangeFeed() async -> (any ChangeFeed)?

    /// Where the functions are, for messages: a directory or an address.
    var location: String { get }

    /// Where one function is, for messages.
    func location(of id: FunctionID) -> String

    /// Whether the store is there. One that is not has no functions, and the first ``save(_:)`` makes it.
    func exists() async -> Bool
}

extension FunctionRepository {
    /// The same without a precondition, and without a note of who made the change.
    @discardableResult
    public func save(_ function: Function) async throws -> FunctionVersion {
        try await save(function, FunctionChange())
    }

    /// All functions.
    public func list() async throws -> FunctionList { try await list(after: nil, limit: nil) }

    public func delete(_ id: FunctionID) async throws { try await delete(id, FunctionChange()) }
}

/// A function as it was read, and what is needed to notice a change.
public struct LoadedFunction: Sendable {
    public let function: Function
    /// nil if the function was stored so recently that a further change might have the same stamp.
    public let stamp: FunctionStamp?
    /// Whether a ``ChangeFeed`` reports changes of this function. It does not for a file that is a link, for example.
    public let isWatched: Bool
    /// nil: the implementation does not know.
    public var facts: FunctionFacts?

    public init(function: Function, stamp: FunctionStamp?, isWatched: Bool) {
        self.function = function
        self.stamp = stamp
        self.isWatched = isWatched
    }
}

/// Identifies one state of a stored function. Two states have different stamps.
public struct FunctionStamp: Hashable, Sendable {
    private let text: String

    /// - Parameter text: what an implementation compares, for example the fields of a file's status.
    public init(_ text: String) { self.text = text }
}

/// What a repository holds.
public struct FunctionList: Sendable {
    public var functions: [Function]
    public var broken: [BrokenFunction]
    /// When each function was stored, and how large it is. Empty: the implementation does not know.
    public var facts: [FunctionID: FunctionFacts] = [:]
    /// Whether there are functions behind ``last``.
    public var hasMore = false
    /// The last id that was looked at: of a function, or of one that cannot be used.
    public var last: FunctionID?

    public init(functions: [Function] = [], broken: [BrokenFunction] = []) {
        self.functions = functions
        self.broken = broken
    }
}

/// Reports which stored functions have changed.
///
/// One owner polls it, under a lock of its own: calls never overlap.
public protocol ChangeFeed: AnyObject, Sendable {
    /// The changes since the last call. It runs on event loops: it must not block, and makes one cheap system call at
    /// most. A change that was complete before the call is in the result.
    func poll() -> StoredChanges
}

/// What a ``ChangeFeed`` reports.
public enum StoredChanges: Equatable, Sendable {
    case none
    /// These functions were saved or deleted.
    case functions(Set<FunctionID>)
    /// Any function may have changed: the feed lost events. It goes on reporting.
    case everything
    /// The store was removed or replaced. This feed reports nothing more: open another one.
    case ended
}
