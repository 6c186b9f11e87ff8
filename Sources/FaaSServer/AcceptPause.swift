import Glibc
import NIOCore

/// The first handler of the listening socket: pauses accepting while this process has no descriptors left.
///
/// NIO delays its next read after such an error, but goes on watching the socket. Connections that wait in the kernel's
/// queue keep it readable, so NIO tries to accept them without a pause, with a whole processor.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel

    /// The pause ends with NIO's own delay, one second after the error.
    private static let pause = TimeAmount.milliseconds(100)

    private var isPaused = false

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(error)
        guard let code = (error as? IOError)?.errnoCode, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code), !isPaused
        else { return }
        isPaused = true
        let eventLoop = context.eventLoop.assumeIsolated()
        // After NIO has finished this attempt, which would watch the socket again.
        eventLoop.execute {
            guard let options = context.channel.syncOptions else { return }
            let isAutomatic = (try? options.getOption(.autoRead)) ?? false
            // The change, not the value, ends the watch.
            try? options.setOption(.autoRead, value: true)
            try? options.setOption(.autoRead, value: false)
            eventLoop.scheduleTask(in: Self.pause) {
                self.isPaused = false
                guard context.channel.isActive else { return }
                try? options.setOption(.autoRead, value: isAutomatic)
                context.channel.read()
            }
        }
    }
}
