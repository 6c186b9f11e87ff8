import ControlPlane
import DataPlane
import FunctionService
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

/// The HTTP server: `GET /health` and `POST /invoke/{id}` over the functions of a store.
public struct FunctionServer: Sendable {
    public struct Configuration: Sendable {
        /// The address to listen on. Default: this machine only.
        public var host = "127.0.0.1"
        /// The port to listen on. Default: 8080. 0: any free one.
        public var port = 8080
        /// The time an invocation may take unless its function says otherwise, in milliseconds. Default: 5000.
        public var defaultTimeoutMillis = 5000
        /// The largest event accepted, in bytes. Default: 6 MiB.
        public var maximumEventBytes = 6 << 20
        /// How long running invocations may take after a signal to stop, in seconds. Default: 10.
        public var shutdownGraceSeconds = 10

        public init() {}
    }

    public let configuration: Configuration
    private let service: FunctionService
    private let logger: Logger

    /// - Parameter service: started or not; the server shuts it down.
    public init(configuration: Configuration = Configuration(), service: FunctionService, logger: Logger) {
        self.configuration = configuration
        self.service = service
        self.logger = logger
    }

    /// Serves until SIGINT or SIGTERM: then it accepts nothing new, lets running invocations finish, and ends every
    /// worker.
    ///
    /// - Parameter onRunning: called once with the port, when requests are accepted.
    public func run(onRunning: @escaping @Sendable (Int) async -> Void = { _ in }) async throws {
        let application = Application(
            router: Routes(service: service, logger: logger).router(),
            server: ClientConnections.builder { [self] in connectionHandlers() },
            configuration: .init(address: .hostname(configuration.host, port: configuration.port), backlog: 1024),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? 0) },
            logger: logger)
        // Ended in reverse order: the server first, so that what it still answers has workers.
        let services: [any Service] = [RunningFunctions(service: service), application]
        var group = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigint, .sigterm], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(configuration.shutdownGraceSeconds)
        try await ServiceGroup(configuration: group).run()
    }

    /// What a connection has between the HTTP decoder and Hummingbird.
    package func connectionHandlers() -> [any ChannelHandler] {
        [
            ClientConnectionHandler(),
            InvokeHandler(
                service: service,
                configuration: .init(
                    defaultTimeoutMillis: configuration.defaultTimeoutMillis,
                    maximumEventBytes: configuration.maximumEventBytes), logger: logger),
        ]
    }

    private struct RunningFunctions: Service, CustomStringConvertible {
        let service: FunctionService

        var description: String { "FunctionService" }

        func run() async throws {
            try? await gracefulShutdown()
            await service.shutDown()
        }
    }
}
