/// Why a worker could not restore its state after an invocation that was answered: its exit code.
public enum RetirementReason: Int32, CaseIterable, Sendable {
    /// Its mappings or pages. The same number as the memory rewinder's.
    case memory = 86
    /// A thread did not stop, or one that loading had started has ended.
    case threads = 87
    /// An attribute of the process, or what a descriptor refers to.
    case process = 88
    /// Loading has opened something whose state cannot be made again. So each worker of the function serves one call.
    case loading = 89
}

/// The host's requests to a zygote: one message each, on a socket that keeps message boundaries.
public enum ZygoteRequest: Equatable, Sendable {
    /// Fork a worker that serves the socket in this message. `isSpare`: the worker prepares as much as possible without
    /// knowing its function, which must not keep state. `priority`: the raw value of a `ProcessPriority`.
    case fork(worker: UInt64, isSpare: Bool, priority: UInt8)

    public init(_ message: UnsafeRawBufferPointer) throws(ProtocolError) {
        var reader = ByteReader(message)
        let kind: UInt8 = try reader.readInteger("request kind")
        guard kind == 32 else { throw .invalidValue(field: "request kind") }
        let worker: UInt64 = try reader.readInteger("worker number")
        let spare: UInt8 = try reader.readInteger("spare")
        guard spare <= 1 else { throw .invalidValue(field: "spare") }
        self = .fork(worker: worker, isSpare: spare == 1, priority: try reader.readInteger("priority"))
        try reader.expectEnd()
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 11)
        switch self {
        case .fork(let worker, let isSpare, let priority):
            writer.write(32 as UInt8)
            writer.write(worker)
            writer.write(UInt8(isSpare ? 1 : 0))
            writer.write(priority)
        }
        return writer.bytes
    }
}

/// A zygote's messages to the host.
public enum ZygoteReport: Equatable, Sendable {
    /// The engine is ready to be forked. Contains its name and version, and the layers of its sandbox.
    case started(engine: String, layers: [SandboxLayer])
    /// The worker runs. The message contains its process handle (pidfd).
    case forked(worker: UInt64, pid: Int32)
    /// The worker could not be forked.
    case forkFailed(worker: UInt64, reason: String)
    /// The worker has ended and was collected. `status` is the status word of `waitpid`.
    case exited(worker: UInt64, status: Int32)

    /// The longest report, in bytes.
    public static let maximumLength = 4096

    public init(_ message: UnsafeRawBufferPointer) throws(ProtocolError) {
        var reader = ByteReader(message)
        let kind: UInt8 = try reader.readInteger("report kind")
        switch kind {
        case 48:
            let engine = try reader.readString("engine")
            let count: UInt8 = try reader.readInteger("number of layers")
            var layers: [SandboxLayer] = []
            for _ in 0..<count { layers.append(try SandboxLayer(from: &reader)) }
            self = .started(engine: engine, layers: layers)
        case 49: self = .forked(worker: try reader.readInteger("worker number"), pid: try reader.readInteger("pid"))
        case 50:
            self = .forkFailed(worker: try reader.readInteger("worker number"), reason: try reader.readString("reason"))
        case 51:
            self = .exited(worker: try reader.readInteger("worker number"), status: try reader.readInteger("status"))
        default: throw .invalidValue(field: "report kind")
        }
        try reader.expectEnd()
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        switch self {
        case .started(let engine, let layers):
            writer.write(48 as UInt8)
            writer.write(engine)
            writer.write(UInt8(layers.count))
            for layer in layers { layer.write(to: &writer) }
        case .forked(let worker, let pid):
            writer.write(49 as UInt8)
            writer.write(worker)
            writer.write(pid)
        case .forkFailed(let worker, let reason):
            writer.write(50 as UInt8)
            writer.write(worker)
            writer.write(String(reason.prefix(1000)))
        case .exited(let worker, let status):
            writer.write(51 as UInt8)
            writer.write(worker)
            writer.write(status)
        }
        return writer.bytes
    }
}
