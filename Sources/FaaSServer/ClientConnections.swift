import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// The connections of clients: Hummingbird's, with a ``ClientConnectionHandler`` in each, and with a task that ends when the
/// connection does.
struct ClientConnections: ServerChildChannel {
    let http: HTTP1Channel

    /// A server for an application whose connections are these.
    static var builder: HTTPServerBuilder {
        HTTPServerBuilder { responder in
            // What is idle and what only slow is for our own channel handler to say; see there.
            ClientConnections(http: HTTP1Channel(responder: responder, configuration: .init(idleTimeout: nil)))
        }
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        http.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            // Where the HTTP version of a request can still be seen, which the request itself does not tell.
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(ClientConnectionHandler(), position: .after(decoder))
            return value
        }
    }

    /// Answers the requests of one connection. All its routes run in one task: cancelling it when the connection is gone ends
    /// the guest that computes for nobody, and costs a request nothing.
    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        let task = Task { await http.handle(value: value, logger: logger) }
        value.channel.closeFuture.whenComplete { _ in task.cancel() }
        await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
    }
}
