import ArgumentParser
import FunctionModel
import FunctionService
import FunctionStorage

struct Prune: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove layers and builds that no stored function uses.",
        discussion: """
            Layers are the folders and packages of Python functions; builds are what becomes of JavaScript modules and \
            TypeScript. What has changed within the last hour stays, because an upload may be about to use it.

            A server that runs may still have workers of a function that has been replaced or deleted since. What \
            those read goes too: prune a while after such changes, or when no server runs.

            EXAMPLES
              faas prune --dry-run
              faas prune
            """)

    @Flag(name: .customLong("dry-run"), help: "Only say what would be removed.")
    var isDryRun = false
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        do {
            _ = try await storeOptions.checkDirectory()
            let unused = try await storeOptions.deployments.prune(isDryRun: isDryRun)
            let bytes = unused.reduce(0) { $0.addingOrMaximum($1.bytes) }
            if json.isJSON {
                let files = unused.map { file -> JSONValue in
                    ["path": .string(file.path), "bytes": .integer(Int64(file.bytes))]
                }
                return Output.json([
                    "dryRun": .bool(isDryRun), "removed": .array(files), "bytes": .integer(Int64(bytes)),
                ])
            }
            let verb = isDryRun ? "Would remove" : "Removed"
            for file in unused { Output.line("\(verb) \(file.path) (\(file.bytes) bytes)") }
            Output.line(unused.isEmpty ? "Nothing to remove." : "\(verb) \(bytes) bytes.")
        } catch {
            throw fail(error, asJSON: json.isJSON)
        }
    }
}
