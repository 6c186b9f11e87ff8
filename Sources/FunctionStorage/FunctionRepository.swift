import FunctionModel

/// Stores functions by id. `FileStorage` keeps them as files; another implementation may keep them in a database.
///
/// Every implementation passes the tests in Tests/StorageContractTests. Methods may be called from any task, at the
/// same time, also by other processes that use the same store.
public protocol FunctionRepository: Sendable {
    /// Stores the function in place of one with the same id. It is durable when this returns.
    /// - Throws: ``StorageFailure``, or `InvalidRequest` if the function is too large.
    func save(_ function: Function) async throws

    /// The current version of a function.
    /// - Throws: `FunctionNotFound`, ``BrokenFunction``, ``StorageFailure``, or `Overloaded` if it may be read later.
    func load(_ id: FunctionID) async throws -> LoadedFunction

    /// All functions, sorted by id. A function that cannot be used does not hide the others: it is in `broken`.
    /// - Throws: ``StorageFailure``.
    func list() async throws -> FunctionList

    /// The stored versions of a function, the current one first. An implementation that keeps only the current version
    /// lists that one.
    /// - Throws: `FunctionNotFound`, ``BrokenFunction`` or ``StorageFailure``.
    func versions(of id: FunctionID) async throws -> [Function]

    /// Removes a function, also one that cannot be used.
    /// - Throws: `FunctionNotFound` or ``StorageFailure``.
    func delete(_ id: FunctionID) async throws

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

/// A function as it was read, and what is needed to notice a change.
public struct LoadedFunction: Sendable {
    public package(set) var function: Function
    /// nil if the function was stored so recently that a further change might have the same stamp.
    public let stamp: FunctionStamp?
    /// Whether a ``ChangeFeed`` reports changes of this function. It does not for a file that is a link, for example.
    public let isWatched: Bool

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
