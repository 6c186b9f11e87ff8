import ArgumentParser
import FaaSServer
import FunctionModel
import FunctionService
import Logging
import NIOCore
import PolyglotFaaS
import SystemCalls

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the stored functions over HTTP.",
        discussion: """
            GET /health answers OK. POST /invoke/{id} calls a function with the body as its event. Any method of
            /http/{id}/… calls a function that answers HTTP ("response": "http") with the request as its event.
            Functions uploaded, changed or deleted meanwhile are seen by the next request. Ctrl-C stops.

            /functions deploys, lists and changes functions: docs/functions-api.md.

            While there is no access token, programs on this machine may do everything. 'faas token create' makes the
            first; from then on, every request but GET /health and calls of public functions needs one. An address that
            other machines reach needs a token, or --insecure.

            The options --max-... are ceilings: a function whose manifest asks for more gets the ceiling.

            EXAMPLES
              faas serve
              faas token create operator --scope admin && faas serve --host 0.0.0.0 --port 9000
              faas serve --allowed-host faas.example
              faas serve --max-timeout 30000 --max-memory 512 --max-concurrency 8
              curl -X POST localhost:8080/invoke/hello -d '{"name":"Ada"}'
            """)

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"
    @Option(help: "The port to listen on; 0: any free one, which is printed.")
    var port = 8080
    @Option(
        help: ArgumentHelp(
            "The least serious level of log lines to show: debug, info, warning, error.", valueName: "level"))
    var logLevel: String = "info"
    @Option(
        help: ArgumentHelp(
            "Connections that may be open; one more gets 503. Default: half of the open files, at most 10000.",
            valueName: "n"))
    var maxConnections: Int?
    @OptionGroup var names: AllowedHostOption
    @OptionGroup var accessOptions: AccessOptions
    @OptionGroup var limits: LimitOptions
    @OptionGroup var quotas: QuotaOptions
    @OptionGroup var sandbox: SandboxOption
    @OptionGroup var storeOptions: StoreOptions

    func validate() throws {
        try OptionRange.check("--port", port, 0...65535)
        try OptionRange.check("--max-connections", maxConnections, 1...1_000_000)
        guard Logger.Level(rawValue: logLevel) != nil else {
            throw ValidationError("Invalid log level: '\(logLevel)'.")
        }
    }

    func run() async throws {
        // An event loop serves about as many calls as a worker does, and workers need processors too. With fewer loops,
        // fewer calls arrive on one loop and are served by a worker on another.
        NIOSingletons.groupLoopCountSuggestion = max(1, System.coreCount / 2)
        // A connection takes one descriptor, a worker two.
        Descriptors.raiseLimit()
        let log = HostLog(level: Logger.Level(rawValue: logLevel) ?? .info)
        defer { log.flush() }
        var runtime = FunctionRuntime.Configuration()
        limits.apply(to: &runtime)
        runtime.sandbox = sandbox.mode
        // This process is the server's own: it may move into a control group.
        runtime.usesControlGroups = true
        runtime.observers = [log.invocations]
        let service = storeOptions.service(runtime, quotas: quotas)
        var configuration = FunctionServer.Configuration()
        configuration.host = host
        configuration.port = port
        configuration.maximumConnections = maxConnections
        configuration.allowedHosts = names.allowedHost
        accessOptions.apply(to: &configuration)
        let server = FunctionServer(
            configuration: configuration, service: service, access: storeOptions.access, logger: log.logger)
        do {
            if try await !storeOptions.checkDirectory(isCreated: true) {
                log.logger.info("No functions are stored in '\(storeOptions.dataDirectory)' yet: it does not exist.")
            }
            for engine in try await service.start() { log.logger.info("\(engine) is ready") }
            SandboxOption.warn(service.health, to: log.logger)
            try await server.run { [host] (port: Int) in
                Output.line(
                    "HTTP server started on http://\(host):\(port) (GET /health, POST /invoke/{id}, /http/{id}/…)")
            }
        } catch let error as any FunctionError {
            await service.shutDown()
            throw fail(error)
        } catch {
            await service.shutDown()
            Output.note("Error: The server cannot run. \(error)")
            throw ExitCode.failure
        }
    }
}
