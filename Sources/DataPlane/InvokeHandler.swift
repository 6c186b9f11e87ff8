import Foundation
import FunctionModel
import FunctionService
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import Telemetry

/// `POST /invoke/{id}`, and any method of `/http/{id}/…`, answered on the event loop of its connection: no task, no
/// router, no change of thread. Every other request passes through to Hummingbird; docs/dependencies.md has what that
/// saves.
///
/// A connection has one request under way at a time, ours or Hummingbird's. What arrives meanwhile is held, in order.
package final class InvokeHandler: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = HTTPServerRequestPart
    package typealias InboundOut = HTTPServerRequestPart
    package typealias OutboundIn = HTTPServerResponsePart
    package typealias OutboundOut = HTTPServerResponsePart

    private struct Request {
        let id: String
        let path: String
        /// The request itself, if it is for a function that answers HTTP.
        let http: HTTPEvent?
    }

    private enum Target {
        case invoke(id: Substring)
        case http(id: Substring, path: Substring)
    }

    private enum State {
        /// None of ours is under way.
        case passing
        /// Its function is being read.
        case resolving(Request, HTTPRequestHead)
        /// Its body is arriving.
        case collecting(Request, Function, ByteBuffer)
        case running(Request, Function, PendingInvocation)
        /// It had its answer before its end had arrived: the rest is dropped.
        case discarding
    }

    private enum Inbound {
        case part(HTTPServerRequestPart)
        case error(any Error)
        case event(Any)
    }

    /// So much may be held before the connection is read no further.
    private static let heldLimit = 16

    private let service: FunctionService
    private let configuration: DataPlaneConfiguration
    private let logger: Logger

    private var state = State.passing
    /// Requests passed through that have no whole answer yet.
    private var passedThrough = 0
    private var held: CircularBuffer<Inbound> = []
    private var isReadHeld = false
    private var quiesce: ChannelShouldQuiesceEvent?
    private var date = HTTPDate()

    package init(
        service: FunctionService, configuration: DataPlaneConfiguration, logger: Logger
    ) {
        self.service = service
        self.configuration = configuration
        self.logger = logger
    }

    // MARK: What arrives

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        arrive(.part(Self.unwrapInboundIn(data)), context)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) { arrive(.error(error), context) }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelShouldQuiesceEvent { quiesce = event } else { arrive(.event(event), context) }
        passOnQuiesce(context)
    }

    private func arrive(_ inbound: Inbound, _ context: ChannelHandlerContext) {
        if held.isEmpty, !mustWait(inbound) { take(inbound, context) } else { held.append(inbound) }
        passOnQuiesce(context)
    }

    private func mustWait(_ inbound: Inbound) -> Bool {
        switch (state, inbound) {
        case (.running, _), (.resolving, _): true
        case (.passing, .part(.head(let head))): passedThrough > 0 && target(of: head) != nil
        default: false
        }
    }

    private func takeHeld(_ context: ChannelHandlerContext) {
        if held.isEmpty { return passOnQuiesce(context) }
        while let next = held.first, !mustWait(next) {
            held.removeFirst()
            take(next, context)
        }
        // Hummingbird's channel hands on what it was given when a read is complete, and that of these parts was long
        // ago.
        context.fireChannelReadComplete()
        if isReadHeld, held.count < Self.heldLimit {
            isReadHeld = false
            context.read()
        }
        passOnQuiesce(context)
    }

    /// The server is stopping. Hummingbird closes the connections that it knows to be idle, and of our requests it
    /// knows nothing.
    private func passOnQuiesce(_ context: ChannelHandlerContext) {
        guard let event = quiesce, held.isEmpty else { return }
        switch state {
        case .collecting, .running, .resolving: break
        case .passing, .discarding:
            quiesce = nil
            context.fireUserInboundEventTriggered(event)
        }
    }

    private func take(_ inbound: Inbound, _ context: ChannelHandlerContext) {
        switch (state, inbound) {
        case (.passing, .part(.head(let head))):
            if let target = target(of: head) { return begin(head, target, context) }
            passedThrough += 1
        case (.collecting(let request, let function, let body), .part(.body(let bytes))):
            return collect(request, function, body, bytes, context)
        case (.collecting(let request, let function, let body), .part(.end)):
            return run(request, function, event: body, context)
        case (.collecting(let request, _, _), .error(let error)):
            state = .discarding
            return answer(request, with: error, context)
        case (.collecting, .event(let event as ChannelEvent)) where event == .inputClosed:
            // Its end will not come.
            state = .passing
        case (.discarding, .part(let part)):
            if case .end = part { state = .passing }
            return
        default: break
        }
        pass(inbound, context)
    }

    private func pass(_ inbound: Inbound, _ context: ChannelHandlerContext) {
        switch inbound {
        case .part(let part): context.fireChannelRead(Self.wrapInboundOut(part))
        case .error(let error): context.fireErrorCaught(error)
        case .event(let event): context.fireUserInboundEventTriggered(event)
        }
    }

    /// nil if the request is not ours.
    private func target(of head: HTTPRequestHead) -> Target? {
        // A target is a path with a query; to a proxy it may be a whole address.
        // By bytes, not by characters, which take long to find.
        let isPath = head.uri.utf8.first == UInt8(ascii: "/")
        let path = isPath ? head.uri.utf8.prefix { $0 != UInt8(ascii: "?") } : Substring(URI(head.uri).path).utf8
        let segments = path.split(separator: UInt8(ascii: "/"))
        guard segments.count >= 2 else { return nil }
        let id = Substring(segments[1])
        if segments[0].elementsEqual("http".utf8) {
            return .http(id: id, path: Substring(path[segments[1].endIndex...]))
        }
        guard head.method == .POST, segments.count == 2, segments[0].elementsEqual("invoke".utf8) else { return nil }
        return .invoke(id: id)
    }

    // MARK: One of ours

    private func begin(_ head: HTTPRequestHead, _ target: Target, _ context: ChannelHandlerContext) {
        let (id, http): (Substring, HTTPEvent?) =
            switch target {
            case .invoke(let id): (id, nil)
            case .http(let id, let path):
                (id, HTTPEvent(head, path: path, sourceAddress: context.remoteAddress?.ipAddress ?? ""))
            }
        let request = Request(
            id: RequestID.from(head.headers.first(name: RequestID.headerName.rawName)), path: head.uri, http: http)
        do {
            guard let id = id.utf8.contains(UInt8(ascii: "%")) ? String(id).removingPercentEncoding : String(id) else {
                throw InvalidRequest("The path is not percent-encoded text.")
            }
            state = .resolving(request, head)
            let (here, eventLoop) = (NIOLoopBound((self, context), eventLoop: context.eventLoop), context.eventLoop)
            let isDone = NIOLoopBoundBox(false, eventLoop: eventLoop)
            service.resolve(try FunctionID(id), on: eventLoop) { result in
                here.value.0.resolved(result, here.value.1)
                if isDone.value { here.value.0.takeHeld(here.value.1) }
            }
            isDone.value = true
        } catch {
            state = .discarding
            answer(request, with: error, context)
        }
    }

    private func resolved(_ result: Result<Function, any Error>, _ context: ChannelHandlerContext) {
        guard case .resolving(let request, let head) = state else { return }
        do {
            let function = try result.get()
            guard request.http == nil || function.definition.response == .http else {
                throw InvalidRequest(
                    "The function '\(function.id)' does not answer HTTP: its manifest has no \"response\": \"http\".")
            }
            let length = head.headers.first(name: "Content-Length").flatMap { Int($0) } ?? 0
            guard length <= configuration.maximumEventBytes else {
                throw PayloadTooLarge(limit: configuration.maximumEventBytes)
            }
            state = .collecting(request, function, ByteBuffer())
            if head.headers.contains(name: "Expect") { context.triggerUserOutboundEvent(BodyIsWanted(), promise: nil) }
        } catch {
            state = .discarding
            answer(request, with: error, context)
        }
    }

    private func collect(
        _ request: Request, _ function: Function, _ body: ByteBuffer, _ bytes: ByteBuffer,
        _ context: ChannelHandlerContext
    ) {
        guard body.readableBytes + bytes.readableBytes <= configuration.maximumEventBytes else {
            state = .discarding
            return answer(request, with: PayloadTooLarge(limit: configuration.maximumEventBytes), context)
        }
        var body = body
        // Let go of by the state while it grows, or each part would copy all that came before.
        state = .discarding
        if body.readableBytes == 0 {
            // Most events come in one piece, and are handed on as they came.
            body = bytes
        } else {
            body.writeImmutableBuffer(bytes)
        }
        state = .collecting(request, function, body)
    }

    private func run(_ request: Request, _ function: Function, event: ByteBuffer, _ context: ChannelHandlerContext) {
        let event = request.http?.event(body: event, requestID: request.id, functionID: function.id) ?? event
        let invocation = service.invocation(
            of: function, event: event, requestID: request.id,
            timeoutMillis: function.definition.timeoutMillis ?? configuration.defaultTimeoutMillis, trigger: .http)
        state = .running(request, function, invocation)
        let (here, eventLoop) = (NIOLoopBound((self, context), eventLoop: context.eventLoop), context.eventLoop)
        invocation.start { outcome in
            if eventLoop.inEventLoop {
                here.value.0.finish(outcome, here.value.1)
            } else {
                eventLoop.execute { here.value.0.finish(outcome, here.value.1) }
            }
        }
    }

    private func finish(_ outcome: CallOutcome, _ context: ChannelHandlerContext) {
        // Whoever has gone wants no answer.
        guard case .running(let request, let function, _) = state else { return }
        state = .passing
        for line in outcome.logs {
            logger.log(
                level: line.level.loggerLevel, "\(line.text)",
                metadata: ["function": "\(function.id)", "requestId": "\(request.id)"])
        }
        switch outcome.result {
        case .success(let json) where request.http == nil:
            write(.ok, ["Content-Type": "application/json"], json, request, context)
        case .success(let result): answer(request, withResult: result, context)
        case .failure(let error): answer(request, with: error, context)
        }
        takeHeld(context)
    }

    // MARK: Answers

    /// What a function that answers HTTP has returned.
    private func answer(_ request: Request, withResult result: ByteBuffer, _ context: ChannelHandlerContext) {
        do {
            let response = try GuestResponse(result)
            write(response.status, response.headers, response.body, request, context)
        } catch {
            answer(request, with: error, context)
        }
    }

    private func answer(_ request: Request, with error: any Error, _ context: ChannelHandlerContext) {
        let response = ErrorResponse(error)
        response.log(error, requestID: request.id, path: request.path, to: logger)
        var headers: HTTPHeaders = ["Content-Type": "application/json"]
        for field in response.headers { headers.add(name: field.name.rawName, value: field.value) }
        write(
            HTTPResponseStatus(statusCode: response.status.code), headers, response.body(requestID: request.id),
            request, context)
    }

    private func write(
        _ status: HTTPResponseStatus, _ headers: HTTPHeaders, _ body: ByteBuffer, _ request: Request,
        _ context: ChannelHandlerContext
    ) {
        var headers = headers
        // A length would be that of the answer that there is not.
        if status != .noContent, status != .notModified {
            headers.add(name: "Content-Length", value: "\(body.readableBytes)")
        }
        headers.add(name: "Date", value: date.text())
        headers.add(name: RequestID.headerName.rawName, value: request.id)
        context.write(
            Self.wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))),
            promise: nil)
        context.write(Self.wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
    }

    // MARK: Hummingbird's side

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(data, promise: promise)
        guard case .end = Self.unwrapOutboundIn(data) else { return }
        passedThrough -= 1
        if !held.isEmpty { takeHeld(context) }
    }

    package func read(context: ChannelHandlerContext) {
        if held.count < Self.heldLimit { context.read() } else { isReadHeld = true }
    }

    // MARK: The end

    package func channelInactive(context: ChannelHandlerContext) {
        abandon()
        held.removeAll()
        context.fireChannelInactive()
    }

    package func handlerRemoved(context: ChannelHandlerContext) { abandon() }

    /// Nobody waits any more: the guest ends.
    private func abandon() {
        if case .resolving = state { state = .discarding }
        guard case .running(_, _, let invocation) = state else { return }
        state = .discarding
        invocation.cancel()
    }

    /// Hummingbird closes the input of a connection when a stopping server's time is over: whoever waits is told so.
    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        context.close(mode: mode, promise: promise)
        if mode == .input, case .running(_, _, let invocation) = state { invocation.cancel() }
    }
}

extension LogLine.Level {
    fileprivate var loggerLevel: Logger.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .warning: .warning
        case .error: .error
        }
    }
}
