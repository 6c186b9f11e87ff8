import ArgumentParser
import Foundation
import FunctionModel
import FunctionService
import FunctionStorage
import NIOCore
import PolyglotFaaS
import Telemetry

struct Invoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Call a function once: a stored one, or a file.",
        discussion: """
            The result goes to standard output as JSON; what the function writes goes to standard error.

            EXAMPLES
              faas invoke hello --event '{"name":"Ada"}'
              faas invoke hello --event-file event.json
              echo '{"name":"Ada"}' | faas invoke hello -
              faas invoke --file handler.py --event '{"name":"Ada"}'
            """)

    @Argument(help: "The function's id. With --file there is none.")
    var id: String?
    @Argument(help: "'-' reads the event from standard input.")
    var input: String?
    @Option(
        help: ArgumentHelp("Call the handler of this source file; it is not stored.", valueName: "file"),
        completion: .file())
    var file: String?
    @Option(help: ArgumentHelp("The event, as JSON. Default: {}.", valueName: "json"))
    var event: String?
    @Option(help: ArgumentHelp("A file with the event.", valueName: "file"), completion: .file())
    var eventFile: String?
    @Option(
        help: ArgumentHelp(
            "Milliseconds the call may take; 0: no limit. Default: the function's own, else 5000.", valueName: "ms"))
    var timeoutMillis: Int?
    @OptionGroup var sandbox: SandboxOption
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var json: JSONOption

    func validate() throws {
        try OptionRange.check("--timeout-millis", timeoutMillis, 0...86_400_000, "ms")
        // Without an id, '-' stands where it would.
        let input = file == nil ? input : id
        if file != nil, self.input != nil || id != nil && id != "-" {
            throw ValidationError("Give the id of a stored function or --file, not both.")
        }
        if file == nil, id == nil {
            throw ValidationError("Give the id of a stored function, or a source file with --file.")
        }
        if let input, input != "-" {
            throw ValidationError("Unexpected argument '\(input)'. Give the event with --event, --event-file or '-'.")
        }
        if [event, eventFile, input].count(where: { $0 != nil }) > 1 {
            throw ValidationError("Give the event once: --event, --event-file or '-'.")
        }
    }

    func run() async throws {
        do {
            var configuration = FunctionRuntime.Configuration()
            configuration.sandbox = sandbox.mode
            configuration.spareWorkersPerLanguage = 0
            configuration.onLogLine = Output.log
            if sandbox.mode == .off { Output.note("Warning: the sandbox is off.") }
            let service = storeOptions.service(configuration)
            let function = try await function(service)
            let event = try readEvent()
            // The start of the engine is not the function's time.
            try await service.start(for: function)
            let outcome = await service.invoke(
                function, event: ByteBuffer(bytes: event), requestID: RequestIDs.make(),
                timeoutMillis: timeoutMillis ?? function.definition.timeoutMillis ?? 5000, trigger: .commandLine)
            await service.shutDown()
            Output.bytes(try outcome.result.get().readableBytesView)
        } catch {
            throw fail(error, asJSON: json.isJSON)
        }
    }

    private func function(_ service: FunctionService) async throws -> Function {
        guard let file else {
            let reference = try FunctionReference(id ?? "")
            _ = try await storeOptions.checkDirectory()
            return try await service.loadToCall(reference)
        }
        guard FileManager.default.isReadableFile(atPath: file) else {
            throw InvalidRequest("The source file '\(file)' cannot be read.")
        }
        // As a manifest would describe it.
        let manifest: JSONValue = [
            "id": "file", "languageId": .string(try Language(fileName: file).id), "sourceFile": .string(file),
        ]
        let description = try Manifest(manifest.jsonBytes(), name: file, files: .allowed(relativeTo: "."))
        return try await service.deployments.prepare(description, at: file, progress: Output.note)
    }

    private func readEvent() throws -> [UInt8] {
        if let event { return Array(event.utf8) }
        if input != nil || file != nil && id != nil { return Array(try FileHandle.standardInput.readToEnd() ?? Data()) }
        guard let eventFile else { return [] }
        guard let data = FileManager.default.contents(atPath: eventFile) else {
            throw InvalidRequest("The event file '\(eventFile)' cannot be read.")
        }
        return Array(data)
    }
}
