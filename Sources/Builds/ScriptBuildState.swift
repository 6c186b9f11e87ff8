import FunctionModel
import HostMemory

/// What has been built, what is being built, and who waits for it. Pure: ``ScriptBuilds`` runs the builds.
struct ScriptBuildState: Sendable {
    typealias Waiter = @Sendable (Result<BuiltScript, any Error>) -> Void

    enum Answer: Sendable {
        case known(Result<BuiltScript, LoadError>)
        case refused
        /// The waiter is called when the build ends.
        case waiting
        /// The same, and the caller starts the build.
        case build
    }

    /// How a build ended.
    enum Outcome: Sendable {
        case built(BuiltScript)
        /// The source is wrong, and stays wrong.
        case failed(LoadError)
        /// It needed more time or memory than it may have. It is tried again later: the machine may have been busy.
        case exhausted(LoadError)
        /// This machine lacks something. The next call tries again.
        case unavailable(any Error)
    }

    private struct Known: Sendable {
        let result: Result<BuiltScript, LoadError>
        /// When it is tried again; nil: never.
        var retryAt: Int64?
        /// Builds in a row that were exhausted.
        var failures = 0
    }

    /// Calls that may wait, as many as may wait for workers by default.
    static let maximumWaiters = 4096
    /// Functions in use keep their own result, and the directory of builds has the rest.
    static let maximumKnownBytes = 64 << 20
    /// Nanoseconds until a build that was exhausted is tried again, the first time and at most: each try may take all
    /// of a core for ``ScriptBuilder/timeoutMillis``.
    static let firstDelay: Int64 = 60_000_000_000
    static let maximumDelay: Int64 = 3_600_000_000_000

    private var known: ByteCache<Function, Known>
    private var waiting: [Function: [Waiter]] = [:]
    private var waiterCount = 0

    init(memory: ByteBudget) { known = ByteCache(limit: Self.maximumKnownBytes, budget: memory) }

    /// Results are reserved from this budget from now on.
    mutating func draw(from memory: ByteBudget) {
        known.removeAll()
        known = ByteCache(limit: min(Self.maximumKnownBytes, memory.limit / 8), budget: memory)
    }

    /// Gives back what the results have reserved.
    mutating func removeAll() { known.removeAll() }

    mutating func add(_ function: Function, _ waiter: @escaping Waiter, now: Int64) -> Answer {
        if let known = known.read(function), known.retryAt ?? .max > now { return .known(known.result) }
        guard waiterCount < Self.maximumWaiters else { return .refused }
        waiterCount += 1
        if waiting[function] != nil {
            waiting[function]?.append(waiter)
            return .waiting
        }
        waiting[function] = [waiter]
        return .build
    }

    /// - Returns: who waited for it.
    mutating func finish(_ function: Function, _ outcome: Outcome, now: Int64) -> [Waiter] {
        switch outcome {
        case .built(let script): remember(function, Known(result: .success(script)))
        case .failed(let error): remember(function, Known(result: .failure(error)))
        case .exhausted(let error):
            let failures = (known.peek(function)?.failures ?? 0) + 1
            let delay = min(Self.maximumDelay, Self.firstDelay << min(failures - 1, 10))
            remember(
                function, Known(result: .failure(error), retryAt: now + delay, failures: failures))
        case .unavailable: known.remove(function)
        }
        let waiters = waiting.removeValue(forKey: function) ?? []
        waiterCount -= waiters.count
        return waiters
    }

    private mutating func remember(_ function: Function, _ entry: Known) {
        var bytes = 1024 + function.definition.sourceBytes
        switch entry.result {
        case .success(let built): bytes += built.script.utf8.count + built.sourceMap.utf8.count
        case .failure(let error): bytes += error.message.utf8.count
        }
        known.insert(function, entry, bytes: bytes)
    }
}

extension FunctionDefinition {
    /// The bytes of all sources: what a build of it holds in memory, at least.
    var sourceBytes: Int {
        dependencies.reduce(sourceCode.utf8.count) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    }
}
