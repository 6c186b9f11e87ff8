import FaaSServer
import FileStorage
import Foundation
import FunctionModel
import FunctionService
import FunctionStorage
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import PolyglotFaaS

/// Whatever a client sends over one connection: every answer is whole, of a status that the documents name, with a
/// request id that its body repeats, and no request has two.
///
/// There is no worker executable, so a function that is found answers that; and Hummingbird's place is taken by what
/// answers 404.
func checkHTTP(_ input: [UInt8]) throws(Finding) {
    let channel = EmbeddedChannel()
    let requests = RequestCount()
    do {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandlers([
            ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)), requests,
        ])
        try pipeline.addHandlers(server.connectionHandlers())
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
}

private let server: FunctionServer = {
    // The functions of this folder are never run.
    let data = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Data").path
    var runtime = FunctionRuntime.Configuration()
    runtime.workerDirectory = data
    runtime.spareWorkersPerLanguage = 0
    var configuration = FunctionServer.Configuration()
    configuration.maximumEventBytes = 256
    // A deadline would come from a thread of the runtime's, and the channel here has none but this one.
    configuration.defaultTimeoutMillis = 0
    return FunctionServer(
        configuration: configuration,
        service: FunctionService(
            repository: FileFunctionRepository(dataDirectory: data), artifacts: FileArtifactStore(dataDirectory: data),
            configuration: runtime),
        logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() })
}()

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
            throw Finding("a body that is no bytes")
        case .end:
            guard let answer = head else { throw Finding("an end without a head") }
            try check(answer, Array(body.readableBytesView))
            answers += 1
            (head, body) = (nil, ByteBuffer())
        }
    }
    try require(head == nil, "an answer that does not end")
    // What is no HTTP is no request, and has one answer.
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
    try require([400, 404, 408, 413, 431, 500, 503].contains(head.status.code), "\(head.status)")
    try require(
        head.headers.first(name: "Content-Length").flatMap { Int($0) } == body.count || body.isEmpty, "a wrong length")
    if body.isEmpty { return }
    guard let object = try? JSONValue(json: body), let message = object["error"]?.stringValue, !message.isEmpty else {
        throw Finding("the body is no error: \(String(decoding: body, as: UTF8.self))")
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
