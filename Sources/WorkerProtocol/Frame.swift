/// The wire format between the host and a worker: `[u32 payload length][u8 kind][payload]`, little-endian.
///
/// This module only converts bytes to values and back, without I/O or state. A worker is not trusted, so the host
/// checks each of its messages completely.
public enum Frame {
    public static let headerLength = 5
    /// The longest payload that either side accepts, in bytes. Checked before memory is allocated for it.
    public static let maximumPayloadLength = 64 << 20

    /// What the host sends to a worker.
    public enum FromHost: UInt8, Sendable {
        /// Load this function (``LoadMessage``). Sent once, first.
        case load = 1
        /// Call its handler (``InvokeHeader``, then the event's bytes unchanged). Sent only after ``FromWorker/ready``.
        case invoke = 2
    }

    /// What a worker sends to the host.
    public enum FromWorker: UInt8, Sendable {
        /// The state is pristine; send the next invocation. No payload.
        case ready = 16
        /// The function could not be loaded (``Failure``). The worker ends.
        case loadFailed = 17
        /// The function wrote a line (``LogMessage``).
        case log = 18
        /// The handler's result, as JSON text.
        case result = 19
        /// The invocation has no result (``Failure``).
        case failure = 20
        /// Modules that the first call has imported and that are in the snapshot (``ModuleNames``). Sent once at most,
        /// before the `ready` that follows that call. A forked copy sends its worker the same before its outcome.
        case imports = 21
    }

    /// The first bytes of every frame.
    public struct Header: Equatable, Sendable {
        public let payloadLength: Int
        public let kind: UInt8

        public init(payloadLength: Int, kind: UInt8) {
            self.payloadLength = payloadLength
            self.kind = kind
        }

        /// - Throws: ``ProtocolError`` if the payload would be longer than `limit`.
        public init(lengthField: UInt32, kind: UInt8, limit: Int = Frame.maximumPayloadLength) throws(ProtocolError) {
            guard lengthField <= limit else { throw .frameTooLong(UInt64(lengthField), limit: limit) }
            self.init(payloadLength: Int(lengthField), kind: kind)
        }

        /// - Precondition: `bytes` holds at least ``Frame/headerLength`` bytes.
        public init(_ bytes: UnsafeRawBufferPointer) throws(ProtocolError) {
            let length = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
            try self.init(lengthField: length, kind: bytes[4])
        }

        /// - Precondition: `bytes` has room for ``Frame/headerLength`` bytes.
        public func write(to bytes: UnsafeMutableRawBufferPointer) {
            bytes.storeBytes(of: UInt32(payloadLength).littleEndian, as: UInt32.self)
            bytes[4] = kind
        }
    }

    /// Encodes a whole frame.
    /// - Precondition: the payload is no longer than ``maximumPayloadLength``.
    public static func encode(kind: UInt8, payload: [UInt8] = []) -> [UInt8] {
        var writer = ByteWriter(capacity: headerLength + payload.count)
        writer.write(UInt32(payload.count))
        writer.write(kind)
        writer.write(bytes: payload)
        return writer.bytes
    }
}

/// Why bytes cannot be decoded as a message. Their connection is not used any further.
public enum ProtocolError: Error, Equatable, Sendable, CustomStringConvertible {
    case frameTooLong(UInt64, limit: Int)
    case truncated(field: String)
    case invalidUTF8(field: String)
    case invalidValue(field: String)
    case trailingBytes(Int)

    public var description: String {
        switch self {
        case .frameTooLong(let length, let limit): "a frame of \(length) bytes, more than the limit of \(limit)"
        case .truncated(let field): "a message that ends before its \(field)"
        case .invalidUTF8(let field): "a \(field) that is not UTF-8"
        case .invalidValue(let field): "an invalid \(field)"
        case .trailingBytes(let count): "\(count) bytes after the end of a message"
        }
    }
}
