import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// The connections of clients: Hummingbird's, with channel handlers of our own in each.
struct ClientConnections: ServerChildChannel {
    let http: HTTP1Channel
    let limit: ConnectionLimit
    /// The handlers between the HTTP decoder and Hummingbird.
    let handlers: @Sendable (any Channel) -> [any ChannelHandler]

    /// A server whose connections are these.
    static func builder(
        limit: ConnectionLimit, _ handlers: @escaping @Sendable (any Channel) -> [any ChannelHandler]
    ) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            // Our own channel handler decides which connection is idle or slow.
            ClientConnections(
                http: HTTP1Channel(responder: responder, configuration: .init(idleTimeout: nil)), limit: limit,
                handlers: handlers)
        }
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        let admission = limit.opened()
        channel.closeFuture.whenComplete { [limit] _ in limit.closed() }
        return http.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            if admission != .admitted {
                try pipeline.addHandler(
                    RefusingHandler(maximumConnections: limit.maximum, hasResponse: admission == .refused),
                    position: .first)
            }
            // The HTTP version of a request can only be seen here: Hummingbird's request does not tell it.
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandlers(handlers(channel), position: .after(decoder))
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async { await http.handle(value: value, logger: logger) }
}
