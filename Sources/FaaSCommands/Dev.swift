import ArgumentParser
import FaaSServer
import FileStorage
import Foundation
import FunctionModel
import FunctionService
import Logging
import PolyglotFaaS

struct Dev: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the function of a manifest while you work on it.",
        discussion: """
            The function is not stored. When the manifest, a file that it names, or a file of a JavaScript project \
            changes,
            it is deployed again. If that fails, the error is shown once, and the last good version is served.
            What the function writes appears on standard error as it comes. Ctrl-C stops.

            EXAMPLES
              faas dev hello/function.jsonc
              faas dev hello/function.jsonc --port 9000
              curl -X POST localhost:8080/invoke/hello -d '{"name":"Ada"}'
            """)

    @Argument(help: "The manifest file.", completion: .file(extensions: ["json", "jsonc"]))
    var manifest: String
    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"
    @Option(help: "The port to listen on; 0: any free one, which is printed.")
    var port = 8080
    @OptionGroup var names: AllowedHostOption
    @OptionGroup var accessOptions: AccessOptions
    @OptionGroup var sandbox: SandboxOption
    @OptionGroup var storeOptions: StoreOptions

    func validate() throws {
        try OptionRange.check("--port", port, 0...65535)
    }

    func run() async throws {
        // A repository of its own, removed afterwards: a function in development is not deployed.
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("faas-dev-\(UUID().uuidString)")
            .path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        // The lines of functions are shown by `onLogLine`, and failed calls are of interest here.
        let log = HostLog(level: .warning, callLevel: .info, showsFunctionLines: false)
        defer { log.flush() }
        var configuration = FunctionRuntime.Configuration()
        configuration.sandbox = sandbox.mode
        configuration.observers = [log.invocations]
        configuration.onLogLine = Output.log
        configuration.buildDirectory = storeOptions.buildDirectory
        let service = FunctionService(
            repository: FileFunctionRepository(dataDirectory: directory), artifacts: storeOptions.artifacts,
            secrets: storeOptions.accessStore, configuration: configuration)
        do {
            var watch = ManifestWatch(manifest)
            guard let manifest = try watch.next() else { return }
            let function = try await service.deployments.deploy(
                manifest, at: self.manifest, progress: Output.note
            ).function
            try await service.start([function.definition.language])
            try await serve(function, watch, service, log)
        } catch let error as any FunctionError {
            await service.shutDown()
            throw fail(error)
        } catch {
            await service.shutDown()
            Output.note("Error: The server cannot run. \(error)")
            throw ExitCode.failure
        }
    }

    private func serve(_ function: Function, _ watch: ManifestWatch, _ service: FunctionService, _ log: HostLog)
        async throws
    {
        SandboxOption.warn(service.health, to: log.logger)
        var configuration = FunctionServer.Configuration()
        configuration.host = host
        configuration.port = port
        configuration.allowedHosts = names.allowedHost
        configuration.showsErrors = true
        accessOptions.apply(to: &configuration)
        let server = FunctionServer(
            configuration: configuration, service: service, logger: log.logger)
        let watching = Task { await redeploy(function, watch, service) }
        defer { watching.cancel() }
        try await server.run { [host] (port: Int) in
            let path = function.definition.response == .http ? "/http/\(function.id)/" : "/invoke/\(function.id)"
            Output.line("Serving '\(function.id)' on http://\(host):\(port)\(path)")
        }
    }

    /// Deploys the function after each change, until the task is cancelled.
    private func redeploy(_ function: Function, _ watch: ManifestWatch, _ service: FunctionService) async {
        var watch = watch
        var revision = function.revision
        var hasProblem = false
        while (try? await Task.sleep(for: .milliseconds(300))) != nil {
            do {
                guard let manifest = try watch.next() else { continue }
                let function = try await service.deployments.deploy(
                    manifest, at: self.manifest, progress: Output.note
                ).function
                // A file may have changed that the function does not import.
                if function.revision != revision || hasProblem {
                    Output.line("Reloaded '\(function.id)', revision \(function.revision)")
                }
                revision = function.revision
                hasProblem = false
            } catch {
                Output.note("Error: \(error)")
                hasProblem = true
            }
        }
    }
}
