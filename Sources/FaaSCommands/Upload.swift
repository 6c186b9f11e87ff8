import ArgumentParser
import FunctionModel
import FunctionStorage
import PolyglotFaaS

struct Upload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Store the function a manifest describes.",
        discussion: """
            A manifest is JSON, with comments and trailing commas if you like:
              {
                "id": "hello",              // required
                "languageId": "js",         // required: "js" or "python"
                "sourceFile": "hello.js",   // or "source": "inline code"
                "functionName": "handler",  // default
                "dependencies": { "greeter": { "file": "lib/greeter.js" } },
                "timeoutMillis": 5000
              }
            Paths are relative to the manifest, and if nothing is there, to the working directory.
            A running server sees the change with the next request.

            EXAMPLE
              faas upload hello/function.jsonc
            """)

    @Argument(help: "The manifest file.", completion: .file(extensions: ["json", "jsonc"]))
    var manifest: String
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        do {
            let manifest = try Manifest(file: manifest)
            let definition = try await build(manifest)
            let function = try storeOptions.store.save(manifest.id, definition: definition)
            if json.isJSON {
                Output.json(function.summary)
            } else {
                Output.line("Uploaded function '\(function.id)' -> \(storeOptions.store.path(of: function.id))")
            }
        } catch {
            throw fail(error, asJSON: json.isJSON)
        }
    }

    /// What is to be stored. Modules are built now, so that what is wrong with them is said here and no call waits for it.
    private func build(_ manifest: Manifest) async throws -> FunctionDefinition {
        var definition = manifest.definition
        let project = manifest.sourcePath.flatMap { JavaScriptProject(definition, sourcePath: $0, manifestPath: self.manifest) }
        guard project != nil || Function(id: manifest.id, definition: definition).needsBuild else { return definition }
        var configuration = FunctionRuntime.Configuration()
        configuration.buildDirectory = storeOptions.buildDirectory
        let runtime = FunctionRuntime(configuration: configuration)
        if let project { definition = try await runtime.bundle(definition, main: project.main, project: project.folder) }
        try await runtime.build(Function(id: manifest.id, definition: definition))
        await runtime.shutDown()
        return definition
    }
}
