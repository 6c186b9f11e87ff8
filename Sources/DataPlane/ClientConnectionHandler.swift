import HTTPTypes
import NIOCore
import NIOHTTP1

/// A route asks for the body of its request: the client that waits for `100 Continue` may go on.
struct BodyIsWanted: Sendable {}

/// The body of a request does not arrive in time.
struct BodyTooSlow: Error {}

/// What a connection does besides carrying requests and answers:
/// - answers to HEAD have no body, whoever made them;
/// - a client that has gone is found out, also one that may only have finished sending;
/// - `100 Continue` is sent when the body is wanted;
/// - what is no HTTP has an answer like any other error;
/// - the last answer is announced, sent whole, and the client has a moment to read it;
/// - slow and silent clients do not stay for ever.
///
/// It sits between the HTTP decoder and Hummingbird's channel handlers.
package final class ClientConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = HTTPServerRequestPart
    package typealias InboundOut = HTTPServerRequestPart
    package typealias OutboundIn = HTTPServerResponsePart
    package typealias OutboundOut = HTTPServerResponsePart

    private enum Limits {
        /// Times are looked at this often, and so are up to this much longer than they say. One timer for each
        /// connection costs a request nothing.
        static let tickSeconds = 2
        static let idleSeconds = 60
        static let stallSeconds = 30
        static let bodySeconds = 10
        /// So many bytes of a body buy one more second.
        static let bodyBytesPerSecond = 64 << 10
        /// A body that nobody wants is read to its end if no more than this is to come, and the connection lives on.
        static let unwantedBodyBytes = 64 << 10
        /// Closing at once could take the last answer away from a client that is still sending.
        static let lingering = TimeAmount.seconds(1)
        static let writePolling = TimeAmount.milliseconds(10)
    }

    /// A request that has no answer yet.
    private struct Request {
        let version: HTTPVersion
        let isHead: Bool
        /// This is the last one: the client says so, or it wants a protocol that is not spoken here.
        var isLast: Bool
        var awaitsContinue = false
    }

    /// The request that is arriving.
    private struct Arrival {
        /// nil: chunked.
        var length: Int? = 0
        var bytes = 0
        var seconds = 0
    }

    private enum Output {
        case none
        /// Between the head and the end of an answer.
        case answering(isHead: Bool, isLast: Bool)
        /// Hummingbird's answer to what is no HTTP: ours is sent instead, or none.
        case replaced
    }

    private var unanswered = CircularBuffer<Request>(initialCapacity: 2)
    private var arrival: Arrival?
    private var output = Output.none
    private var refusal: HTTPParserError?
    private var hasInputEnded = false
    /// The last answer has been written: what comes now is not looked at.
    private var isLeaving = false
    /// The time that a stopping server has is over: Hummingbird closes the input when its task is cancelled.
    private var isCancelled = false
    private var idleSeconds = 0
    private var stallSeconds = 0
    private var unsentBytes = 0
    private var timer: Scheduled<Void>?

    package init() {}

    // MARK: Life

    package func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { scheduleTick(context) }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }

    package func channelActive(context: ChannelHandlerContext) {
        scheduleTick(context)
        context.fireChannelActive()
    }

    package func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        context.fireChannelInactive()
    }

    // MARK: Requests

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isLeaving else { return }
        idleSeconds = 0
        switch Self.unwrapInboundIn(data) {
        case .head(let head): begin(head)
        case .body(let bytes): arrival?.bytes += bytes.readableBytes
        case .end: arrival = nil
        }
        context.fireChannelRead(data)
    }

    private func begin(_ head: HTTPRequestHead) {
        var request = Request(
            version: head.version, isHead: head.method == .HEAD,
            // After a request for another protocol the decoder reads nothing more.
            isLast: !head.isKeepAlive || head.method == .CONNECT)
        var arrival = Arrival()
        // One look at each; lengths tell most names apart.
        for (name, value) in head.headers {
            switch name.utf8.count {
            case 6 where name.lowercased() == "expect":
                // HTTP/1.0 knows no answers before the answer.
                request.awaitsContinue = head.version != .http1_0 && value.lowercased() == "100-continue"
            case 7 where name.lowercased() == "upgrade": request.isLast = true
            case 14 where name.lowercased() == "content-length": arrival.length = Int(value) ?? .max
            case 17 where name.lowercased() == "transfer-encoding": arrival.length = nil
            default: break
            }
        }
        unanswered.append(request)
        self.arrival = arrival
    }

    package func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?)
    {
        guard event is BodyIsWanted else { return context.triggerUserOutboundEvent(event, promise: promise) }
        // Routes answer one request after the other: it is the first one's.
        if let request = unanswered.first, request.awaitsContinue {
            unanswered[unanswered.startIndex].awaitsContinue = false
            // Who sends already does not wait.
            if arrival?.bytes == 0 { writeContinue(context) }
        }
        promise?.succeed()
    }

    private func writeContinue(_ context: ChannelHandlerContext) {
        context.writeAndFlush(
            Self.wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isLeaving else { return }
        if let error = error as? HTTPParserError, refusal == nil {
            refusal = error
            // Nothing after it can be understood.
            if arrival != nil, !unanswered.isEmpty {
                unanswered[unanswered.index(before: unanswered.endIndex)].isLast = true
            }
        }
        context.fireErrorCaught(error)
    }

    // MARK: Clients that go

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        switch event {
        case ChannelEvent.inputClosed: inputEnded(context)
        case ChannelEvent.outputClosed: leaveSoon(context)
        default: break
        }
    }

    /// The client will send nothing more. It may have gone, or still wait for its answer: TCP does not tell. But who
    /// has gone answers bytes with a reset, which closes the connection; and a client must expect a `100 Continue` at
    /// any time.
    private func inputEnded(_ context: ChannelHandlerContext) {
        hasInputEnded = true
        guard let request = unanswered.first, arrival == nil, case .none = output else { return }
        if request.version != .http1_0 {
            writeContinue(context)
        } else {
            // It could not understand the question. Most HTTP/1.0 clients are proxies, and they have gone.
            context.close(promise: nil)
        }
    }

    // MARK: Answers

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isLeaving else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        idleSeconds = 0
        switch (Self.unwrapOutboundIn(data), output) {
        case (.head(let head), _):
            if refusal != nil, !head.headers.contains(name: RequestID.headerName.rawName) {
                // Ours all have a request id.
                output = .replaced
                promise?.succeed()
            } else {
                beginAnswer(context, data, head, promise)
            }
        case (.body, .replaced), (.body, .answering(isHead: true, _)):
            promise?.succeed()
        case (.end, .replaced):
            refuse(context, promise)
        case (.end, .answering(_, let isLast)):
            output = .none
            if !unanswered.isEmpty { unanswered.removeFirst() }
            if isLast {
                context.writeAndFlush(data, promise: promise)
                leave(context)
            } else {
                context.write(data, promise: promise)
            }
        case (.body, _), (.end, _):
            context.write(data, promise: promise)
        }
    }

    private func beginAnswer(
        _ context: ChannelHandlerContext, _ data: NIOAny, _ head: HTTPResponseHead, _ promise: EventLoopPromise<Void>?
    ) {
        let request = unanswered.first
        var isLast = request?.isLast ?? true
        if request?.awaitsContinue == true {
            // Whether the client sends the body that nobody wanted is its own affair.
            isLast = true
        } else if unanswered.count == 1, let arrival {
            // The answer comes before the end of the request: nobody wants the rest.
            isLast = isLast || arrival.length.map { $0 - arrival.bytes > Limits.unwantedBodyBytes } ?? true
        }
        output = .answering(isHead: request?.isHead == true, isLast: isLast)
        guard isLast || request?.version == .http1_0 else { return context.write(data, promise: promise) }
        var head = head
        head.headers.replaceOrAdd(name: "Connection", value: isLast ? "close" : "keep-alive")
        context.write(Self.wrapOutboundOut(.head(head)), promise: promise)
    }

    /// Answers what is no HTTP, after all answers to what came before it.
    private func refuse(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        output = .none
        // In the middle of a request, that request has had an answer.
        if arrival == nil, let refusal {
            let answer = ErrorResponse(refusal)
            let requestID = RequestID.new()
            let body = answer.body(requestID: requestID)
            let headers: HTTPHeaders = [
                "Content-Type": "application/json", "Content-Length": "\(body.readableBytes)", "Connection": "close",
                RequestID.headerName.rawName: requestID,
            ]
            let head = HTTPResponseHead(
                version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status.code), headers: headers)
            context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
            context.write(Self.wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: promise)
        } else {
            promise?.succeed()
        }
        leave(context)
    }

    // MARK: The end

    /// The last answer has been written.
    private func leave(_ context: ChannelHandlerContext) {
        isLeaving = true
        close(context: context, mode: .output, promise: nil)
    }

    /// The client has been told that nothing more comes. It has a moment to read that; what it sends meanwhile is
    /// forgotten.
    private func leaveSoon(_ context: ChannelHandlerContext) {
        isLeaving = true
        context.eventLoop.assumeIsolated().scheduleTask(in: Limits.lingering) { context.close(promise: nil) }
    }

    /// Whoever closes, what has been written is sent first: NIO forgets it when the client has ended its side, and when
    /// both sides are closed at once.
    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .input { isCancelled = true }
        guard !isCancelled, context.channel.isActive, bufferedBytes(context) > 0 else {
            return context.close(mode: mode, promise: promise)
        }
        context.eventLoop.assumeIsolated().scheduleTask(in: Limits.writePolling) {
            self.close(context: context, mode: mode, promise: promise)
        }
    }

    private func bufferedBytes(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    // MARK: Time

    private func scheduleTick(_ context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(Int64(Limits.tickSeconds))) {
            guard context.channel.isActive else { return }
            self.tick(context)
            self.scheduleTick(context)
        }
    }

    private func tick(_ context: ChannelHandlerContext) {
        let unsent = bufferedBytes(context)
        stallSeconds = unsent > 0 && unsent >= unsentBytes ? stallSeconds + Limits.tickSeconds : 0
        unsentBytes = unsent
        if stallSeconds > Limits.stallSeconds { return context.close(promise: nil) }

        // While an earlier answer is being made nobody reads on: that the rest does not arrive is not the client's
        // fault.
        if let arrival, unanswered.count <= 1 {
            self.arrival?.seconds += Limits.tickSeconds
            if arrival.seconds >= Limits.bodySeconds + arrival.bytes / Limits.bodyBytesPerSecond {
                guard !unanswered.isEmpty else { return context.close(promise: nil) }
                unanswered[unanswered.startIndex].isLast = true
                self.arrival = nil
                return context.fireErrorCaught(BodyTooSlow())
            }
        }

        // A head that does not end is nothing either.
        if unanswered.isEmpty, arrival == nil, unsent == 0 {
            idleSeconds += Limits.tickSeconds
            if idleSeconds > Limits.idleSeconds { context.close(promise: nil) }
        }
    }
}
