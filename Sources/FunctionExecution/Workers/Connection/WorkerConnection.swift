import FunctionModel
import Glibc
import HostMemory
import NIOCore
import SystemCalls
import WorkerProtocol

/// The host's end of a worker's socket: bytes of the worker to frames, invocations to bytes.
///
/// Used on the worker's event loop only. What of a frame has come is drawn from the host's memory until the frame is
/// whole.
final class WorkerConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let worker: Worker
    private let channel: any Channel
    /// The channel's, and so valid only while that is open.
    private let socket: Int32
    private let memory: ByteBudget
    /// nil once nothing more is read.
    private var frames: NIOSingleStepByteToMessageProcessor<WorkerFrameDecoder>?
    private var reserved = 0

    init(_ worker: Worker, _ channel: any Channel, socket: Int32, memory: ByteBudget) {
        self.worker = worker
        self.channel = channel
        self.socket = socket
        self.memory = memory
        frames = NIOSingleStepByteToMessageProcessor(WorkerFrameDecoder(limits: worker.limits.frames))
    }

    deinit { memory.release(reserved) }

    // MARK: To the worker

    /// Sends its function. Returns the length of the message if that is more than a frame holds; nothing is sent then.
    func send(_ function: LoadMessage) -> Int? {
        let message = function.encoded()
        guard message.count <= Frame.maximumPayloadLength else { return message.count }
        let frame = ByteBuffer(bytes: Frame.encode(kind: Frame.FromHost.load.rawValue, payload: message))
        channel.writeAndFlush(frame).assumeIsolated().whenFailure { [worker] _ in worker.functionWasNotRead() }
        return nil
    }

    func send(_ invocation: Invocation) {
        let header = InvokeHeader(requestID: invocation.requestID, deadline: invocation.deadline ?? 0)
        let prefix = Frame.headerLength + header.encodedLength
        let isCopied = invocation.event.readableBytes <= 16 << 10
        var buffer = channel.allocator.buffer(capacity: prefix + (isCopied ? invocation.event.readableBytes : 0))
        let length = header.encodedLength + invocation.event.readableBytes
        buffer.writeInteger(UInt32(truncatingIfNeeded: length), endianness: .little)
        buffer.writeInteger(Frame.FromHost.invoke.rawValue)
        buffer.writeBytes(header.encoded())
        if isCopied {
            buffer.writeImmutableBuffer(invocation.event)
            channel.writeAndFlush(buffer, promise: nil)
        } else {
            // Copying a large event behind its header would cost more than a second write.
            channel.write(buffer, promise: nil)
            channel.writeAndFlush(invocation.event, promise: nil)
        }
    }

    // MARK: From the worker

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let frames else { return }
        do {
            // Here, and not in a handler of its own: that costs each frame a box, a cast and a few calls.
            try frames.process(buffer: unwrapInboundIn(data)) { try worker.take($0) }
        } catch {
            stopReading()
            return worker.distrust("\(error)")
        }
        if frames.unprocessedBytes != reserved { drawMemory() }
    }

    /// Draws what is kept of a frame that is not whole, and gives back what was drawn for the one before.
    private func drawMemory() {
        // A frame may have ended the connection.
        let needed = frames?.unprocessedBytes ?? 0
        if needed <= reserved {
            memory.release(reserved - needed)
        } else if !memory.reserve(needed - reserved) {
            stopReading()
            return worker.refuse()
        }
        reserved = needed
    }

    private func stopReading() {
        frames = nil
        memory.release(reserved)
        reserved = 0
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The kernel reports a peer that closed its end with bytes unread.
        if (error as? IOError)?.errnoCode == ECONNRESET { worker.functionWasNotRead() }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        stopReading()
        worker.connectionClosed()
    }

    // MARK: The end

    /// What has been sent is still read; then comes the end of the stream.
    func endReading() { Descriptors.endReading(socket) }

    func close() { channel.close(promise: nil) }
}
