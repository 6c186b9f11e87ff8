import NIOCore
import WorkerProtocol

/// A frame as it came; what it means is the worker's state's affair.
package struct WorkerFrame {
    package let kind: UInt8
    package var payload: ByteBuffer
}

package struct WorkerFrameDecoder: NIOSingleStepByteToMessageDecoder {
    package typealias InboundOut = WorkerFrame

    package init() {}

    package mutating func decode(buffer: inout ByteBuffer) throws -> WorkerFrame? {
        guard let (length, kind) = buffer.peekMultipleIntegers(endianness: .little, as: (UInt32, UInt8).self) else {
            return nil
        }
        // Checked before a byte is reserved for it.
        let header = try Frame.Header(lengthField: length, kind: kind)
        let total = Frame.headerLength + header.payloadLength
        guard buffer.readableBytes >= total else {
            buffer.reserveCapacity(minimumWritableBytes: total - buffer.readableBytes)
            return nil
        }
        buffer.moveReaderIndex(forwardBy: Frame.headerLength)
        return WorkerFrame(kind: kind, payload: buffer.readSlice(length: header.payloadLength)!)
    }

    /// Half a frame from a worker that has ended: its end is the outcome.
    package mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> WorkerFrame? {
        try decode(buffer: &buffer)
    }
}
