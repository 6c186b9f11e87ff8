/// Exit codes of workers that mean something to the host.
public enum WorkerExit {
    /// The state as just loaded could not be put back after an invocation that has had its answer. The memory
    /// rewinder's number.
    public static let retired: Int32 = 86
}

/// What the host asks of a zygote: one message each on a socket that keeps message boundaries.
public enum ZygoteRequest: Equatable, Sendable {
    /// Fork a worker that serves the socket sent along with this message. `isSpare`: it is to get ready as far as that
    /// is possible without knowing its function, which it is not going to keep instances of. `priority`: a
    /// `ProcessPriority`'s number.
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

/// What a zygote tells the host.
public enum ZygoteReport: Equatable, Sendable {
    /// The engine is ready to be forked; its name and version, and what confines its workers.
    case started(engine: String, layers: [SandboxLayer])
    /// The worker runs; a process handle (pidfd) came along with this message.
    case forked(worker: UInt64, pid: Int32)
    /// There is no such worker.
    case forkFailed(worker: UInt64, reason: String)
    /// The worker has ended and been collected. `status` is `waitpid`'s.
    case exited(worker: UInt64, status: Int32)

    /// The longest message of this kind, in bytes.
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
