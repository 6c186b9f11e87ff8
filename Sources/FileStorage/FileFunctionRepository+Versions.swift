import FunctionModel
import FunctionStorage
import GRDB
import Glibc
import SystemCalls

/// Changes and versions. The order of files and rows is explained at ``FileFunctionRepository``.
extension FileFunctionRepository {
    @discardableResult
    public func save(_ function: Function, _ change: FunctionChange) async throws -> FunctionVersion {
        let document = StoredFunction.document(function)
        guard document.count <= Self.maximumFileSize else {
            throw InvalidRequest(
                "The function '\(function.id)' is larger than the limit of \(Self.maximumFileSize >> 20) MiB.")
        }
        try await run { try $0.createFolders() }
        return try await commit(function.id) { changing throws in
            try change.precondition.check(function.id, isStored: changing.isStored, revision: changing.revision)
            if changing.isStored {
                // Nothing to write, so no version: a deployment that is repeated leaves the history as it is.
                if let current = try changing.adopt(), current.revision == function.revision {
                    return Outcome(version: current)
                }
            } else {
                // Versions of a function whose file was removed by other means, or by a process that was killed.
                try changing.index.removeAll(now: changing.now)
            }
            let version = try changing.add(document, revision: function.revision, author: change.author)
            let superfluous = try changing.prune(retention)
            return Outcome(version: version, document: document, superfluous: superfluous)
        }
    }

    @discardableResult
    public func rollBack(_ id: FunctionID, to number: Int?, _ change: FunctionChange) async throws -> FunctionVersion {
        try await requireFile(id)
        return try await commit(id) { changing in
            try changing.requireStored()
            try change.precondition.check(id, isStored: true, revision: changing.revision)
            let current = try changing.adopt()
            let versions = try changing.index.versions()
            // Without a current version, the one that was current last is a step back already.
            let last = versions.first { $0.isCurrent }
            let target =
                if let number {
                    versions.first { $0.number == number }
                } else if let current {
                    versions.first { $0.number < current.number }
                } else {
                    last ?? versions.first
                }
            guard var target else {
                if let number { throw VersionNotFound(function: id, version: .number(number)) }
                throw InvalidRequest("The function '\(id)' has no earlier version.")
            }
            // It must be usable before it becomes the current one.
            let document = try changing.files.versions.read(id, target.number).document
            try changing.index.setCurrent(target.number)
            target.isCurrent = true
            return Outcome(version: target, document: document)
        }
    }

    public func versions(of id: FunctionID) async throws -> [FunctionVersion] {
        let revision: String?
        do {
            revision = try await load(id).function.revision
        } catch is BrokenFunction {
            revision = nil
        }
        let known = try await knownVersions(of: id)
        // Usually nothing has happened behind our back, and a listing writes nothing.
        if let current = known.first(where: \.isCurrent), current.revision == revision { return known }
        let adopted = try await state.write(
            { [files] database in
                let changing = try ChangingFunction(database, id, files)
                try changing.requireStored()
                let current = try changing.adopt()
                return try changing.index.versions().map { version in
                    var version = version
                    // If the file cannot be used, no version is current.
                    version.isCurrent = version.number == current?.number
                    return version
                }
            }, afterCommit: { _ in })
        return adopted
    }

    public func knownVersions(of id: FunctionID) async throws -> [FunctionVersion] {
        try await state.read { try FunctionIndex($0, id).versions() } ?? []
    }

    public func load(_ id: FunctionID, version number: Int) async throws -> Function {
        try await requireFile(id)
        guard try await state.read({ try FunctionIndex($0, id).contains(number) }) == true else {
            throw VersionNotFound(function: id, version: .number(number))
        }
        return try await run { try $0.versions.read(id, number).function }
    }

    public func delete(_ id: FunctionID, _ change: FunctionChange) async throws {
        // A deletion of what is not there makes no database.
        try await requireFile(id)
        _ = try await state.write(
            { [files] database in
                let changing = try ChangingFunction(database, id, files)
                try changing.requireStored()
                try change.precondition.check(id, isStored: true, revision: changing.revision)
                // The file first: if the process is killed now, the function is deleted, and what is left of it is removed
                // when the id is used again.
                guard try files.remove(id) else { throw FunctionNotFound(id: id.text) }
                try changing.index.removeAll(now: changing.now)
            }, afterCommit: { [files] in files.versions.removeAll(of: id, except: []) })
    }

    // MARK: Aliases

    public func aliases(of id: FunctionID) async throws -> [FunctionAlias] {
        try await requireFile(id)
        return try await state.read { try FunctionIndex($0, id).aliases() } ?? []
    }

    public func setAlias(_ alias: FunctionAlias, of id: FunctionID) async throws {
        try await changeAliases(of: id) { index in
            for number in [alias.version] + (alias.canary.map { [$0.version] } ?? []) {
                guard try index.contains(number) else {
                    throw VersionNotFound(function: id, version: .number(number))
                }
            }
            let others = try index.aliases().filter { $0.name != alias.name }
            guard others.count < FunctionAlias.maximumCount else {
                throw InvalidRequest(
                    "The function '\(id)' has \(others.count) aliases, the most that a function may have.")
            }
            try index.set(alias)
        }
    }

    public func removeAlias(_ name: String, of id: FunctionID) async throws {
        try await changeAliases(of: id) { index in
            guard try index.removeAlias(name) else { throw VersionNotFound(function: id, version: .alias(name)) }
        }
    }

    private func changeAliases(
        of id: FunctionID, _ change: @escaping @Sendable (FunctionIndex) throws -> Void
    ) async throws {
        try await requireFile(id)
        _ = try await state.write(
            { [files] database in
                let changing = try ChangingFunction(database, id, files)
                try changing.requireStored()
                _ = try changing.adopt()
                try change(changing.index)
            }, afterCommit: { [files] in try files.touch(id) })
    }

    // MARK: Steps

    /// What a change has decided.
    private struct Outcome: Sendable {
        let version: FunctionVersion
        /// The current file's new content; nil: it stays.
        var document: [UInt8]?
        var superfluous: [Int] = []
    }

    private func commit(
        _ id: FunctionID, _ change: @escaping @Sendable (ChangingFunction) throws -> Outcome
    ) async throws -> FunctionVersion {
        try await state.write(
            { [files] database in
                try change(try ChangingFunction(database, id, files))
            },
            afterCommit: { [files] outcome in
                if let document = outcome.document { try files.replace(id, with: document) }
                files.versions.remove(outcome.superfluous, of: id)
            }
        ).version
    }

    private func requireFile(_ id: FunctionID) async throws {
        guard try await stamp(of: id) != nil else { throw FunctionNotFound(id: id.text) }
    }
}

/// A function under the lock of the data directory, in a transaction.
private struct ChangingFunction {
    let id: FunctionID
    let files: BlockingFiles
    let index: FunctionIndex
    /// nil: there is none, or it cannot be used.
    private let current: LoadedFunction?
    let isStored: Bool

    init(_ database: Database, _ id: FunctionID, _ files: BlockingFiles) throws {
        self.id = id
        self.files = files
        index = FunctionIndex(database, id)
        do {
            current = try files.read(id)
            isStored = true
        } catch is FunctionNotFound {
            (current, isStored) = (nil, false)
        } catch is BrokenFunction {
            (current, isStored) = (nil, true)
        }
    }

    var revision: String? { current?.function.revision }

    /// Milliseconds since 1970.
    var now: Int64 { files.now() / 1_000_000 }

    func requireStored() throws { if !isStored { throw FunctionNotFound(id: id.text) } }

    /// Brings the rows in line with the current file. A content that a version has makes that version current: the
    /// newest one, if several have it. Any other content becomes a version.
    /// - Returns: the current version; nil if the file cannot be used.
    func adopt() throws -> FunctionVersion? {
        guard let current else { return nil }
        let versions = try index.versions()
        if let known = versions.first(where: \.isCurrent), known.revision == revision { return known }
        if var known = versions.first(where: { $0.revision == revision }) {
            try index.setCurrent(known.number)
            known.isCurrent = true
            return known
        }
        return try add(
            StoredFunction.document(current.function), revision: current.function.revision,
            author: FunctionVersion.fileAuthor, createdAt: current.facts?.changedAt)
    }

    /// Makes the next version.
    func add(_ document: [UInt8], revision: String, author: String, createdAt: Int64? = nil) throws -> FunctionVersion {
        // Files without rows would be taken for this version, if the process was killed in the wrong moment.
        files.versions.removeAll(of: id, except: Set(try index.versions().map(\.number)))
        let version = FunctionVersion(
            function: id, number: try index.nextNumber(), revision: revision, createdAt: createdAt ?? now,
            size: document.count, author: author, isCurrent: true)
        try files.versions.write(document, id, version.number)
        try index.insert(version)
        return version
    }

    /// Removes the rows of versions that need not stay.
    /// - Returns: their numbers. Their files are removed after the transaction.
    func prune(_ retention: VersionRetention) throws -> [Int] {
        let kept = Set(try index.aliases().flatMap { [$0.version] + ($0.canary.map { [$0.version] } ?? []) })
        let superfluous = retention.superfluous(try index.versions(), kept: kept, now: now)
        for number in superfluous { try index.remove(number) }
        return superfluous
    }
}
