import NIOCore
import WorkerProtocol

/// How many bytes of a frame's payload the host keeps, for each kind. The rest is read and dropped.
package struct WorkerFrameLimits: Sendable {
    /// A longer result is dropped whole.
    let result: Int
    /// A longer line is cut.
    let log: Int
    /// A longer message or stack is cut.
    let failure: Int

    package init(
        result: Int = Frame.maximumPayloadLength, log: Int = Frame.maximumPayloadLength, failure: Int = Self.failure
    ) {
        (self.result, self.log, self.failure) = (result, log, failure)
    }

    package static let failure = 1 << 20

    func kept(_ kind: Frame.FromWorker, _ length: Int) throws(ProtocolError) -> Int {
        switch kind {
        case .ready:
            guard length == 0 else { throw .trailingBytes(length) }
            return 0
        case .result: return length <= result ? length : 0
        case .log: return min(length, log)
        case .failure, .loadFailed: return min(length, failure)
        case .imports:
            guard length <= ModuleNames.maximumLength else {
                throw .frameTooLong(UInt64(length), limit: ModuleNames.maximumLength)
            }
            return length
        }
    }
}

package enum WorkerFrame {
    /// The header of a frame whose payload has yet to come. The frame itself follows.
    case begun(Frame.FromWorker)
    /// `payload` is what is kept of `length` bytes.
    case whole(Frame.FromWorker, payload: ByteBuffer, length: Int)
}

/// Splits a worker's bytes into frames. ``Worker`` interprets them according to its phase.
package struct WorkerFrameDecoder: NIOSingleStepByteToMessageDecoder {
    package typealias InboundOut = WorkerFrame

    private struct Header {
        let kind: Frame.FromWorker
        let length: Int
        let kept: Int
    }

    private let limits: WorkerFrameLimits
    /// Of the frame that has begun, once it has been announced.
    private var begun: Header?
    /// Bytes of the last frame that are still to be dropped.
    private var rest = 0

    package init(limits: WorkerFrameLimits = WorkerFrameLimits()) { self.limits = limits }

    package mutating func decode(buffer: inout ByteBuffer) throws -> WorkerFrame? {
        if rest > 0 {
            let dropped = min(rest, buffer.readableBytes)
            buffer.moveReaderIndex(forwardBy: dropped)
            rest -= dropped
        }
        if let header = begun {
            guard let frame = read(header, from: &buffer) else {
                // Address space; the memory is used when bytes come.
                buffer.reserveCapacity(minimumWritableBytes: header.kept - buffer.readableBytes)
                return nil
            }
            begun = nil
            return frame
        }
        guard let (length, kind) = buffer.peekMultipleIntegers(endianness: .little, as: (UInt32, UInt8).self) else {
            return nil
        }
        // Checked before any memory is taken for it.
        let payloadLength = try Frame.Header(lengthField: length, kind: kind).payloadLength
        guard let kind = Frame.FromWorker(rawValue: kind) else { throw ProtocolError.invalidValue(field: "frame kind") }
        let header = Header(
            kind: kind, length: payloadLength, kept: try limits.kept(kind, payloadLength))
        buffer.moveReaderIndex(forwardBy: Frame.headerLength)
        if let frame = read(header, from: &buffer) { return frame }
        begun = header
        return .begun(kind)
    }

    private mutating func read(_ header: Header, from buffer: inout ByteBuffer) -> WorkerFrame? {
        guard let payload = buffer.readSlice(length: header.kept) else { return nil }
        rest = header.length - header.kept
        return .whole(header.kind, payload: payload, length: header.length)
    }

    /// Half a frame of a worker that has ended is dropped: the end of the worker is the outcome.
    package mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> WorkerFrame? {
        try decode(buffer: &buffer)
    }
}
