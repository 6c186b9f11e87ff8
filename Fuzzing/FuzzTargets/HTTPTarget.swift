import Access
import DataPlane
import FaaSServer
import FunctionModel
import FunctionStorage
import HostMemory
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1

/// Sends any bytes over one connection. Every response is whole, has a status that the documents name and a request id
/// that its body repeats, no request has two responses, and all memory that was reserved is released.
///
/// There is no worker executable, so every call of a function fails with that. A handler that answers 404 stands for
/// Hummingbird.
func checkHTTP(_ input: [UInt8]) throws(Finding) {
    let channel = EmbeddedChannel()
    let (requests, functions) = (RequestCount(), FuzzedFunctions())
    do {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandlers([
            ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)), requests,
        ])
        try pipeline.addHandlers(connectionHandlers(functions))
        try pipeline.addHandlers([HTTPServerPipelineHandler(), HTTPServerProtocolErrorHandler(), NothingHere()])
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
    } catch {
        throw Finding("no connection: \(error)")
    }
    let middle = Int(input.last ?? 0) % max(1, input.count)
    for piece in [input[..<middle], input[middle...]] where !piece.isEmpty {
        _ = try? channel.writeInbound(ByteBuffer(bytes: piece))
    }
    channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    channel.embeddedEventLoop.advanceTime(by: .seconds(20))
    var parts: [HTTPServerResponsePart] = []
    while let part = try? channel.readOutbound(as: HTTPServerResponsePart.self) { parts.append(part) }
    _ = try? channel.finish(acceptAlreadyClosed: true)
    try check(parts, requests: requests.count)
    try require(functions.memory.used == 0, "\(functions.memory.used) bytes are reserved after the end")
}

/// Three functions that are never run.
private struct FuzzedFunctions: InvocationService {
    let memory = ByteBudget(limit: 4096)
    private let functions: [FunctionID: Function]

    init() {
        var functions: [FunctionID: Function] = [:]
        for (name, limit) in [("hello", nil), ("small", 4), ("large", 1 << 20)] {
            guard let id = try? FunctionID(name) else { continue }
            var definition = FunctionDefinition(language: .javaScript, sourceCode: "")
            definition.limits.maxEventBytes = limit
            definition.response = name == "small" ? .http : .json
            if name == "large" { definition.cors.allowOrigins = ["http://a.example"] }
            functions[id] = Function(id: id, revision: "1", definition: definition)
        }
        self.functions = functions
    }

    func resolve(
        _ reference: FunctionReference, on eventLoop: any EventLoop,
        _ completion: @escaping @Sendable (Result<Function, any Error>) -> Void
    ) {
        let id = reference.id
        if let function = functions[id] { return completion(.success(function)) }
        let isBroken = id.text == "broken"
        completion(
            .failure(isBroken ? BrokenFunction(path: "broken.json", reason: "a test") : FunctionNotFound(id: id.text)))
    }

    func invocation(of function: Function, event: ByteBuffer, requestID: String, timeoutMillis: Int?)
        -> any InvocationHandle
    {
        Call(memory: memory)
    }

    private struct Call: InvocationHandle {
        let memory: ByteBudget

        func start(reservedBytes: Int, _ completion: @escaping @Sendable (Result<ByteBuffer, any Error>) -> Void) {
            memory.release(reservedBytes)
            completion(.failure(WorkerExecutableNotFound(name: "faas-worker-javascript", searched: [])))
        }

        func cancel() {}
    }
}

private func connectionHandlers(_ functions: FuzzedFunctions) -> [any ChannelHandler] {
    var configuration = FunctionServer.Configuration()
    configuration.maximumEventBytes = 256
    configuration.defaultTimeoutMillis = 0
    return FunctionServer.connectionHandlers(
        service: functions, gate: Gate(hosts: HostRule(allowedHosts: ["a", "h"], listensOnLoopback: true)),
        configuration: configuration,
        logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() })
}

private func check(_ parts: [HTTPServerResponsePart], requests: Int) throws(Finding) {
    var head: HTTPResponseHead?
    var body = ByteBuffer()
    var answers = 0
    for part in parts {
        switch part {
        case .head(let next) where next.status == .continue:
            try require(head == nil, "100 Continue in the middle of an answer")
        case .head(let next):
            try require(head == nil, "an answer begins before the one before it has ended")
            head = next
        case .body(.byteBuffer(let bytes)):
            try require(head != nil, "a body without a head")
            body.writeImmutableBuffer(bytes)
        case .body:
            throw Finding("a body part that is not bytes")
        case .end:
            guard let answer = head else { throw Finding("an end without a head") }
            try check(answer, Array(body.readableBytesView))
            answers += 1
            (head, body) = (nil, ByteBuffer())
        }
    }
    try require(head == nil, "an answer that does not end")
    // Bytes that are not HTTP are not counted as a request, and get one answer.
    try require(answers <= requests + 1, "\(answers) answers to \(requests) requests")
}

private func check(_ head: HTTPResponseHead, _ body: [UInt8]) throws(Finding) {
    for (name, value) in head.headers {
        try require(
            !(name + value).utf8.contains { $0 == 0x0d || $0 == 0x0a || $0 == 0 }, "the header \(name) breaks its line")
    }
    guard let id = head.headers.first(name: "X-Request-Id") else {
        return try require(
            head.status == .notFound || head.status == .badRequest, "\(head.status) without a request id")
    }
    try require(id.utf8.count <= 128, "a request id of \(id.utf8.count) bytes")
    try require([204, 400, 403, 404, 408, 413, 431, 500, 503].contains(head.status.code), "\(head.status)")
    try require(
        head.headers.first(name: "Content-Length").flatMap { Int($0) } == body.count || body.isEmpty, "a wrong length")
    if body.isEmpty { return }
    guard let object = try? JSONValue(json: body), let message = object["error"]?.stringValue, !message.isEmpty else {
        throw Finding("the body is not an error object: \(String(decoding: body, as: UTF8.self))")
    }
    try require(object["requestId"]?.stringValue == id, "another request id in the body")
    // A fault of the host itself would be this.
    try require(object["errorType"]?.stringValue != "InternalError", "InternalError: \(message)")
}

private final class RequestCount: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private(set) var count = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head = Self.unwrapInboundIn(data) { count += 1 }
        context.fireChannelRead(data)
    }
}

/// Answers whatever comes so far, as Hummingbird does with paths that it does not know.
private final class NothingHere: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .end = Self.unwrapInboundIn(data) else { return }
        context.write(
            Self.wrapOutboundOut(
                .head(HTTPResponseHead(version: .http1_1, status: .notFound, headers: ["Content-Length": "0"]))),
            promise: nil)
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
    }
}
