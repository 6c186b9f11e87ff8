import Access
import FunctionModel
import HTTPTypes
import HostMemory
import Logging
import NIOCore
import NIOHTTP1

/// Runs work on another thread than the caller's.
package typealias Offload = @Sendable (_ work: @escaping @Sendable () -> Void) -> Void

/// Calls of functions, answered on the event loop of their connection: no task, no router, no change of thread. Every
/// other request passes through to Hummingbird. docs/dependencies.md says what that saves.
///
/// It carries out what ``RequestSequence`` decides. Large events and responses of dialects that work on JSON are made
/// on another thread; the sequence holds the connection's other input meanwhile.
package final class InvokeHandler: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = HTTPServerRequestPart
    package typealias InboundOut = HTTPServerRequestPart
    package typealias OutboundIn = HTTPServerResponsePart
    package typealias OutboundOut = HTTPServerResponsePart

    /// What a dialect makes of up to this many bytes is made on the event loop: it takes less than a change of thread.
    static let inlineBytes = 64 << 10
    /// Responses from this size on draw from the memory budget until they have been sent.
    static let reservedResponseBytes = 64 << 10

    private let service: any InvocationService
    private let configuration: DataPlaneConfiguration
    private let offload: Offload
    private let logger: Logger

    private let access: AccessControl
    private var sequence: RequestSequence
    /// When the request arrived whose caller may only call a public function.
    private var deniedSince = NIODeadline.distantPast
    /// The call in progress and its request.
    private var call: (request: RequestSequence.Request, function: Function)?
    /// nil: its event is still being made, or its outcome is there.
    private var invocation: (any InvocationHandle)?
    /// Of the call whose response is to be written.
    private var report: InvocationReport?
    /// The stopping server's grace period is over.
    private var isCancelled = false
    private var quiesce: ChannelShouldQuiesceEvent?
    private var isTakingHeld = false
    private var date = HTTPDate()
    /// Made once for the connection, which has one lookup and one call at a time.
    private var onResolved: (@Sendable (Result<Function, any Error>) -> Void)?
    private var onOutcome: (@Sendable (Result<ByteBuffer, any Error>) -> Void)?

    package init(
        service: any InvocationService, gate: Gate, access: AccessControl, configuration: DataPlaneConfiguration,
        offload: @escaping Offload, logger: Logger
    ) {
        self.access = access
        self.service = service
        self.configuration = configuration
        self.offload = offload
        self.logger = logger
        sequence = RequestSequence(
            gate: gate, access: access, maximumEventBytes: configuration.maximumEventBytes,
            largestEventBytes: configuration.largestEventBytes, memory: service.memory,
            showsErrors: configuration.showsErrors)
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        sequence.peer = access.peer(address: context.remoteAddress?.ipAddress)
        let (here, eventLoop) = (NIOLoopBound((self, context), eventLoop: context.eventLoop), context.eventLoop)
        onResolved = { result in here.value.0.resolved(result, here.value.1) }
        onOutcome = { outcome in
            if eventLoop.inEventLoop {
                here.value.0.ended(outcome, here.value.1)
            } else {
                eventLoop.execute { here.value.0.ended(outcome, here.value.1) }
            }
        }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        disconnect()
        (onResolved, onOutcome) = (nil, nil)
    }

    // MARK: Input

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        arrived(.part(Self.unwrapInboundIn(data)), context)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) { arrived(.error(error), context) }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelShouldQuiesceEvent {
            quiesce = event
            sequence.quiesce()
            passOnQuiesce(context)
        } else {
            arrived(.event(event), context)
        }
    }

    private func arrived(_ input: RequestSequence.Input, _ context: ChannelHandlerContext) {
        carryOut(sequence.arrived(input), context)
        passOnQuiesce(context)
    }

    private func carryOut(_ action: RequestSequence.Action, _ context: ChannelHandlerContext) {
        switch action {
        case .none: break
        case .pass(.part(let part)): context.fireChannelRead(Self.wrapInboundOut(part))
        case .pass(.error(let error)):
            // NIO responds to errors of its parser only. ``ClientConnectionState`` replaces that response.
            context.fireErrorCaught(error is InvalidRequest ? HTTPParserError.unknown : error)
        case .pass(.event(let event)): context.fireUserInboundEventTriggered(event)
        case .resolve(let reference):
            if sequence.isDenyingUnlessPublic { deniedSince = context.eventLoop.now }
            if let onResolved { service.resolve(reference, on: context.eventLoop, onResolved) }
        case .wantBody: context.triggerUserOutboundEvent(BodyIsWanted(), promise: nil)
        case .run(let request, let function, let body): run(request, function, body, context)
        case .allow(let request): write(request.dialect.conformer.preflightResponse(request.head), request, context)
        case .refuse(let request, let error): answer(request, with: error, isLogged: false, context)
        case .deny(let request, let denial): deny(request, denial, context)
        }
    }

    /// Tells the caller so later, at a time that does not depend on how long the function was looked up.
    private func deny(
        _ request: RequestSequence.Request, _ denial: AccessDenial, _ context: ChannelHandlerContext
    ) {
        let client = request.clientAddress ?? sequence.peer.address
        let refusal = access.refused(address: client)
        if let count = refusal.loggedCount {
            logger.warning(
                "A call was refused: \(denial.error.message)",
                metadata: ["client": "\(client)", "attempts": "\(count)", "requestId": "\(request.id)"])
        }
        let delay = TimeAmount.milliseconds(refusal.delayMillis)
        var due = deniedSince + delay
        while due < context.eventLoop.now { due = due + delay }
        let here = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(deadline: due) {
            let (handler, context) = here.value
            handler.carryOut(handler.sequence.denialIsDue(), context)
            handler.takeHeld(context)
        }
    }

    private func resolved(_ result: Result<Function, any Error>, _ context: ChannelHandlerContext) {
        carryOut(sequence.resolved(result), context)
        takeHeld(context)
    }

    /// A loop, not a recursion: calls that end at once would otherwise nest as deep as there are requests.
    private func takeHeld(_ context: ChannelHandlerContext) {
        guard !isTakingHeld else { return }
        isTakingHeld = true
        var hasPassed = false
        while let action = sequence.next() {
            if case .pass = action { hasPassed = true }
            carryOut(action, context)
        }
        isTakingHeld = false
        // Hummingbird's channel hands on parts when a read is complete, and the read of these was long ago.
        if hasPassed { context.fireChannelReadComplete() }
        if sequence.resumesReading() { context.read() }
        passOnQuiesce(context)
    }

    private func passOnQuiesce(_ context: ChannelHandlerContext) {
        guard let event = quiesce, sequence.passesOnQuiesce() else { return }
        quiesce = nil
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: A call

    private func run(
        _ request: RequestSequence.Request, _ function: Function, _ body: ByteBuffer, _ context: ChannelHandlerContext
    ) {
        call = (request, function)
        report = nil
        let dialect = request.dialect.conformer
        let body = request.dialect == .invoke && function.definition.response == .http ? DirectEvent.mark(body) : body
        guard let cost = dialect.eventCost(request.head, body: body) else { return start(event: body, context) }
        guard sequence.reserve(cost) else {
            return end(request, with: RequestSequence.noMemory, isLogged: false, context)
        }
        let dialectRequest = DialectRequest(
            head: request.head, rest: request.rest, requestID: request.id, function: function.id,
            clientAddress: request.clientAddress ?? sequence.peer.address, isFromProxy: sequence.peer.isProxy)
        if cost <= Self.inlineBytes { return start(event: dialect.event(dialectRequest, body: body), context) }
        offLoop(context) {
            dialect.event(dialectRequest, body: body)
        } then: { handler, event, context in
            handler.start(event: event, context)
        }
    }

    /// Does `work` on another thread, and the rest back on the event loop.
    private func offLoop<Value: Sendable>(
        _ context: ChannelHandlerContext, _ work: @escaping @Sendable () -> Value,
        then: @escaping @Sendable (InvokeHandler, Value, ChannelHandlerContext) -> Void
    ) {
        let (here, eventLoop) = (NIOLoopBound((self, context), eventLoop: context.eventLoop), context.eventLoop)
        offload {
            let value = work()
            eventLoop.execute { then(here.value.0, value, here.value.1) }
        }
    }

    private func start(event: ByteBuffer, _ context: ChannelHandlerContext) {
        guard let (request, function) = call, sequence.isRunning, let onOutcome else {
            // The client disconnected while the event was made.
            call = nil
            _ = sequence.ended()
            return
        }
        let invocation = service.invocation(
            of: function, event: event, requestID: request.id,
            timeoutMillis: function.definition.timeoutMillis ?? configuration.defaultTimeoutMillis)
        self.invocation = invocation
        if let trace = request.trace { invocation.belongs(to: trace) }
        invocation.start(reservedBytes: sequence.handOverMemory(), onOutcome)
        if isCancelled { invocation.cancel() }
    }

    private func ended(_ outcome: Result<ByteBuffer, any Error>, _ context: ChannelHandlerContext) {
        report = invocation?.report
        invocation = nil
        guard let (request, _) = call, sequence.isRunning else {
            call = nil
            _ = sequence.ended()
            return
        }
        switch outcome {
        case .failure(let error): end(request, with: error, isLogged: true, context)
        case .success(let result):
            let dialect = request.dialect.conformer
            let cost = dialect.responseCost(result)
            if cost <= Self.inlineBytes {
                return end(request, with: Result { try dialect.response(result: result) }, context)
            }
            guard sequence.reserve(cost) else {
                return end(request, with: RequestSequence.noMemory, isLogged: false, context)
            }
            offLoop(context) {
                Result { try dialect.response(result: result) }
            } then: { handler, response, context in
                handler.end(request, with: response, context)
            }
        }
    }

    private func end(
        _ request: RequestSequence.Request, with response: Result<DialectResponse, any Error>,
        _ context: ChannelHandlerContext
    ) {
        switch response {
        case .failure(let error): end(request, with: error, isLogged: false, context)
        case .success(let response):
            call = nil
            guard sequence.ended() else { return }
            write(response, request, context)
            takeHeld(context)
        }
    }

    private func end(
        _ request: RequestSequence.Request, with error: any Error, isLogged: Bool, _ context: ChannelHandlerContext
    ) {
        call = nil
        guard sequence.ended() else { return }
        answer(request, with: error, isLogged: isLogged, context)
        takeHeld(context)
    }

    // MARK: Responses

    /// - Parameter isLogged: the runtime's observers have been told of the error.
    private func answer(
        _ request: RequestSequence.Request, with error: any Error, isLogged: Bool, _ context: ChannelHandlerContext
    ) {
        let response = ErrorResponse(error)
        if !isLogged, let message = response.logMessage(error) {
            logger.warning("\(message)", metadata: ["requestId": "\(request.id)", "path": "\(request.head.uri)"])
        }
        let shown = request.showsErrors ? response : response.withoutDetails(of: error)
        write(request.dialect.conformer.response(error: shown, requestID: request.id), request, context)
    }

    private func write(
        _ response: DialectResponse, _ request: RequestSequence.Request, _ context: ChannelHandlerContext
    ) {
        let size = response.body.readableBytes
        var sent: EventLoopPromise<Void>?
        if size >= Self.reservedResponseBytes {
            let memory = service.memory
            guard memory.reserve(size) else {
                return answer(request, with: RequestSequence.noMemory, isLogged: false, context)
            }
            sent = context.eventLoop.makePromise()
            sent?.futureResult.whenComplete { _ in memory.release(size) }
        }
        var headers = response.headers
        if let origin = request.allowedOrigin, !headers.contains(name: "Access-Control-Allow-Origin") {
            headers.add(name: "Access-Control-Allow-Origin", value: origin)
            headers.add(name: "Vary", value: "Origin")
        }
        // 204 and 304 responses must not carry Content-Length.
        if response.status != .noContent, response.status != .notModified {
            headers.add(name: "Content-Length", value: "\(size)")
        }
        headers.add(name: "Date", value: date.text())
        if let report {
            CallReportHeaders.add(report, request, to: &headers)
            self.report = nil
        }
        headers.add(name: RequestID.headerName.rawName, value: request.id)
        let head = HTTPResponseHead(version: .http1_1, status: response.status, headers: headers)
        context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
        context.write(Self.wrapOutboundOut(.body(.byteBuffer(response.body))), promise: nil)
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: sent)
    }

    // MARK: Hummingbird's side

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(data, promise: promise)
        guard case .end = Self.unwrapOutboundIn(data) else { return }
        sequence.routerResponseEnded()
        takeHeld(context)
    }

    package func read(context: ChannelHandlerContext) {
        if sequence.mayRead() { context.read() }
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        sequence.writabilityChanged(context.channel.isWritable)
        if context.channel.isWritable { takeHeld(context) }
        context.fireChannelWritabilityChanged()
    }

    // MARK: The end

    package func channelInactive(context: ChannelHandlerContext) {
        disconnect()
        context.fireChannelInactive()
    }

    private func disconnect() {
        if sequence.disconnected() { invocation?.cancel() }
    }

    /// Hummingbird closes the input of a connection when a stopping server's grace period is over. A client that waits
    /// for a call is told so.
    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        context.close(mode: mode, promise: promise)
        if mode == .input {
            isCancelled = true
            invocation?.cancel()
        }
    }
}
