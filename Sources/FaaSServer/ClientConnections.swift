import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// The connections of clients: Hummingbird's, with channel handlers of our own in each.
struct ClientConnections: ServerChildChannel {
    let http: HTTP1Channel
    /// What a connection has between the HTTP decoder and Hummingbird.
    let handlers: @Sendable () -> [any ChannelHandler]

    /// A server for an application whose connections are these.
    static func builder(_ handlers: @escaping @Sendable () -> [any ChannelHandler]) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            // What is idle and what only slow is for our own channel handler to say; see there.
            ClientConnections(
                http: HTTP1Channel(responder: responder, configuration: .init(idleTimeout: nil)), handlers: handlers)
        }
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        http.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            // Where the HTTP version of a request can still be seen, which the request itself does not tell.
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandlers(handlers(), position: .after(decoder))
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async { await http.handle(value: value, logger: logger) }
}
