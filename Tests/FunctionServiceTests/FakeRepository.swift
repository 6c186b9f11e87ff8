import FunctionModel
import FunctionStorage
import Synchronization

/// A repository in memory whose changes, stamps and feed the test decides.
final class FakeRepository: FunctionRepository {
    final class Feed: ChangeFeed {
        private let pending = Mutex(StoredChanges.none)

        func report(_ changes: StoredChanges) { pending.withLock { $0 = changes } }

        func poll() -> StoredChanges {
            pending.withLock { pending in
                let changes = pending
                pending = .none
                return changes
            }
        }
    }

    private struct State {
        var functions: [FunctionID: (function: Function, stamp: String?)] = [:]
        /// Why a function cannot be used.
        var broken: [FunctionID: (reason: String, hasState: Bool)] = [:]
        var loads = 0
        var stamps = 0
        var feeds: [Feed] = []
        var hasFeed = true
        var isHeld = false
        var held: [CheckedContinuation<Void, Never>] = []
        var imports: [String: [String]] = [:]
        var versions: [FunctionID: [Function]] = [:]
        var aliases: [FunctionID: [FunctionAlias]] = [:]
    }

    private let state = Mutex(State())

    var loads: Int { state.withLock { $0.loads } }
    var stamps: Int { state.withLock { $0.stamps } }
    var feeds: [Feed] { state.withLock { $0.feeds } }
    var heldCount: Int { state.withLock { $0.held.count } }

    func learnedImports() async throws -> [String: [String]] { state.withLock { $0.imports } }

    func saveLearnedImports(_ names: [String]?, of revision: String) async throws {
        state.withLock { $0.imports[revision] = names }
    }

    /// Whether there is a feed from the next attempt on.
    func setFeed(_ hasFeed: Bool) { state.withLock { $0.hasFeed = hasFeed } }

    /// Loads wait after they have read, until they are let go.
    func hold() { state.withLock { $0.isHeld = true } }

    func letGo() {
        let held = state.withLock { state in
            let held = state.held
            state.held = []
            state.isHeld = false
            return held
        }
        for load in held { load.resume() }
    }

    /// - Parameter stamp: nil: too young for one.
    @discardableResult
    func set(_ id: FunctionID, _ source: String, stamp: String?) -> Function {
        let function = Function(id: id, definition: FunctionDefinition(language: .javaScript, sourceCode: source))
        state.withLock {
            $0.functions[id] = (function, stamp)
            $0.broken[id] = nil
        }
        return function
    }

    /// A stored function that cannot be used.
    /// - Parameter hasState: whether that is because of what is stored.
    func setBroken(_ id: FunctionID, _ reason: String, stamp: String?, hasState: Bool = true) {
        set(id, "", stamp: stamp)
        state.withLock { $0.broken[id] = (reason, hasState) }
    }

    func load(_ id: FunctionID) async throws -> LoadedFunction {
        let (entry, broken, isHeld) = state.withLock { state in
            state.loads += 1
            return (state.functions[id], state.broken[id], state.isHeld)
        }
        if isHeld { await withCheckedContinuation { load in state.withLock { $0.held.append(load) } } }
        guard let entry else { throw FunctionNotFound(id: id.text) }
        let stamp = entry.stamp.map { FunctionStamp($0) }
        if let broken {
            throw BrokenFunction(
                path: location(of: id), reason: broken.reason,
                state: broken.hasState ? .init(stamp: stamp, isWatched: true) : nil)
        }
        return LoadedFunction(
            function: entry.function, stamp: stamp, isWatched: true)
    }

    func stamp(of id: FunctionID) async throws -> FunctionStamp? {
        state.withLock { state in
            state.stamps += 1
            return state.functions[id].map { FunctionStamp($0.stamp ?? "young") }
        }
    }

    func openChangeFeed() async -> (any ChangeFeed)? {
        state.withLock { state in
            guard state.hasFeed else { return nil }
            let feed = Feed()
            state.feeds.append(feed)
            return feed
        }
    }

    @discardableResult
    func save(_ function: Function, _ change: FunctionChange) async throws -> FunctionVersion {
        state.withLock { state in
            state.functions[function.id] = (function, "\(function.revision)")
            state.versions[function.id, default: []].append(function)
            return Self.version(function, state.versions[function.id]?.count ?? 0)
        }
    }
    func list(after: FunctionID?, limit: Int?) async throws -> FunctionList {
        FunctionList(functions: state.withLock { $0.functions.values.map(\.function) }.sorted { $0.id < $1.id })
    }
    func load(_ id: FunctionID, version: Int) async throws -> Function {
        let versions = state.withLock { state in
            state.loads += 1
            return state.versions[id] ?? []
        }
        guard versions.indices.contains(version - 1) else {
            throw VersionNotFound(function: id, version: .number(version))
        }
        return versions[version - 1]
    }
    func versions(of id: FunctionID) async throws -> [FunctionVersion] {
        state.withLock { $0.versions[id] ?? [] }.enumerated().map { Self.version($1, $0 + 1) }.reversed()
    }
    func knownVersions(of id: FunctionID) async throws -> [FunctionVersion] { try await versions(of: id) }
    func rollBack(_ id: FunctionID, to version: Int?, _ change: FunctionChange) async throws -> FunctionVersion {
        throw InvalidRequest("not here")
    }
    func aliases(of id: FunctionID) async throws -> [FunctionAlias] { state.withLock { $0.aliases[id] ?? [] } }
    func setAlias(_ alias: FunctionAlias, of id: FunctionID) async throws {
        state.withLock { state in
            state.aliases[id, default: []].removeAll { $0.name == alias.name }
            state.aliases[id, default: []].append(alias)
        }
    }
    func removeAlias(_ name: String, of id: FunctionID) async throws {
        state.withLock { $0.aliases[id, default: []].removeAll { $0.name == name } }
    }
    func delete(_ id: FunctionID, _ change: FunctionChange) async throws {
        if state.withLock({ $0.functions.removeValue(forKey: id) }) == nil { throw FunctionNotFound(id: id.text) }
    }

    private static func version(_ function: Function, _ number: Int) -> FunctionVersion {
        FunctionVersion(
            function: function.id, number: number, revision: function.revision, createdAt: 0, size: 1, author: "",
            isCurrent: true)
    }
    var location: String { "memory" }
    func location(of id: FunctionID) -> String { "memory/\(id)" }
    func exists() async -> Bool { true }
}

/// An artifact store without artifacts.
struct NoArtifacts: ArtifactStore {
    var location: String { "nowhere" }
    func path(of name: String) -> String? { nil }
    func make(_ name: String, fill: @Sendable (String) async throws -> Void) async throws {}
    func make(naming fill: @Sendable (String) async throws -> String) async throws -> String { try await fill("") }
    func unused(except needed: Set<String>, unusedForSeconds: Int) async throws -> [UnusedArtifact] { [] }
    func remove(_ artifact: UnusedArtifact) async throws {}
}
