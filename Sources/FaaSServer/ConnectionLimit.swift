import DataPlane
import FunctionModel
import HTTPTypes
import NIOCore
import Synchronization
import SystemCalls
import Telemetry

/// How many client connections may be open.
///
/// A connection beyond the limit gets a 503 response and is closed. To pause accepting instead would let clients, and
/// health checks, wait in the kernel's queue without a reason. The refusals are limited too: with many more, a
/// connection is closed at once.
final class ConnectionLimit: Sendable {
    enum Admission {
        case admitted
        /// Refused with a response.
        case refused
        /// Closed without a response.
        case closed
    }

    /// The most connections that are being told of their refusal.
    static let maximumRefusals = 64

    let maximum: Int
    private let open = Atomic<Int>(0)
    private let refused = Atomic<Int>(0)

    init(maximum: Int) { self.maximum = max(1, min(maximum, 1_000_000)) }

    /// Half of the descriptors that this process may have: workers and files need the others.
    static var defaultMaximum: Int { max(16, min(10_000, Descriptors.limit / 2)) }

    /// Counts a connection. Each is counted out once, with ``closed()``.
    func opened() -> Admission {
        let count = open.wrappingAdd(1, ordering: .relaxed).newValue
        if count <= maximum { return .admitted }
        refused.add(1, ordering: .relaxed)
        return count <= maximum + Self.maximumRefusals ? .refused : .closed
    }

    /// Connections that are open now, refused ones included, and how many have been refused so far.
    var counts: (open: Int, refused: Int) { (open.load(ordering: .relaxed), refused.load(ordering: .relaxed)) }

    func closed() { open.wrappingSubtract(1, ordering: .relaxed) }
}

/// The first handler of a connection beyond the limit: nothing that the client sends reaches the others.
final class RefusingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let maximumConnections: Int
    private let hasResponse: Bool

    init(maximumConnections: Int, hasResponse: Bool) {
        self.maximumConnections = maximumConnections
        self.hasResponse = hasResponse
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        guard hasResponse else { return context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(response), promise: nil)
        context.close(mode: .output, promise: nil)
        // The client has a moment to read the response. Closing at once could take it away.
        context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { context.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    private var response: ByteBuffer {
        let error = ErrorResponse(
            Overloaded(
                "The host has \(maximumConnections) connections open, and accepts no more. Try again later."))
        let requestID = RequestIDs.make()
        let body = error.body(requestID: requestID)
        var fields = [
            "HTTP/1.1 \(error.status.code) \(error.status.reasonPhrase)", "Content-Type: application/json",
            "Content-Length: \(body.readableBytes)", "Connection: close",
            "\(RequestID.headerName.rawName): \(requestID)",
        ]
        for field in error.headers { fields.append("\(field.name.rawName): \(field.value)") }
        var response = ByteBuffer(string: fields.joined(separator: "\r\n") + "\r\n\r\n")
        response.writeImmutableBuffer(body)
        return response
    }
}
