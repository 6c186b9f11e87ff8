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

    /// The function as it is stored now.
    ///
    /// - Parameter completion: called at once, on the caller's stack, if the function is in memory; else later on
    ///   `eventLoop`. Errors: `FunctionNotFound`, ``BrokenFunction``, ``StorageFailure``, `Overloaded`. A stored
    ///   function that cannot be used is remembered until it changes, as a function is; no other error is.
    package func resolve(_ id: FunctionID, on eventLoop: any EventLoop, _ completion: @escaping Completion) {
        let now = now()
        // The feed is polled under the lock: otherwise another thread could take a change from the feed and this one
        // could read the entry before that thread removes it. The poll is one system call that does not block.
        let answer = state.withLock { state in
            state.applyChanges()
            return state.resolve(id, .init(eventLoop: eventLoop, completion: completion), now: now)
        }
        switch answer {
        case .known(let content, let check):
            switch content {
            case .function(let function): completion(.success(function))
            case .broken(let broken): completion(.failure(broken.error))
            }
            if let check { Task { await perform(check) } }
        case .waiting: break
        case .load(let load): Task { await perform(load) }
        case .refused:
            completion(.failure(Overloaded("Too many requests are waiting for functions to be read. Try again later.")))
        }
    }

    /// The same for callers without an event loop.
    package func resolve(_ id: FunctionID, on eventLoop: any EventLoop) async throws -> Function {
        try await withCheckedThrowingContinuation { continuation in
            resolve(id, on: eventLoop) { continuation.resume(with: $0) }
        }
    }

    /// How many functions are in memory, their bytes, and how often a function was read: for tests and health.
    package var statistics: (count: Int, bytes: Int, reads: Int) { state.withLock { $0.statistics } }

    // MARK: Off the event loop

    private func perform(_ load: CatalogState.Load) async {
        await openFeedIfNeeded()
        let known = state.withLock { $0.begin(load.number) }
        let found: CatalogState.Finding?
        let answer: Result<Function, any Error>
        do {
            if let known, let stamp = known.stamp, try await repository.stamp(of: load.id) == stamp {
                (found, answer) = (known, known.result)
            } else {
                var loaded = try await repository.load(load.id)
                loaded.function = try await secrets.fill(loaded.function)
                try loaded.function.checkArtifacts(in: artifacts, location: repository.location(of: load.id))
                (found, answer) = (.init(loaded), .success(loaded.function))
            }
        } catch {
            (found, answer) = (.init(error), .failure(error))
        }
        let now = now()
        let waiters = state.withLock { $0.finish(load.number, found, now: now) }
        for waiter in waiters { waiter.eventLoop.execute { waiter.completion(answer) } }
    }

    private func perform(_ check: CatalogState.Check) async {
        let stamp = try? await repository.stamp(of: check.id)
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
