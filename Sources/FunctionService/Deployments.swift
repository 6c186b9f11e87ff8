import Builds
import FunctionExecution
import FunctionModel
import FunctionStorage

/// The use cases that need no runtime: deploy, list, versions, delete and prune.
public struct Deployments: Sendable {
    private let repository: any FunctionRepository
    private let artifacts: any ArtifactStore
    private let builds: ScriptBuilds
    private let rules: DeploymentRules

    public init(
        repository: any FunctionRepository, artifacts: any ArtifactStore, builds: ScriptBuilds,
        rules: DeploymentRules = DeploymentRules()
    ) {
        self.rules = rules
        self.repository = repository
        self.artifacts = artifacts
        self.builds = builds
    }

    /// With builds of their own, for callers that need no runtime.
    public init(
        repository: any FunctionRepository, artifacts: any ArtifactStore, rules: DeploymentRules = DeploymentRules(),
        configuration: FunctionRuntime.Configuration
    ) {
        self.init(repository: repository, artifacts: artifacts, builds: ScriptBuilds(configuration), rules: rules)
    }

    // MARK: Deploying

    /// Builds, installs and stores the function of a manifest. Modules are built now, so that an error in them is
    /// reported now and no call waits for the build.
    ///
    /// - Parameters:
    ///   - path: the manifest's file, whose folder a JavaScript project may read; nil: it has none.
    ///   - progress: told what takes long, in whole lines.
    ///   - change: who deploys it, and in which state the stored function must be.
    /// - Throws: `InvalidManifest`, `InvalidRequest`, `LoadError`, `Overloaded`, `QuotaExceeded`, ``StorageFailure``.
    public func deploy(
        _ manifest: Manifest, at path: String?, change: FunctionChange = FunctionChange(),
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> Deployment {
        // Before anything is installed or built.
        try await admit(manifest.id)
        return try await store(try await prepare(manifest, at: path, progress: progress), change)
    }

    /// Checks the quotas of clients.
    func admit(_ id: FunctionID) async throws { try await rules.admit(id) }

    /// Stores a function that is complete.
    func store(_ function: Function, _ change: FunctionChange) async throws -> Deployment {
        let version = try await repository.save(function, change)
        try await rules.record(
            .deploy, function.id, by: change.author, "version \(version.number), revision \(version.revision)")
        return Deployment(function: function, version: version)
    }

    /// Does what ``deploy(_:at:progress:)`` does, but does not store the function.
    public func prepare(
        _ manifest: Manifest, at path: String?, progress: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> Function {
        var definition = manifest.definition
        if let folder = manifest.sourceFolder {
            definition.folders.source = try await folder.makeArtifact(in: artifacts)
        }
        if !manifest.requirements.isEmpty {
            definition.folders.packages = try await install(
                manifest.requirements, for: definition.language, progress)
        }
        if let path, let project = JavaScriptProject(manifest, at: path) {
            definition = try await builds.bundle(definition, main: project.main, project: project.folder)
        }
        let function = Function(id: manifest.id, definition: definition)
        if function.needsBuild { try await builds.build(function) }
        return function
    }

    private func install(
        _ requirements: [String], for language: Language, _ progress: @escaping @Sendable (String) -> Void
    ) async throws -> String {
        let installer = builds.packageInstaller(for: language)
        let name = ArtifactName.name("packages", of: try await installer.key(of: requirements))
        let isNew = artifacts.path(of: name) == nil
        try await artifacts.make(name) { folder in
            try await installer.install(requirements, into: folder, progress: progress)
        }
        if isNew, let path = artifacts.path(of: name) { progress("Installed in \(path)") }
        return name
    }

    // MARK: Stored functions

    /// All stored functions, sorted by id. A function that cannot be used does not hide the others: it is in `broken`.
    /// - Parameters:
    ///   - after: only functions behind this one.
    ///   - limit: at most so many; nil: all.
    public func list(after: FunctionID? = nil, limit: Int? = nil) async throws -> FunctionList {
        var list = try await repository.list(after: after, limit: limit)
        list.functions = list.functions.filter { function in
            do throws(BrokenFunction) {
                try function.checkArtifacts(in: artifacts, location: repository.location(of: function.id))
                return true
            } catch {
                list.broken.append(error)
                return false
            }
        }
        return list
    }

    /// The stored function.
    public func load(_ id: FunctionID) async throws -> Function {
        let function = try await repository.load(id).function
        try function.checkArtifacts(in: artifacts, location: repository.location(of: id))
        return function
    }

    /// The same with the time and the size of its file, and the number of its version.
    package func loadWithFacts(_ id: FunctionID) async throws -> (function: Function, facts: FunctionFacts?) {
        let loaded = try await repository.load(id)
        try loaded.function.checkArtifacts(in: artifacts, location: repository.location(of: id))
        var facts = loaded.facts
        // A read makes no version of a file that was written by other means.
        let known = try await repository.knownVersions(of: id).first { $0.isCurrent }
        if let version = known, version.revision == loaded.function.revision {
            facts?.version = version.number
            facts?.changedAt = version.createdAt
        }
        return (loaded.function, facts)
    }

    /// One version of the function, current or not.
    public func load(_ id: FunctionID, version: Int) async throws -> Function {
        let function = try await repository.load(id, version: version)
        try function.checkArtifacts(in: artifacts, location: repository.location(of: id))
        return function
    }

    /// The version that the reference names. An alias with a canary chooses one of its two.
    public func load(_ reference: FunctionReference) async throws -> Function {
        switch reference.version {
        case nil: return try await load(reference.id)
        case .number(let number): return try await load(reference.id, version: number)
        case .alias(let name):
            guard let alias = try await aliases(of: reference.id).first(where: { $0.name == name }) else {
                throw VersionNotFound(function: reference.id, version: .alias(name))
            }
            return try await load(reference.id, version: alias.version(random: Double.random(in: 0..<1)))
        }
    }

    package func isStored(_ id: FunctionID) async throws -> Bool { try await repository.stamp(of: id) != nil }

    /// Checks a precondition without a change.
    func check(_ precondition: FunctionPrecondition, _ id: FunctionID) async throws {
        guard precondition != .none else { return }
        do {
            let revision = try await repository.load(id).function.revision
            try precondition.check(id, isStored: true, revision: revision)
        } catch is FunctionNotFound {
            try precondition.check(id, isStored: false, revision: nil)
        } catch is BrokenFunction {
            try precondition.check(id, isStored: true, revision: nil)
        }
    }

    /// The stored versions of a function, the newest first.
    public func versions(of id: FunctionID) async throws -> [FunctionVersion] { try await repository.versions(of: id) }

    /// Makes an earlier version the current one. See ``FunctionRepository/rollBack(_:to:_:)``.
    public func rollBack(
        _ id: FunctionID, to version: Int?, change: FunctionChange = FunctionChange()
    ) async throws -> FunctionVersion {
        let current = try await repository.rollBack(id, to: version, change)
        try await rules.record(
            .rollBack, id, by: change.author, "version \(current.number), revision \(current.revision)")
        return current
    }

    /// The aliases of a function, sorted by name.
    public func aliases(of id: FunctionID) async throws -> [FunctionAlias] { try await repository.aliases(of: id) }

    /// Stores the alias in place of one with the same name.
    /// - Parameter author: who does it.
    public func setAlias(_ alias: FunctionAlias, of id: FunctionID, by author: String) async throws {
        try await repository.setAlias(alias, of: id)
        let canary = alias.canary.map { ", \($0.percent) % version \($0.version)" } ?? ""
        try await rules.record(.setAlias, id, by: author, "\(alias.name): version \(alias.version)\(canary)")
    }

    public func removeAlias(_ name: String, of id: FunctionID, by author: String) async throws {
        try await repository.removeAlias(name, of: id)
        try await rules.record(.removeAlias, id, by: author, name)
    }

    /// What workers have learned to import, by revision.
    func learnedImports() async throws -> [String: [String]] { try await repository.learnedImports() }

    /// Removes a function, also one that cannot be used.
    public func delete(_ id: FunctionID, change: FunctionChange = FunctionChange()) async throws {
        try await repository.delete(id, change)
        try await rules.record(.delete, id, by: change.author)
    }

    /// Where functions are stored, for messages.
    public var location: String { repository.location }

    /// Where one function is stored, for messages.
    public func location(of id: FunctionID) -> String { repository.location(of: id) }

    /// Whether the store is there. The first deployment makes it.
    public func storeExists() async -> Bool { await repository.exists() }

    // MARK: Pruning

    /// A deployment makes or uses an artifact before it stores the function that refers to it.
    private static let youngestAgeSeconds = 3600

    /// Removes artifacts and builds that no stored function refers to and that are older than an hour, and what was
    /// learned of revisions that are not stored.
    /// - Parameter isDryRun: only finds them.
    /// - Returns: what was removed, or would be.
    /// - Throws: `InvalidRequest` if a stored function cannot be read: it could refer to anything.
    public func prune(isDryRun: Bool) async throws -> [UnusedArtifact] {
        let list = try await list()
        if let first = list.broken.first {
            throw InvalidRequest(
                "\(first.message). It could refer to anything, so nothing is removed: repair it or delete it first.")
        }
        let stored = try await allVersions(of: list.functions)
        let needed = Set(stored.flatMap(\.definition.folders.all))
        let unusedArtifacts = try await artifacts.unused(
            except: needed, unusedForSeconds: Self.youngestAgeSeconds)
        let unusedBuilds = try builds.directory.map { directory in
            try UnusedFiles.find(
                in: directory, except: builds.fileNames(of: stored.filter(\.needsBuild).map(\.definition)),
                unchangedForSeconds: Self.youngestAgeSeconds)
        }
        if !isDryRun {
            let revisions = Set(stored.map(\.revision))
            for revision in try await learnedImports().keys where !revisions.contains(revision) {
                try await repository.saveLearnedImports(nil, of: revision)
            }
            for artifact in unusedArtifacts { try await artifacts.remove(artifact) }
            for file in unusedBuilds ?? [] { try UnusedFiles.remove(file) }
        }
        return unusedArtifacts + (unusedBuilds ?? [])
    }

    /// These functions and their other versions: each may become the current one.
    private func allVersions(of functions: [Function]) async throws -> [Function] {
        var all = functions
        for function in functions {
            for version in try await repository.knownVersions(of: function.id)
            where version.revision != function.revision {
                all.append(try await repository.load(function.id, version: version.number))
            }
        }
        return all
    }
}

/// A function that has been deployed.
public struct Deployment: Sendable {
    public let function: Function
    public let version: FunctionVersion
}
