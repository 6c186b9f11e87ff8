import FunctionModel
import Glibc
import HostMemory
import NIOCore
import SystemCalls
import Telemetry
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
    private var decoder: WorkerFrameDecoder
    /// What has not been decoded yet.
    private var bytes = ByteBuffer()
    private var reserved = 0
    /// False once nothing more is read.
    private var isReading = true

    /// How many frames are handled before the event loop turns to others. A call that logs nothing takes two.
    private static let framesPerTurn = 256
    private static let pause = TimeAmount.microseconds(100)
    private var framesLeft = framesPerTurn
    /// More frames than fit a turn have come. They wait for the next one.
    private var isPaused = false
    /// The channel was closed during a pause. The worker is told after the last frame.
    private var isClosed = false

    /// How often a turn reads from the socket, up to 64 KiB each time.
    static let readsPerTurn: UInt = 16

    init(_ worker: Worker, _ channel: any Channel, socket: Int32, memory: ByteBudget) {
        self.worker = worker
        self.channel = channel
        self.socket = socket
        self.memory = memory
        decoder = WorkerFrameDecoder(limits: worker.limits.frames)
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
        let header = InvokeHeader(
            requestID: invocation.requestID, deadline: invocation.deadline ?? 0,
            traceparent: invocation.trace?.traceparent ?? "", tracestate: invocation.trace?.tracestate ?? "")
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
        guard isReading else { return }
        var incoming = unwrapInboundIn(data)
        if bytes.readableBytes == 0 { bytes = incoming } else { bytes.writeBuffer(&incoming) }
        if !isPaused { handleFrames() }
        if isReading, bytes.readableBytes != reserved { drawMemory() }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !isPaused { framesLeft = Self.framesPerTurn }
    }

    private func handleFrames() {
        do {
            // Here, and not in a handler of its own: that costs each frame a box, a cast and a few calls.
            while isReading, bytes.readableBytes > 0, let frame = try decoder.decode(buffer: &bytes) {
                try worker.take(frame)
                framesLeft -= 1
                if framesLeft == 0 {
                    pauseReading()
                    break
                }
            }
        } catch {
            stopReading()
            return worker.distrust("\(error)")
        }
        if bytes.readableBytes == 0 {
            bytes = ByteBuffer()
        } else if bytes.readerIndex > bytes.readableBytes {
            bytes.discardReadBytes()
        }
    }

    /// Draws what is kept of a frame that is not whole, and gives back what was drawn for the one before.
    private func drawMemory() {
        let needed = bytes.readableBytes
        if needed <= reserved {
            memory.release(reserved - needed)
        } else if !memory.reserve(needed - reserved) {
            stopReading()
            return worker.refuse()
        }
        reserved = needed
    }

    private func stopReading() {
        isReading = false
        bytes = ByteBuffer()
        memory.release(reserved)
        reserved = 0
    }

    // MARK: Pauses

    /// Lets others use the event loop. What the worker sends meanwhile stays in its socket, except what this turn still
    /// reads.
    private func pauseReading() {
        isPaused = true
        setReads(automatic: false)
        // A delay, because the event loop runs tasks without one before it looks at its channels again.
        channel.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { self.resumeReading() }
    }

    private func resumeReading() {
        (isPaused, framesLeft) = (false, Self.framesPerTurn)
        if isReading {
            handleFrames()
            if isReading, bytes.readableBytes != reserved { drawMemory() }
            if isPaused { return }
        }
        if isClosed { closed() } else { setReads(automatic: true) }
    }

    private func setReads(automatic: Bool) {
        // It fails only if the channel is closed.
        try? channel.syncOptions?.setOption(.autoRead, value: automatic)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The kernel reports a peer that closed its end with bytes unread.
        if (error as? IOError)?.errnoCode == ECONNRESET { worker.functionWasNotRead() }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosed = true
        if !isPaused { closed() }
    }

    private func closed() {
        stopReading()
        worker.connectionClosed()
    }

    // MARK: The end

    /// What has been sent is still read; then comes the end of the stream.
    func endReading() { if !isClosed { Descriptors.endReading(socket) } }

    /// What the worker has sent, and what has not been handled, is dropped.
    func close() {
        stopReading()
        channel.close(promise: nil)
    }
}
