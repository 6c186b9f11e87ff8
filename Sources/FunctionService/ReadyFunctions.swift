import FunctionExecution
import FunctionModel
import FunctionStorage
import Telemetry

/// The stored functions that ask for workers that are kept ready (`minWorkers`). Follows changes of the repository.
struct ReadyFunctions: Sendable {
    private let repository: any FunctionRepository
    private let secrets: SecretValues
    private let secretChangeCount: @Sendable () -> Int
    private var seenSecretChanges = 0
    private let runtime: FunctionRuntime
    private var feed: (any ChangeFeed)?
    private var functions: [FunctionID: Function] = [:]
    /// Rounds until the repository is read again, where it does not report changes.
    private var roundsLeft = 0

    /// Between two looks for changes.
    static let interval = Duration.milliseconds(500)
    private static let roundsWithoutFeed = 60

    init(
        repository: any FunctionRepository, runtime: FunctionRuntime, secrets: SecretValues,
        secretChangeCount: @escaping @Sendable () -> Int
    ) {
        self.repository = repository
        self.secrets = secrets
        self.secretChangeCount = secretChangeCount
        self.runtime = runtime
    }

    /// Looks for changes again and again, until the task is cancelled.
    /// - Parameter onReady: called once, when the workers of the first look have started.
    mutating func run(onReady: @Sendable () -> Void) async {
        var isFirst = true
        repeat {
            let before = functions
            await applyChanges()
            if functions != before {
                await runtime.keepReady(functions.values.sorted { $0.id.text < $1.id.text })
            }
            if isFirst {
                isFirst = false
                await waitUntilStarted()
                onReady()
            }
        } while (try? await Task.sleep(for: Self.interval)) != nil
    }

    /// The longest time that a host takes to be ready because of functions that load slowly.
    private static let patience = Duration.seconds(30)

    /// Returns when no worker is starting any more. That of a function that does not load has ended by
    /// then: its next one starts later.
    private func waitUntilStarted() async {
        let end = ContinuousClock.now + Self.patience
        while runtime.poolUse.starting > 0, ContinuousClock.now < end,
            (try? await Task.sleep(for: .milliseconds(20))) != nil
        {}
    }

    private mutating func applyChanges() async {
        let changes = secretChangeCount()
        if changes != seenSecretChanges {
            seenSecretChanges = changes
            await readAll()
        }
        switch feed?.poll() ?? .ended {
        case .none: break
        case .functions(let ids):
            for id in ids { await read(id) }
        case .everything: await readAll()
        case .ended:
            // The feed first: a change while the functions are read is in it.
            feed = await repository.openChangeFeed()
            roundsLeft -= 1
            guard feed != nil || roundsLeft <= 0 else { return }
            roundsLeft = Self.roundsWithoutFeed
            await readAll()
        }
    }

    private mutating func read(_ id: FunctionID) async {
        do {
            let function = try await repository.load(id).function
            functions[id] = function.isReady ? try await secrets.fill(function) : nil
        } catch is StorageFailure {
            // It may be read later, and stays as it was.
        } catch is Overloaded {
        } catch {
            functions[id] = nil
        }
    }

    private mutating func readAll() async {
        guard let all = try? await repository.list().functions else { return }
        functions = [:]
        // One whose secrets cannot be read has no workers until it is called, and then an error.
        for function in all where function.isReady { functions[function.id] = try? await secrets.fill(function) }
    }
}

extension Function {
    fileprivate var isReady: Bool { (definition.limits.minWorkers ?? 0) > 0 }
}

extension FunctionService {
    /// Keeps the workers ready that stored functions ask for, until the task is cancelled.
    /// - Parameter onReady: called once, when they are ready for the first time.
    package func keepWorkersReady(onReady: @Sendable () -> Void = {}) async {
        var functions = ReadyFunctions(repository: repository, runtime: runtime, secrets: secrets) {
            self.secretChangeCount
        }
        await functions.run(onReady: onReady)
    }
}
