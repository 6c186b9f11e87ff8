import ArgumentParser
import FileStorage
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
            let function = try await deploy(
                manifest, at: self.manifest, to: storeOptions.store, builds: storeOptions.buildDirectory)
            if json.isJSON {
                Output.json(function.summary)
            } else {
                Output.line("Uploaded function '\(function.id)' -> \(storeOptions.store.path(of: function.id))")
            }
        } catch {
            throw fail(error, asJSON: json.isJSON)
        }
    }
}
