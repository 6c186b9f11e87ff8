import Access
import ControlPlane
import DataPlane
import FunctionService
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// The HTTP server: `POST /invoke/{id}` and `/http/{id}/…` over the functions of a store, and the routes of the control
/// plane.
public struct FunctionServer: Sendable {
    /// A server takes the end of the range for a number outside of it.
    public struct Configuration: Sendable {
        /// The address to listen on. Default: this machine only.
        public var host = "127.0.0.1"
        /// The port to listen on, from 0 to 65535. Default: 8080. 0: any free one.
        public var port = 8080
        /// The timeout of functions that have none of their own, in milliseconds. 0 or less: none. Default: 5000.
        public var defaultTimeoutMillis = 5000
        /// The largest event of functions that have no `maxEventBytes` of their own, in bytes. Default: 6 MiB.
        public var maximumEventBytes = 6 << 20
        /// How long running invocations may take after a signal to stop, in seconds, up to a day. Default: 10.
        public var shutdownGraceSeconds = 10
        /// How long the server goes on accepting after a signal to stop, in seconds, up to an hour, while `GET /ready`
        /// answers 503: load balancers notice that before it refuses connections. Default: 0.
        public var drainDelaySeconds = 0
        /// The most connections that may be open; one more gets 503. nil, the default: half of the descriptors that
        /// this process may open, at most 10,000. From 1 to 1,000,000.
        public var maximumConnections: Int?

        /// Names of the server besides those of loopback, without a port. On a loopback address, a request with
        /// another `Host` is refused; on other addresses too, if there is any name here. Default: none.
        public var allowedHosts: [String] = []

        /// Whether every client is told what failed in a function that answers HTTP. Default: those with `read` scope.
        public var showsErrors = false

        /// Whether programs on other machines may do everything while there is no token. Default: they may do nothing.
        public var isInsecure = false
        /// The proxies that say which client a request comes from. Default: none.
        public var trustedProxies = TrustedProxies.none

        public init() {}

        /// Each number within its range.
        package func clamped() -> Self {
            var configuration = self
            configuration.port = max(0, min(port, 65535))
            configuration.maximumEventBytes = max(0, min(maximumEventBytes, FunctionService.largestEventBytes))
            configuration.shutdownGraceSeconds = max(0, min(shutdownGraceSeconds, 86_400))
            configuration.drainDelaySeconds = max(0, min(drainDelaySeconds, 3600))
            configuration.drainDelaySeconds = max(0, min(drainDelaySeconds, 3600))
            configuration.maximumConnections = maximumConnections.map { max(1, min($0, 1_000_000)) }
            return configuration
        }
    }

    public let configuration: Configuration
    private let service: FunctionService
    private let access: AccessService?
    private let control: AccessControl
    private let logger: Logger

    /// - Parameter service: started or not; the server shuts it down.
    /// - Parameter access: the tokens. nil: there are none.
    public init(
        configuration: Configuration = Configuration(), service: FunctionService, access: AccessService? = nil,
        logger: Logger
    ) {
        self.configuration = configuration.clamped()
        self.access = access
        control = AccessControl(isOpen: configuration.isInsecure, proxies: configuration.trustedProxies)
        self.service = service
        self.logger = logger
    }

    /// Serves until SIGINT or SIGTERM: then it accepts nothing new, lets running invocations finish, and ends every
    /// worker. Cancelling the task stops it at once.
    ///
    /// - Parameter onRunning: called once with the port, when requests are accepted.
    /// - Throws: ``ListenFailure`` if the address cannot be listened on.
    public func run(onRunning: @escaping @Sendable (Int) async -> Void = { _ in }) async throws {
        var seen = AccessService.Seen()
        _ = try await access?.refresh(control, &seen)
        let isLoopback = HostRule.isLoopbackName(configuration.host)
        guard isLoopback || configuration.isInsecure || control.hasTokens else {
            throw InsecureAddress(host: configuration.host)
        }
        let limit = ConnectionLimit(maximum: configuration.maximumConnections ?? ConnectionLimit.defaultMaximum)
        let readiness = Readiness()
        let metrics = MetricsRoute(service: service, readiness: readiness) {
            let counts = limit.counts
            return .init(open: counts.open, refused: counts.refused)
        }
        let application = Application(
            router: Routes(
                health: { [service] in service.health }, access: control,
                others: (access.map { AccessRoutes($0, control: control).routes } ?? [])
                    + functionRoutes.routes + RecordRoutes(service: service).routes
                    + [metrics.route, readiness.route],
                logger: logger
            ).router(),
            server: ClientConnections.builder(limit: limit, connectionHandlers()),
            configuration: .init(address: .hostname(configuration.host, port: configuration.port), backlog: 1024),
            onServerRunning: { channel in
                try? await channel.eventLoop.submit {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(), position: .first)
                }.get()
                await onRunning(channel.localAddress?.port ?? 0)
            },
            logger: logger)
        // Services end in reverse order: load balancers are told first, then the server ends, so that the calls it still
        // answers have workers.
        let functions = RunningFunctions(
            service: service, access: access, control: control, seen: seen, readiness: readiness, logger: logger)
        let services: [any Service] = [
            functions, application,
            DrainNotice(
                service: service, readiness: readiness, delay: .seconds(configuration.drainDelaySeconds)),
        ]
        var group = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigint, .sigterm], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(
            configuration.shutdownGraceSeconds + configuration.drainDelaySeconds)
        do {
            try await ServiceGroup(configuration: group).run()
        } catch is CancellationError {
            // The caller asked for it.
        } catch {
            throw ListenFailure(error, host: configuration.host, port: configuration.port) ?? error
        }
    }

    private var functionRoutes: FunctionRoutes {
        FunctionRoutes(
            service: service,
            defaults: .init(
                timeoutMillis: configuration.defaultTimeoutMillis, maximumEventBytes: configuration.maximumEventBytes))
    }

    private func connectionHandlers() -> @Sendable (any Channel) -> [any ChannelHandler] {
        let names = configuration.allowedHosts
        // The name that was given as the address to listen on is the server's too.
        let onLoopback = Gate(hosts: HostRule(allowedHosts: names + [configuration.host], listensOnLoopback: true))
        let elsewhere = Gate(hosts: HostRule(allowedHosts: names, listensOnLoopback: false))
        return { [self] channel in
            let address = channel.parent?.localAddress?.ipAddress
            return Self.connectionHandlers(
                service: ServedFunctions(service: service),
                gate: address.map(HostRule.isLoopback) == true ? onLoopback : elsewhere, access: control,
                configuration: configuration, logger: logger)
        }
    }

    /// The handlers between the HTTP decoder and Hummingbird, for one connection.
    package static func connectionHandlers(
        service: any InvocationService, gate: Gate, access: AccessControl = AccessControl(isOpen: true),
        configuration: Configuration, logger: Logger
    ) -> [any ChannelHandler] {
        [
            ClientConnectionHandler(),
            InvokeHandler(
                service: service, gate: gate, access: access,
                configuration: .init(
                    defaultTimeoutMillis: configuration.defaultTimeoutMillis,
                    maximumEventBytes: configuration.maximumEventBytes,
                    largestEventBytes: FunctionService.largestEventBytes, showsErrors: configuration.showsErrors),
                offload: { work in NIOThreadPool.singleton.submit { _ in work() } }, logger: logger),
        ]
    }

    private struct RunningFunctions: Service, CustomStringConvertible {
        let service: FunctionService
        let access: AccessService?
        let control: AccessControl
        let seen: AccessService.Seen
        let readiness: Readiness
        let logger: Logger

        var description: String { "FunctionService" }

        func run() async throws {
            let ready = Task { await service.keepWorkersReady { readiness.becomeReady() } }
            let changes = Task { [access, control, seen, logger, service] in
                await access?.follow(control, from: seen) { error in
                    logger.error("Changes of tokens and secrets are not seen: \(error)")
                } onSecretsChanged: {
                    service.secretsChanged()
                }
            }
            try? await gracefulShutdown()
            ready.cancel()
            changes.cancel()
            await service.shutDown()
        }
    }

    /// Tells load balancers, and clients that follow logs, that the server is about to stop.
    private struct DrainNotice: Service, CustomStringConvertible {
        let service: FunctionService
        let readiness: Readiness
        let delay: Duration

        var description: String { "DrainNotice" }

        func run() async throws {
            try? await gracefulShutdown()
            readiness.drain()
            if delay > .zero { try? await Task.sleep(for: delay) }
            service.prepareToStop()
        }
    }
}
