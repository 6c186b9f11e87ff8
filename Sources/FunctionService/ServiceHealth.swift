import FunctionExecution
import FunctionModel
import HostMemory
import Telemetry

/// What runs on this host, and what confines it.
public struct ServiceHealth: Sendable {
    /// One layer of a sandbox.
    public struct Layer: Sendable {
        public let name: String
        /// `active`, `degraded` or `missing`.
        public let state: String
        /// What it holds, or why it does not.
        public let detail: String
    }

    /// A language that has started.
    public struct RunningLanguage: Sendable {
        public let languageID: String
        public let engine: String
        public let layers: [Layer]
    }

    /// Worker processes at this moment.
    public let workers: Int
    /// Those of them that have loaded their function and have no invocation.
    public let idleWorkers: Int
    /// Workers so far that were replaced because their state could not be put back.
    public let retiredWorkers: Int
    /// The same by reason; see ``FunctionRuntime/retiredWorkerCounts``.
    public let retiredWorkerCounts: [String: Int]
    /// Workers so far that were kept ready (`minWorkers`) and ended because others needed their memory or their place.
    public let evictedReadyWorkers: Int
    /// Invocations so far that were ended because functions used more memory than the host has for them.
    public let invocationsEndedForMemory: Int
    /// `required`, `best-effort` or `off`.
    public let sandbox: String
    public let controlGroups: Layer
    public let languages: [RunningLanguage]
    /// Bytes of the host's memory budget, used and altogether.
    public let memoryBytes: Int
    public let memoryLimit: Int
    /// Functions in memory.
    public let functionsInMemory: Int
    /// Workers by state, invocations that wait, and memory for workers.
    package let pool: PoolUse
}

extension FunctionService {
    public var health: ServiceHealth {
        let evictions = runtime.evictions
        return ServiceHealth(
            workers: runtime.workerCount, idleWorkers: runtime.idleWorkerCount,
            retiredWorkers: runtime.retiredWorkerCount,
            retiredWorkerCounts: runtime.retiredWorkerCounts,
            evictedReadyWorkers: evictions.readyWorkers, invocationsEndedForMemory: evictions.invocations,
            sandbox: runtime.configuration.sandbox.rawValue,
            controlGroups: .init(runtime.controlGroupReport),
            languages: runtime.sandboxReports.map {
                .init(languageID: $0.language.id, engine: $0.engine, layers: $0.layers.map(ServiceHealth.Layer.init))
            },
            memoryBytes: memory.used, memoryLimit: memory.limit, functionsInMemory: catalog.statistics.count,
            pool: runtime.poolUse)
    }
}

extension ServiceHealth.Layer {
    init(_ layer: SandboxReport.Layer) {
        self.init(name: layer.name, state: layer.state, detail: layer.detail)
    }
}
