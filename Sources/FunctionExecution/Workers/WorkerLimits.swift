import FunctionModel
import NIOCore
import WorkerProtocol

/// What one worker may use: the function's own limits, else the host's.
struct WorkerLimits: Sendable {
    let memoryMB: Int
    /// Of one invocation; nil: no limit but the deadline.
    let cpuMillis: Int?
    let maximumResultBytes: Int
    private let temporaryMB: Int

    init(_ function: Function, _ configuration: FunctionRuntime.Configuration) {
        memoryMB = function.definition.limits.memoryMB ?? configuration.memoryMB
        cpuMillis = function.definition.limits.cpuMillis ?? configuration.cpuMillis
        temporaryMB = function.definition.limits.temporaryMB ?? 0
        maximumResultBytes = function.definition.limits.maxResultBytes ?? configuration.maximumResultBytes
    }

    /// What an engine itself has of private memory when it has loaded a small function, at most.
    private static let engineBytes = 48 << 20

    /// From here on the host ends the worker.
    var watchedBytes: Int { memoryMB << 20 + Self.engineBytes }

    /// What a worker and all that it starts may have together, of every kind of memory: temporary files and what the
    /// kernel keeps for it too, and the copy of its pages to which it goes back after each invocation.
    var groupBytes: Int { 2 * watchedBytes + temporaryMB << 20 }

    /// So many processes and threads.
    static let processes = 256

    func check(_ result: ByteBuffer) -> Result<ByteBuffer, any Error> {
        if result.readableBytes <= maximumResultBytes { return .success(result) }
        return .failure(
            ResultNotSerializable(
                "The result is \(result.readableBytes) bytes of JSON; the limit is \(maximumResultBytes) bytes."))
    }

    /// Whether the error that the handler ended with is the engine's way to say that there is no more memory.
    func isRefusedMemory(_ failure: Failure, _ language: Language) -> Bool {
        language.capabilities.outOfMemory?.matches(name: failure.name, message: failure.message) ?? false
    }
}
