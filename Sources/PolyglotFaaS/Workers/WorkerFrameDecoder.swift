import NIOCore
import WorkerProtocol

/// A frame as it came; what it means is the worker's state's affair.
package struct WorkerFrame: Sendable {
    package let kind: UInt8
    package var payload: ByteBuffer
}

package struct WorkerFrameDecoder: ByteToMessageDecoder {
    package typealias InboundOut = WorkerFrame

    package init() {}

    package mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        guard let (length, kind) = buffer.peekMultipleIntegers(endianness: .little, as: (UInt32, UInt8).self) else {
            return .needMoreData
        }
        // Checked before a byte is reserved for it.
        let header = try Frame.Header(lengthField: length, kind: kind)
        let total = Frame.headerLength + header.payloadLength
        guard buffer.readableBytes >= total else {
            buffer.reserveCapacity(minimumWritableBytes: total - buffer.readableBytes)
            return .needMoreData
        }
        buffer.moveReaderIndex(forwardBy: Frame.headerLength)
        context.fireChannelRead(wrapInboundOut(WorkerFrame(kind: kind, payload: buffer.readSlice(length: header.payloadLength)!)))
        return .continue
    }

    package mutating func decodeLast(context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool) throws -> DecodingState {
        // Half a frame from a worker that has ended: its end is the outcome.
        while try decode(context: context, buffer: &buffer) == .continue {}
        return .needMoreData
    }
}
