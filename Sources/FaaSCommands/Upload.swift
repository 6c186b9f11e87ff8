import ArgumentParser
import FunctionModel
import FunctionService
import FunctionStorage

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

            EXAMPLES
              faas upload hello/function.jsonc
              faas upload hello/function.jsonc --data-dir /srv/functions
            """, aliases: ["deploy"])

    @Argument(help: "The manifest file.", completion: .file(extensions: ["json", "jsonc"]))
    var manifest: String
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        do {
            let manifest = try Manifest(file: manifest)
            let deployments = storeOptions.deployments
            let deployment = try await deployments.deploy(
                manifest, at: self.manifest, change: .ofThisUser, progress: Output.note)
            let function = deployment.function
            if json.isJSON {
                Output.json(function.json(deployment.version))
            } else {
                Output.line("Uploaded function '\(function.id)' -> \(deployments.location(of: function.id))")
            }
        } catch {
            throw fail(error, asJSON: json.isJSON)
        }
    }
}
