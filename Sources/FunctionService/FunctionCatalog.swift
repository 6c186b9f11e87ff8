import FunctionModel
import FunctionStorage
import HostMemory
import NIOCore
import Synchronization
import SystemCalls

/// Resolves functions from memory, and sees a change in the repository with the next request.
///
/// Each resolve first applies what the repository's ``ChangeFeed`` reports; then an entry in memory is current. A
/// stamp is the safety net: an entry that is used is compared with its stamp once a second, in the background. Where
/// there is no feed, each resolve compares the stamp, off the event loop. Reading, parsing and hashing always happen
/// off the event loop.
package final class FunctionCatalog: Sendable {
    package typealias Completion = @Sendable (Result<Function, any Error>) -> Void

    private let repository: any FunctionRepository
    private let artifacts: any ArtifactStore
    private let secrets: SecretValues
    private let now: @Sendable () -> Int64
    private let state: Mutex<CatalogState>

    /// - Parameters:
    ///   - memory: what the functions in memory are drawn from.
    ///   - maximumBytes: the most that they may take of it.
    ///   - now: the monotonic clock, in nanoseconds.
    package init(
        repository: any FunctionRepository, artifacts: any ArtifactStore, secrets: SecretValues = SecretValues(nil),
        memory: ByteBudget, maximumBytes: Int,
        now: @escaping @Sendable () -> Int64 = MonotonicClock.now
    ) {
        self.repository = repository
        self.artifacts = artifacts
        self.secrets = secrets
        self.now = now
        state = Mutex(CatalogState(memory: memory, maximumBytes: maximumBytes))
    }

    deinit { state.withLock { $0.removeAll() } }

    /// Forgets what is in memory: the values of secrets are in there.
    package func secretsChanged() { state.withLock { $0.forgetAll() } }

    /// Begins to watch the repository. Optional: the first resolve does it too.
    package func open() async { await openFeedIfNeeded() }

    /// The function as it is stored now, in the version that the reference names.
    ///
    /// - Parameter completion: called at once, on the caller's stack, if the function is in memory; else later on
    ///   `eventLoop`. Errors: `FunctionNotFound`, `VersionNotFound`, ``BrokenFunction``, ``StorageFailure``,
    ///   `Overloaded`. A stored function that cannot be used is remembered until it changes, as a function is; no other
    ///   error is.
    package func resolve(
        _ reference: FunctionReference, on eventLoop: any EventLoop, _ completion: @escaping Completion
    ) {
        let now = now()
        // The feed is polled under the lock: otherwise another thread could take a change from the feed and this one
        // could read the entry before that thread removes it. The poll is one system call that does not block.
        let answer = state.withLock { state in
            state.applyChanges()
            return state.resolve(reference, .init(eventLoop: eventLoop, completion: completion), now: now)
        }
        switch answer {
        case .known(let content, let check):
            complete(content, reference, on: eventLoop, completion)
            if let check { Task { await perform(check) } }
        case .waiting: break
        case .load(let load): Task { await perform(load) }
        case .refused:
            completion(.failure(Overloaded("Too many requests are waiting for functions to be read. Try again later.")))
        }
    }

    private func complete(
        _ content: CatalogState.Finding.Content, _ reference: FunctionReference, on eventLoop: any EventLoop,
        _ completion: @escaping Completion
    ) {
        switch content {
        case .function(let function): completion(.success(function))
        case .broken(let broken): completion(.failure(broken.error))
        case .alias(let found):
            let number = found.alias.version(random: Double.random(in: 0..<1))
            resolve(FunctionReference(reference.id, .number(number)), on: eventLoop, completion)
        }
    }

    /// The same for callers without an event loop.
    package func resolve(_ reference: FunctionReference, on eventLoop: any EventLoop) async throws -> Function {
        try await withCheckedThrowingContinuation { continuation in
            resolve(reference, on: eventLoop) { continuation.resume(with: $0) }
        }
    }

    /// How many functions are in memory, their bytes, and how often a function was read: for tests and health.
    package var statistics: (count: Int, bytes: Int, reads: Int) { state.withLock { $0.statistics } }

    // MARK: Off the event loop

    private func perform(_ load: CatalogState.Load) async {
        await openFeedIfNeeded()
        let known = state.withLock { $0.begin(load.number) }
        let found: CatalogState.Finding?
        let answer: Result<CatalogState.Finding.Content, any Error>
        do {
            if let known, let stamp = known.stamp, try await repository.stamp(of: load.reference.id) == stamp {
                (found, answer) = (known, .success(known.content))
            } else {
                let read = try await read(load.reference)
                (found, answer) = (read, .success(read.content))
            }
        } catch {
            (found, answer) = (.init(error), .failure(error))
        }
        let now = now()
        let waiters = state.withLock { $0.finish(load.number, found, now: now) }
        for waiter in waiters {
            waiter.eventLoop.execute { [self] in
                switch answer {
                case .success(let content): complete(content, load.reference, on: waiter.eventLoop, waiter.completion)
                case .failure(let error): waiter.completion(.failure(error))
                }
            }
        }
    }

    private func read(_ reference: FunctionReference) async throws -> CatalogState.Finding {
        let id = reference.id
        guard let version = reference.version else {
            let loaded = try await repository.load(id)
            try check(loaded.function)
            return .init(
                .function(try await secrets.fill(loaded.function)), stamp: loaded.stamp, isWatched: loaded.isWatched)
        }
        // Versions and aliases change with the function: each change of them changes its stamp.
        let before = try await repository.stamp(of: id)
        let content: CatalogState.Finding.Content
        switch version {
        case .number(let number):
            let function = try await repository.load(id, version: number)
            try check(function)
            content = .function(try await secrets.fill(function))
        case .alias(let name):
            guard let alias = try await repository.aliases(of: id).first(where: { $0.name == name }) else {
                throw VersionNotFound(function: id, version: version)
            }
            content = .alias(.init(alias))
        }
        let (stamp, isWatched) = try await state(of: id)
        return .init(content, stamp: stamp == before ? stamp : nil, isWatched: isWatched)
    }

    private func check(_ function: Function) throws {
        try function.checkArtifacts(in: artifacts, location: repository.location(of: function.id))
    }

    /// The state of the current version, which may be broken: others can be called all the same.
    private func state(of id: FunctionID) async throws -> (stamp: FunctionStamp?, isWatched: Bool) {
        do {
            let loaded = try await repository.load(id)
            return (loaded.stamp, loaded.isWatched)
        } catch let error as BrokenFunction {
            return (error.state?.stamp, error.state?.isWatched ?? false)
        }
    }

    private func perform(_ check: CatalogState.Check) async {
        let stamp = try? await repository.stamp(of: check.reference.id)
        let now = now()
        state.withLock { state in
            // A change that the feed reports by now is not one that it missed.
            state.applyChanges()
            state.finish(check, stamp, now: now)
        }
    }

    private func openFeedIfNeeded() async {
        let now = now()
        guard state.withLock({ $0.shouldOpenFeed(now: now) }) else { return }
        let feed = await repository.openChangeFeed()
        state.withLock { $0.install(feed) }
    }
}

extension Function {
    /// - Throws: ``BrokenFunction`` if an artifact that the function reads is not on this host.
    func checkArtifacts(in artifacts: any ArtifactStore, location: String) throws(BrokenFunction) {
        for (field, name) in definition.folders.named where artifacts.path(of: name) == nil {
            throw BrokenFunction(
                path: location,
                reason: "the layer \(quoted(name)) that the field '\(field)' names is not in "
                    + "\(quoted(artifacts.location)): upload the function again")
        }
    }

    /// About how many bytes of memory the function takes.
    var memoryBytes: Int {
        func size(_ texts: [String: String]) -> Int {
            texts.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 64 }
        }
        let definition = definition
        var bytes = 1024 + definition.sourceCode.utf8.count + size(definition.dependencies)
        bytes += size(definition.environment)
        for origin in definition.cors.allowOrigins { bytes += origin.utf8.count + 64 }
        for event in definition.prime { bytes += 4 * event.jsonText().utf8.count + 64 }
        if let built { bytes += built.script.utf8.count + built.sourceMap.utf8.count }
        return bytes
    }
}
