import ArgumentParser
import FaaSServer
import FileStorage
import FunctionModel
import FunctionStorage
import Logging
import NIOCore
import PolyglotFaaS
import SystemCalls

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the stored functions over HTTP.",
        discussion: """
            GET /health answers OK. POST /invoke/{id} calls a function with the body as its event.
            Functions uploaded, changed or deleted meanwhile are seen by the next request. Ctrl-C stops.

            There is no authentication: whoever reaches the port can call every function.

            EXAMPLES
              faas serve
              faas serve --host 0.0.0.0 --port 9000
              curl -X POST localhost:8080/invoke/hello -d '{"name":"Ada"}'
            """)

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"
    @Option(help: "The port to listen on; 0: any free one, which is printed.")
    var port = 8080
    @Option(help: ArgumentHelp("Workers a function may have. Default: the number of cores.", valueName: "n"))
    var workersPerFunction: Int?
    @Option(
        help: ArgumentHelp(
            "Workers there may be altogether. Default: what half of the memory holds, at most 1000.", valueName: "n"))
    var workers: Int?
    @Option(
        help: ArgumentHelp("Workers that may start at a time. Default: four for each core, at least 8.", valueName: "n")
    )
    var startingWorkers: Int?
    @Option(
        help: ArgumentHelp("The share of the available memory that workers may have. Default: 0.8.", valueName: "0...1")
    )
    var memoryShare: Double?
    @Option(
        help: ArgumentHelp(
            "Processor time of a call, unless the manifest says otherwise. Default: no limit.", valueName: "ms"))
    var cpuMillis: Int?
    @Option(
        help: ArgumentHelp(
            "How long a zygote serves before another takes its place; 0: for ever. Default: 3600.", valueName: "s"))
    var zygoteSeconds: Int?
    @Option(
        help: ArgumentHelp(
            "The least serious level of log lines to show: debug, info, warning, error.", valueName: "level"))
    var logLevel: String = "info"
    @OptionGroup var sandbox: SandboxOption
    @OptionGroup var storeOptions: StoreOptions

    func validate() throws {
        guard (0...65535).contains(port) else {
            throw ValidationError("Invalid port: \(port). Use a number from 0 to 65535.")
        }
        guard Logger.Level(rawValue: logLevel) != nil else {
            throw ValidationError("Invalid log level: '\(logLevel)'.")
        }
        guard workersPerFunction ?? 1 > 0, workers ?? 1 > 0, startingWorkers ?? 1 > 0 else {
            throw ValidationError("There must be at least one worker.")
        }
        guard (0.01...1).contains(memoryShare ?? 1) else {
            throw ValidationError("Invalid memory share: use a number from 0.01 to 1.")
        }
        guard cpuMillis ?? 1 > 0 else { throw ValidationError("Invalid processor time: use at least 1 ms.") }
        guard zygoteSeconds ?? 0 >= 0 else { throw ValidationError("Invalid zygote lifetime: use 0 seconds or more.") }
    }

    func run() async throws {
        // An event loop serves about as many calls as a worker does, and workers need processors too. Fewer loops also
        // mean fewer calls that arrive on one and are served by a worker on another.
        NIOSingletons.groupLoopCountSuggestion = max(1, System.coreCount / 2)
        // A connection takes one, a worker two.
        Descriptors.raiseLimit()
        let log = HostLog(level: Logger.Level(rawValue: logLevel) ?? .info)
        defer { log.flush() }
        var limits = FunctionRuntime.Configuration()
        if let workersPerFunction { limits.maximumWorkersPerFunction = workersPerFunction }
        if let workers { limits.maximumWorkers = workers }
        if let startingWorkers { limits.maximumStartingWorkers = startingWorkers }
        if let memoryShare { limits.memoryShare = memoryShare }
        if let zygoteSeconds { limits.zygoteLifetimeSeconds = zygoteSeconds }
        limits.cpuMillis = cpuMillis
        limits.sandbox = sandbox.mode
        limits.buildDirectory = storeOptions.buildDirectory
        let runtime = FunctionRuntime(configuration: limits)
        var configuration = FunctionServer.Configuration()
        configuration.host = host
        configuration.port = port
        let server = FunctionServer(
            configuration: configuration, runtime: runtime, store: storeOptions.store, logger: log.logger,
            observers: [log.invocations])
        do {
            for engine in try await runtime.start() { log.logger.info("\(engine) is ready") }
            SandboxOption.warn(runtime, to: log.logger)
            try await server.run { [host] (port: Int) in
                Output.line("HTTP server started on http://\(host):\(port) (GET /health, POST /invoke/{id})")
            }
        } catch let error as any FunctionError {
            await runtime.shutDown()
            throw fail(error)
        } catch {
            await runtime.shutDown()
            Output.note("Error: The server cannot run on \(host):\(port): \(error)")
            throw ExitCode.failure
        }
    }
}
