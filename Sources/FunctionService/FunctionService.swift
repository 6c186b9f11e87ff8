import Builds
import FunctionExecution
import FunctionModel
import FunctionStorage
import HostMemory
import NIOCore
import Synchronization
import Telemetry

/// The use cases of a host: deploy, list, resolve, invoke, delete, prune. The command line and every HTTP route call
/// it, and nothing below it.
public final class FunctionService: Sendable {
    /// The use cases that need no runtime.
    public let deployments: Deployments
    let repository: any FunctionRepository
    let runtime: FunctionRuntime
    let catalog: FunctionCatalog
    let secrets: SecretValues
    private let secretChanges = Atomic<Int>(0)
    /// What it records of its functions; nil: nothing.
    package let records: HostRecords?

    /// The most that functions in memory take, whatever the host's memory is.
    private static let maximumCatalogBytes = 256 << 20

    /// - Parameters:
    ///   - repository: where functions are stored.
    ///   - artifacts: where the folders are that functions read. The runtime's configuration finds them there too
    ///     (`artifactPath`).
    ///   - builds: what the runtime builds with.
    ///   - runtime: what runs functions; ``shutDown()`` ends it.
    ///   - secrets: where their secrets are; nil: there are none.
    ///   - rules: what deployments are checked against.
    ///   - records: what the runtime's observers write to.
    public init(
        repository: any FunctionRepository, artifacts: any ArtifactStore, builds: ScriptBuilds,
        runtime: FunctionRuntime, secrets: (any SecretStore)? = nil, rules: DeploymentRules = DeploymentRules(),
        records: HostRecords? = nil
    ) {
        self.secrets = SecretValues(secrets)
        self.records = records
        records?.draw(from: runtime.memory)
        deployments = Deployments(repository: repository, artifacts: artifacts, builds: builds, rules: rules)
        self.repository = repository
        self.runtime = runtime
        catalog = FunctionCatalog(
            repository: repository, artifacts: artifacts, secrets: self.secrets, memory: runtime.memory,
            maximumBytes: min(Self.maximumCatalogBytes, runtime.memory.limit / 4))
    }

    /// Composes a runtime with its builds, over these stores.
    /// - Parameters:
    ///   - configuration: `artifactPath` is set to find artifacts in `artifacts`.
    ///   - records: what is recorded of calls; its observers are added to the configuration's. nil: nothing.
    public convenience init(
        repository: any FunctionRepository, artifacts: any ArtifactStore, secrets: (any SecretStore)? = nil,
        rules: DeploymentRules = DeploymentRules(), configuration: FunctionRuntime.Configuration,
        records: HostRecords? = nil
    ) {
        var configuration = configuration
        configuration.observers += records?.observers ?? []
        configuration.artifactPath = { artifacts.path(of: $0) }
        configuration.keepImports = { revision, names in
            // A hint: if it cannot be stored, the next process learns it again.
            Task { try? await repository.saveLearnedImports(names, of: revision) }
        }
        let builds = ScriptBuilds(configuration)
        let runtime = FunctionRuntime(configuration: configuration, sourceBuilder: builds)
        builds.draw(from: runtime.memory)
        self.init(
            repository: repository, artifacts: artifacts, builds: builds, runtime: runtime, secrets: secrets,
            rules: rules, records: records)
    }

    // MARK: Life

    /// Starts the engines, so that no invocation waits for them.
    /// - Returns: the engines' names and versions, in the order of `languages`.
    @discardableResult
    public func start(_ languages: [Language] = Language.all) async throws -> [String] {
        await catalog.open()
        if let imports = try? await deployments.learnedImports() { runtime.remember(imports: imports) }
        return try await runtime.start(languages)
    }

    /// Starts what the workers of this function are forked from.
    package func start(for function: Function) async throws { try await runtime.start(for: function) }

    /// Ends the runtime: running invocations may finish, others are refused.
    public func shutDown() async {
        await runtime.shutDown()
        records?.flush(withinMillis: 1000)
    }

    /// Ends what would keep a stopping server busy: clients that follow logs.
    package func prepareToStop() { records?.logs.endFollowers() }

    /// The largest event that any function takes, in bytes.
    package static var largestEventBytes: Int { FunctionRuntime.maximumEventBytes }

    /// The budget that bodies, queued events, frames, log lines and caches share.
    package var memory: ByteBudget { runtime.memory }

    // MARK: Stored functions

    /// Removes artifacts and builds that no stored function refers to. See ``Deployments/prune(isDryRun:)``.
    public func prune(isDryRun: Bool) async throws -> [UnusedArtifact] {
        try await deployments.prune(isDryRun: isDryRun)
    }

    // MARK: Secrets

    /// Values of secrets have changed: functions get the new ones with their next call.
    package func secretsChanged() {
        secretChanges.wrappingAdd(1, ordering: .relaxed)
        catalog.secretsChanged()
    }

    /// Differs after each ``secretsChanged()``.
    var secretChangeCount: Int { secretChanges.load(ordering: .relaxed) }

    /// A stored function with the values of its secrets, to be called.
    package func loadToCall(_ reference: FunctionReference) async throws -> Function {
        try await secrets.fill(try await deployments.load(reference))
    }

    // MARK: Invoking

    /// The function as it is stored now. An alias with a canary chooses a version for each call.
    /// - Parameter completion: called at once, on the caller's stack, if the function is in memory; else later on
    ///   `eventLoop`.
    public func resolve(
        _ reference: FunctionReference, on eventLoop: any EventLoop,
        _ completion: @escaping @Sendable (Result<Function, any Error>) -> Void
    ) {
        catalog.resolve(reference, on: eventLoop, completion)
    }

    /// An invocation that has not started.
    package func invocation(
        of function: Function, event: ByteBuffer, requestID: String, timeoutMillis: Int?,
        trigger: InvocationRecord.Trigger
    ) -> PendingInvocation {
        PendingInvocation(
            runtime: FunctionRuntime.PendingInvocation(
                runtime, function, event: event, requestID: requestID, timeoutMillis: timeoutMillis, trigger: trigger))
    }
}

extension FunctionService {
    /// Runs an invocation to its end. Cancelling the task ends it.
    package func invoke(
        _ function: Function, event: ByteBuffer, requestID: String, timeoutMillis: Int?,
        trigger: InvocationRecord.Trigger
    ) async -> CallOutcome {
        let invocation = invocation(
            of: function, event: event, requestID: requestID, timeoutMillis: timeoutMillis, trigger: trigger)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in invocation.start { continuation.resume(returning: $0) } }
        } onCancel: {
            invocation.cancel()
        }
    }
}

/// One invocation, from its start to its one outcome.
package struct PendingInvocation: Sendable {
    fileprivate let runtime: FunctionRuntime.PendingInvocation

    /// - Parameters:
    ///   - reservedBytes: what the caller has reserved of ``FunctionService/memory`` for the event. The invocation
    ///     releases it with its outcome.
    ///   - completion: called once with the outcome, on any thread, perhaps before this returns.
    package func start(reservedBytes: Int = 0, _ completion: @escaping @Sendable (CallOutcome) -> Void) {
        runtime.start(reservedBytes: reservedBytes) { completion(CallOutcome(result: $0.result, logs: $0.logs)) }
    }

    /// The same without the function's log lines, which observers get.
    package func start(
        reservedBytes: Int, onResult completion: @escaping @Sendable (Result<ByteBuffer, any Error>) -> Void
    ) {
        runtime.start(reservedBytes: reservedBytes) { completion($0.result) }
    }

    /// The trace that the caller gave. To be called before it starts.
    package func belongs(to trace: TraceContext) { runtime.belongs(to: trace) }

    /// What it did; nil if the runtime has no observers. Valid once `completion` has been called.
    package var record: InvocationRecord? { runtime.record }

    /// What the function wrote. Valid once `completion` has been called.
    package var logs: [LogLine] { runtime.logs }

    /// Ends the invocation. `completion` is called, if it has not been.
    package func cancel() { runtime.cancel() }
}

/// How an invocation ended.
package struct CallOutcome: Sendable {
    /// The result as the function's worker sent it: JSON text.
    package let result: Result<ByteBuffer, any Error>
    package let logs: [LogLine]

    package init(result: Result<ByteBuffer, any Error>, logs: [LogLine]) {
        self.result = result
        self.logs = logs
    }
}
