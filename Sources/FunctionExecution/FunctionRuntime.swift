import Foundation
import FunctionModel
import HostMemory
import NIOCore
import NIOPosix
import SystemCalls
import Telemetry
import WorkerProtocol

/// Runs functions: each call in a pristine context, in a process of its own, never in this one.
///
/// ```swift
/// let runtime = FunctionRuntime()
/// try await runtime.start()
/// let result = try await runtime.invoke(
///     InvocationRequest(
///         languageID: "js",
///         sourceCode: "function handler(event) { return { message: `Hello, ${event.name}!` } }",
///         event: ["name": "World"]))
/// print(result.value)   // {"message":"Hello, World!"}
/// await runtime.shutDown()
/// ```
///
/// One runtime serves any number of functions and concurrent callers. Workers are made when they are needed and end by
/// themselves; they end with this process, however it ends.
public final class FunctionRuntime: Sendable {
    /// The configuration that it was made with, each number within its range.
    public let configuration: Configuration
    /// The budget that events, results, frames, log lines and caches of the host are drawn from.
    package let memory: ByteBudget
    private let zygotes: Zygotes
    private let sourceBuilder: (any SourceBuilder)?
    private let controlGroups: Result<ControlGroups, ControlGroups.Unavailable>
    private let group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    fileprivate let pool: WorkerPool

    /// - Parameter sourceBuilder: builds modules and TypeScript; nil: functions that need a build do not load.
    public init(configuration: Configuration, sourceBuilder: (any SourceBuilder)?) {
        let configuration = configuration.clamped()
        self.configuration = configuration
        self.sourceBuilder = sourceBuilder
        memory = ByteBudget(limit: max(64 << 20, MachineMemory.available(share: configuration.hostMemoryShare)))
        // Before there is any process, which would stay behind in this one's group.
        controlGroups = ControlGroups.ofThisProcess(configuration)
        zygotes = Zygotes(configuration)
        pool = WorkerPool(
            configuration: configuration, group: group, launcher: zygotes, sourceBuilder: sourceBuilder,
            controlGroups: try? controlGroups.get(),
            context: InvocationContext(
                memory: memory, observers: configuration.observers, onLogLine: configuration.onLogLine))
        pool.startHousekeeping()
    }

    deinit { pool.killAll() }

    // MARK: Life

    /// Starts the engines, so that no invocation waits for it. Optional: an engine also starts with its first
    /// invocation.
    ///
    /// - Parameter languages: the languages to start. A language that is not named starts with its first invocation.
    /// - Returns: the engines' names and versions, in the order of `languages`.
    /// - Throws: ``WorkerExecutableNotFound`` if a worker executable is not where it should be, ``WorkerCrashed`` if it
    ///   does not start, ``SandboxUnavailable`` if the sandbox is required and this machine lacks a part of it.
    @discardableResult
    public func start(_ languages: [Language] = Language.all) async throws -> [String] {
        let started = try languages.map { try zygotes.start(ZygoteKind(language: $0)) }
        var engines: [String] = []
        for zygote in started {
            engines.append(try await zygote.waitUntilStarted())
            zygotes.refill(zygote.language)
        }
        return engines
    }

    /// Starts what this function's workers are forked from.
    package func start(for function: Function) async throws {
        _ = try await zygotes.start(ZygoteKind(function.definition, configuration)).waitUntilStarted()
    }

    /// Ends the runtime: new and waiting invocations are refused with ``ShuttingDown``, running ones may finish, then
    /// every process ends. Returns when all have. If the task is cancelled, running invocations end at once.
    ///
    /// - Parameter gracePeriod: how long running invocations may take; then they fail with ``WorkerCrashed``.
    public func shutDown(gracePeriod: Duration = .seconds(5)) async {
        pool.stopAccepting()
        let end = group.next().scheduleTask(in: .nanoseconds(max(0, Nanoseconds.duration(gracePeriod)))) { [pool] in
            pool.killAll()
        }
        await withTaskCancellationHandler {
            await pool.drain()
        } onCancel: {
            pool.killAll()
        }
        end.cancel()
        pool.killAll()
        await zygotes.shutDown()
        // The zygotes have collected all workers; the pool is told of it by way of the event loops.
        await pool.waitUntilEmpty()
    }

    /// Tells it what workers have learned in earlier processes: names of modules by revision.
    package func remember(imports: [String: [String]]) { pool.learned.remember(imports) }

    // MARK: Building

    /// Builds the function's modules now, so that no invocation waits for it. Optional: a function is also built with
    /// its first invocation. A function without modules needs no build.
    ///
    /// - Throws: ``LoadError`` that says what is wrong and where, or what is missing on this machine.
    public func build(_ function: Function) async throws {
        guard function.needsBuild else { return }
        try await withCheckedThrowingContinuation { continuation in
            pool.build(function) { continuation.resume(with: $0) }
        }
    }

    // MARK: Workers that are kept ready

    /// Keeps as many workers of these functions ready as their ``FunctionLimits/minWorkers`` say, from now on, instead
    /// of those of an earlier call. A function that does not build is left out; one that does not load is tried again
    /// from time to time.
    package func keepReady(_ functions: [Function]) async {
        var built: [Function] = []
        for function in functions where (try? await build(function)) != nil { built.append(function) }
        pool.keepReady(built)
    }

    /// How many workers that were kept ready have ended because others needed their memory or their place, and how many
    /// invocations were ended because functions used more memory than there is.
    package var evictions: (readyWorkers: Int, invocations: Int) {
        let evictions = pool.evictions
        return (evictions.ready, evictions.calls)
    }

    // MARK: Invoking

    /// Calls a function and returns what its handler returned.
    ///
    /// - Throws: a ``FunctionError``: ``HandlerError`` if the handler threw, ``LoadError``, ``HandlerNotFound``,
    ///   ``InvalidEvent``, ``PayloadTooLarge``, ``ResultNotSerializable``, ``InvocationTimeout``, ``WorkerCrashed``,
    ///   ``TooManyRequests``, ``Overloaded``, ``BackedOff``, ``ShuttingDown``, ``UnsupportedLanguage``,
    ///   ``WorkerExecutableNotFound``; `CancellationError` if the task is cancelled, which ends the guest. A handler
    ///   that returns nothing is not an error: the value is null.
    public func invoke(_ request: InvocationRequest) async throws -> InvocationResult {
        let outcome = try await run(
            request.function(among: configuration.languages), event: ByteBuffer(bytes: request.event),
            requestID: request.requestID, timeoutMillis: request.timeoutMillis, trigger: .library)
        return InvocationResult(json: Array(try outcome.result.get().readableBytesView), logs: outcome.logs)
    }

    /// Calls a function and decodes what its handler returned.
    ///
    /// - Throws: what ``invoke(_:)`` throws, and `DecodingError` if the result is no `Output`.
    public func invoke<Output: Decodable>(_ request: InvocationRequest, as type: Output.Type) async throws -> Output {
        try await invoke(request).decoded(as: type)
    }

    /// The path of the command line: bytes in, bytes out, log lines whatever the outcome. Cancelling the task ends the
    /// guest.
    ///
    /// - Parameter timeoutMillis: zero or less: no limit but the host's ceiling. nil: the function's own.
    package func run(
        _ function: Function, event: ByteBuffer, requestID: String, timeoutMillis: Int?,
        trigger: InvocationRecord.Trigger = .commandLine
    ) async -> InvocationOutcome {
        let invocation = PendingInvocation(
            self, function, event: event, requestID: requestID, timeoutMillis: timeoutMillis, trigger: trigger)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in invocation.start { continuation.resume(returning: $0) } }
        } onCancel: {
            invocation.cancel()
        }
    }

    /// The path of the server, which has no task for each request.
    package struct PendingInvocation: Sendable {
        private let pool: WorkerPool
        private let invocation: Invocation

        /// - Parameter timeoutMillis: zero or less: no limit but the host's ceiling. nil: the function's own.
        package init(
            _ runtime: FunctionRuntime, _ function: Function, event: ByteBuffer, requestID: String, timeoutMillis: Int?,
            trigger: InvocationRecord.Trigger = .http
        ) {
            pool = runtime.pool
            invocation = pool.makeInvocation(
                of: function, requestID: requestID,
                // An empty body is the event `{}`, as in GraalFaaS.
                event: event.readableBytes == 0 ? ByteBuffer(staticString: "{}") : event,
                timeoutMillis: timeoutMillis, trigger: trigger)
        }

        /// - Parameters:
        ///   - reservedBytes: what the caller has reserved of ``FunctionRuntime/memory`` for the event. The runtime
        ///     releases it with the outcome. A caller that never starts the invocation releases it itself.
        ///   - completion: told the outcome once, on any thread, perhaps before this returns.
        package func start(reservedBytes: Int = 0, _ completion: @escaping @Sendable (InvocationOutcome) -> Void) {
            pool.submit(invocation, reservedBytes: reservedBytes, completion)
        }

        /// The trace that the caller gave. To be called before ``start(reservedBytes:_:)``.
        package func belongs(to trace: TraceContext) { invocation.trace = trace }

        /// What it did; nil if there are no observers. Valid once `completion` has been called.
        package var record: InvocationRecord? { invocation.record }

        /// What the function wrote. Valid once `completion` has been called.
        package var logs: [LogLine] { invocation.outcomeLogs }

        /// Ends the guest. `completion` is told, if it has not been yet.
        package func cancel() { pool.cancel(invocation) }
    }

    /// The largest event that can reach a worker, in bytes: a frame, less room for what goes before the event.
    public static let maximumEventBytes = Frame.maximumPayloadLength - (1 << 10)

    // MARK: Reports

    /// Where worker executables are looked for, in order.
    public var workerDirectories: [String] { zygotes.executables.directories }

    /// What confines the workers of each language that has started, found out by trying.
    public var sandboxReports: [SandboxReport] { zygotes.sandboxReports }

    /// Whether each worker has a control group of its own (`active` or `missing`), and why not. What runs does not
    /// depend on it, whatever ``Configuration/sandbox`` says: few machines leave a group to their programs.
    public var controlGroupReport: SandboxReport.Layer {
        switch controlGroups {
        case .success(let groups):
            let processes = groups.limitsProcesses ? ", and processes" : ""
            return SandboxReport.Layer(
                name: "controlGroups", state: "active", detail: "memory of a worker and all that it starts\(processes)")
        case .failure(let error):
            return SandboxReport.Layer(name: "controlGroups", state: "missing", detail: error.reason)
        }
    }

    /// Number of worker processes at this moment, ending ones included.
    public var workerCount: Int { pool.workerCount }

    /// What the pool holds at this moment.
    package var poolUse: PoolUse { pool.use }

    /// Number of workers that are loaded and have no invocation.
    package var idleWorkerCount: Int { pool.idleWorkerCount }

    /// Number of workers so far that were replaced because their state could not be put back after a call. Their
    /// callers did not notice; a function that does this in every call is slow.
    public var retiredWorkerCount: Int { pool.retiredWorkers.values.reduce(0, +) }

    /// The same by reason: `memory`, `threads`, `process` (an attribute or a descriptor of the process), `loading` (what
    /// the source opened while it loaded cannot be made again). Reasons that did not occur are missing.
    public var retiredWorkerCounts: [String: Int] {
        Dictionary(uniqueKeysWithValues: pool.retiredWorkers.map { ("\($0.key)", $0.value) })
    }
}
