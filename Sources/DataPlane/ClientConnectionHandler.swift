import HTTPTypes
import NIOCore
import NIOHTTP1
import Telemetry

/// A route or a call wants the body of its request: a client that waits for `100 Continue` may go on.
struct BodyIsWanted: Sendable {}

/// The body of a request does not arrive in time.
struct BodyTooSlow: Error {}

/// Counts what a connection receives, before it is decoded.
private final class ReceivedBytes: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private(set) var count = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        count += Self.unwrapInboundIn(data).readableBytes
        context.fireChannelRead(data)
    }
}

/// Carries out what ``ClientConnectionState`` decides. It sits between the HTTP decoder and ``InvokeHandler``.
package final class ClientConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = HTTPServerRequestPart
    package typealias InboundOut = HTTPServerRequestPart
    package typealias OutboundIn = HTTPServerResponsePart
    package typealias OutboundOut = HTTPServerResponsePart

    private static let tick = TimeAmount.seconds(2)
    /// Closing at once could take the last response away from a client that is still sending.
    private static let lingering = TimeAmount.seconds(1)
    private static let writePolling = TimeAmount.milliseconds(10)

    private var state = ClientConnectionState()
    private var timer: Scheduled<Void>?
    /// nil: no request so far had a chunked body.
    private var receivedBytes: ReceivedBytes?

    package init() {}

    // MARK: Life

    package func handlerAdded(context: ChannelHandlerContext) {
        boundReads(context, isBody: false)
        if context.channel.isActive { start(context) }
    }

    package func handlerRemoved(context: ChannelHandlerContext) { stop() }

    // MARK: Reading

    /// Of heads and chunks, a turn of the event loop reads this much: with a few bytes for each chunk or each pipelined
    /// request, that is a thousand of them. Of a body whose length is known, it reads NIO's usual 256 KiB.
    private static let bytesPerTurn = 8 << 10
    private static let bytesPerTurnOfBody = 64 << 10
    private static let readsPerTurnOfBody: UInt = 4
    private var readsBody = false

    private func boundReads(_ context: ChannelHandlerContext, isBody: Bool) {
        readsBody = isBody
        // Both fail only if the channel is closed.
        try? context.channel.syncOptions?.setOption(
            .maxMessagesPerRead, value: isBody ? Self.readsPerTurnOfBody : 1 as UInt)
        try? context.channel.syncOptions?.setOption(
            .recvAllocator,
            value: AdaptiveRecvByteBufferAllocator(
                minimum: 1024, initial: isBody ? Self.bytesPerTurnOfBody : 2048,
                maximum: isBody ? Self.bytesPerTurnOfBody : Self.bytesPerTurn))
    }

    package func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    package func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    private func start(_ context: ChannelHandlerContext) {
        state.started(now: Self.nanos(context))
        scheduleTick(context)
    }

    private func stop() {
        timer?.cancel()
        timer = nil
    }

    // MARK: Requests

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let isPassedOn =
            switch Self.unwrapInboundIn(data) {
            case .head(let head): received(head, context)
            case .body(let bytes): receivedBody(bytes.readableBytes, context)
            case .end: receivedEnd(context)
            }
        if isPassedOn { context.fireChannelRead(data) }
    }

    /// Returns whether the head is passed on.
    private func received(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) -> Bool {
        switch state.received(head) {
        case .pass:
            if state.announcedBytes > Self.bytesPerTurnOfBody { boundReads(context, isBody: true) }
            return true
        case .passChunked:
            if receivedBytes == nil {
                let counter = ReceivedBytes()
                // If it cannot be added, the connection is being closed.
                try? context.pipeline.syncOperations.addHandler(counter, position: .first)
                receivedBytes = counter
            }
            return true
        case .drop: return false
        case .fail(let error):
            errorCaught(context: context, error: error)
            return false
        }
    }

    private func receivedBody(_ count: Int, _ context: ChannelHandlerContext) -> Bool {
        defer {
            // The last part of a body may come together with what follows it.
            if readsBody, state.missingBytes < Self.bytesPerTurnOfBody { boundReads(context, isBody: false) }
        }
        return state.receivedBody(bytes: count)
    }

    private func receivedEnd(_ context: ChannelHandlerContext) -> Bool {
        if readsBody { boundReads(context, isBody: false) }
        return state.receivedEnd()
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        if let receivedBytes, let error = state.received(total: receivedBytes.count) {
            errorCaught(context: context, error: error)
        }
        context.fireChannelReadComplete()
    }

    package func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?)
    {
        guard event is BodyIsWanted else { return context.triggerUserOutboundEvent(event, promise: promise) }
        if state.bodyIsWanted() { writeContinue(context) }
        promise?.succeed()
    }

    private func writeContinue(_ context: ChannelHandlerContext) {
        context.writeAndFlush(
            Self.wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if state.failed(error) { context.fireErrorCaught(error) }
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        switch event {
        case ChannelEvent.inputClosed:
            switch state.inputEnded() {
            case .none: break
            case .writeContinue: writeContinue(context)
            case .close: context.close(promise: nil)
            }
        case ChannelEvent.outputClosed:
            state.outputEnded()
            // The client knows that nothing more comes. It has a moment to read the rest.
            context.eventLoop.assumeIsolated().scheduleTask(in: Self.lingering) { context.close(promise: nil) }
        default: break
        }
    }

    // MARK: Responses

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch Self.unwrapOutboundIn(data) {
        case .head(let head): writeHead(context, data, head, promise)
        case .body:
            switch state.writesBody() {
            case .write: context.write(data, promise: promise)
            case .drop: promise?.succeed()
            case .fail: promise?.fail(ChannelError.outputClosed)
            }
        case .end: writeEnd(context, data, promise)
        }
    }

    private func writeHead(
        _ context: ChannelHandlerContext, _ data: NIOAny, _ head: HTTPResponseHead, _ promise: EventLoopPromise<Void>?
    ) {
        switch state.writesHead(isOurs: head.headers.contains(name: RequestID.headerName.rawName)) {
        case .write: context.write(data, promise: promise)
        case .announce(let isLast):
            var head = head
            head.headers.replaceOrAdd(name: "Connection", value: isLast ? "close" : "keep-alive")
            context.write(Self.wrapOutboundOut(.head(head)), promise: promise)
        case .drop: promise?.succeed()
        case .fail: promise?.fail(ChannelError.outputClosed)
        }
    }

    private func writeEnd(_ context: ChannelHandlerContext, _ data: NIOAny, _ promise: EventLoopPromise<Void>?) {
        switch state.writesEnd() {
        case .write: context.write(data, promise: promise)
        case .writeAndLeave:
            context.writeAndFlush(data, promise: promise)
            leave(context)
        case .refuse(let refusal):
            let requestID = RequestIDs.make()
            let response = ErrorResponse(refusal.error)
            let body = response.body(requestID: requestID)
            let headers: HTTPHeaders = [
                "Content-Type": "application/json", "Content-Length": "\(body.readableBytes)", "Connection": "close",
                RequestID.headerName.rawName: requestID,
            ]
            let head = HTTPResponseHead(
                version: .http1_1, status: HTTPResponseStatus(statusCode: response.status.code), headers: headers)
            context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
            context.write(Self.wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: promise)
            leave(context)
        case .leave:
            promise?.succeed()
            leave(context)
        case .fail: promise?.fail(ChannelError.outputClosed)
        }
    }

    private func leave(_ context: ChannelHandlerContext) { close(context: context, mode: .output, promise: nil) }

    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        let mustWait = state.closeMustWait(
            input: mode == .input, isConnected: context.channel.isActive, unsentBytes: Self.unsentBytes(context))
        guard mustWait else { return context.close(mode: mode, promise: promise) }
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.writePolling) {
            self.close(context: context, mode: mode, promise: promise)
        }
    }

    private static func unsentBytes(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    // MARK: Time

    private static func nanos(_ context: ChannelHandlerContext) -> Int64 {
        Int64(clamping: context.eventLoop.now.uptimeNanoseconds)
    }

    private func scheduleTick(_ context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.tick) {
            guard context.channel.isActive else { return }
            switch self.state.tick(now: Self.nanos(context), unsentBytes: Self.unsentBytes(context)) {
            case .none: break
            case .close: context.close(promise: nil)
            case .bodyIsTooSlow: context.fireErrorCaught(BodyTooSlow())
            }
            self.scheduleTick(context)
        }
    }
}
