import FunctionModel
import NIOCore
import SystemCalls
import WorkerProtocol

/// What one worker may use: the function's own limits, else the host's.
struct WorkerLimits: Sendable {
    let memoryMB: Int
    /// Of one invocation; nil: no limit but the deadline.
    let cpuMillis: Int?
    let maximumResultBytes: Int
    /// Of one invocation, and of loading.
    let maximumLogBytes: Int
    /// How long the function may take to load, and each restore, in nanoseconds.
    let loadTimeout: Int64
    private let temporaryMB: Int

    init(_ function: Function, _ configuration: FunctionRuntime.Configuration) {
        let limits = EffectiveLimits(function, configuration)
        memoryMB = limits.memoryMB
        cpuMillis = limits.cpuMillis
        temporaryMB = limits.temporaryMB ?? 0
        maximumResultBytes = limits.maximumResultBytes
        maximumLogBytes = limits.maximumLogBytes
        loadTimeout = Nanoseconds.milliseconds(configuration.loadTimeoutMillis)
    }

    /// Private memory of an engine that has loaded a small function, at most.
    private static let engineBytes = 48 << 20

    /// The host ends a worker that has more private memory than this.
    var watchedBytes: Int { memoryMB << 20 + Self.engineBytes }

    /// Memory of every kind that a worker and all that it starts may have together. It includes temporary files, what
    /// the kernel keeps for the worker, and the copy of its pages that it goes back to after each invocation.
    var groupBytes: Int { 2 * watchedBytes + temporaryMB << 20 }

    /// How much of each frame the host keeps.
    var frames: WorkerFrameLimits {
        let most = Frame.maximumPayloadLength
        return WorkerFrameLimits(
            result: max(0, min(maximumResultBytes, most)),
            // The level, and one byte more than fits: what keeps the line then sees that it is too long.
            log: max(0, min(maximumLogBytes, most - 2)) + 2)
    }

    /// Whether the error that the handler or the source ended with is the engine's report that it has been refused memory.
    func isRefusedMemory(_ failure: Failure, _ language: Language) -> Bool {
        language.capabilities.outOfMemory?.matches(name: failure.name, message: failure.message) ?? false
    }
}
