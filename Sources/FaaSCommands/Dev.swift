import ArgumentParser
import FaaSServer
import FileStorage
import Foundation
import FunctionModel
import FunctionStorage
import Logging
import PolyglotFaaS

struct Dev: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the function of a manifest while you work on it.",
        discussion: """
            The function is not stored. When the manifest, a file that it names, or a file of a JavaScript project changes,
            the next request gets the new one.
            What the function writes appears on standard error as it comes. Ctrl-C stops.

            EXAMPLE
              faas dev hello/function.jsonc
              curl -X POST localhost:8080/invoke/hello -d '{"name":"Ada"}'
            """)

    @Argument(help: "The manifest file.", completion: .file(extensions: ["json", "jsonc"]))
    var manifest: String
    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"
    @Option(help: "The port to listen on; 0: any free one, which is printed.")
    var port = 8080
    @OptionGroup var sandbox: SandboxOption
    @OptionGroup var storeOptions: StoreOptions

    func validate() throws {
        guard (0...65535).contains(port) else {
            throw ValidationError("Invalid port: \(port). Use a number from 0 to 65535.")
        }
    }

    func run() async throws {
        // A store of its own, gone afterwards: what is being written is not deployed.
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("faas-dev-\(UUID().uuidString)")
            .path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store = FunctionStore(dataDirectory: directory, layersIn: storeOptions.dataDirectory)
        var limits = FunctionRuntime.Configuration()
        limits.sandbox = sandbox.mode
        limits.onLogLine = Output.log
        limits.buildDirectory = storeOptions.buildDirectory
        let runtime = FunctionRuntime(configuration: limits)
        do {
            let manifest = try Manifest(file: manifest)
            // Looked at before they are read: what changes meanwhile is seen as a change.
            let files = WatchedFiles(manifest, at: self.manifest)
            let function = try await deploy(manifest, at: self.manifest, to: store, builds: storeOptions.buildDirectory)
            try await runtime.start([function.definition.language])
            try await serve(function, manifest, files, store, runtime)
        } catch let error as any FunctionError {
            await runtime.shutDown()
            throw fail(error)
        } catch {
            await runtime.shutDown()
            Output.note("Error: The server cannot run on \(host):\(port): \(error)")
            throw ExitCode.failure
        }
    }

    private func serve(
        _ function: Function, _ manifest: Manifest, _ files: WatchedFiles, _ store: FunctionStore,
        _ runtime: FunctionRuntime
    ) async throws {
        let log = HostLog(level: .warning)
        defer { log.flush() }
        SandboxOption.warn(runtime, to: log.logger)
        var configuration = FunctionServer.Configuration()
        configuration.host = host
        configuration.port = port
        let server = FunctionServer(
            configuration: configuration, runtime: runtime, store: store, logger: log.logger,
            observers: [log.invocations])
        let watching = Task { await watch(function, manifest, files, store) }
        defer { watching.cancel() }
        try await server.run { [host] (port: Int) in
            let path = function.definition.response == .http ? "/http/\(function.id)/" : "/invoke/\(function.id)"
            Output.line("Serving '\(function.id)' on http://\(host):\(port)\(path)")
        }
    }

    /// Reads the manifest again and again: what it says may come from any number of files, and reading them is cheaper
    /// than asking the kernel to watch over each.
    private func watch(_ function: Function, _ manifest: Manifest, _ files: WatchedFiles, _ store: FunctionStore) async
    {
        var revision = function.revision
        var current = (manifest, files)
        var lastProblem = ""
        while true {
            do {
                try await Task.sleep(for: .milliseconds(300))
                let manifest = try Manifest(file: self.manifest)
                let next = (manifest, WatchedFiles(manifest, at: self.manifest))
                if next == current, lastProblem.isEmpty { continue }
                let function = try await deploy(
                    manifest, at: self.manifest, to: store, builds: storeOptions.buildDirectory)
                // A file may have changed that it does not import.
                if function.revision != revision || !lastProblem.isEmpty {
                    Output.line("Reloaded '\(function.id)', revision \(function.revision)")
                }
                revision = function.revision
                current = next
                lastProblem = ""
            } catch is CancellationError {
                return
            } catch {
                // Once for each, while somebody mends it.
                if "\(error)" != lastProblem { Output.note("Error: \(error)") }
                lastProblem = "\(error)"
            }
        }
    }
}
