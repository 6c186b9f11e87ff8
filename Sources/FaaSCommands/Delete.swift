import ArgumentParser
import FunctionModel
import FunctionService

struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Delete a stored function.",
        discussion: """
            A running server sees the change with the next request.

            EXAMPLES
              faas delete hello
              faas delete hello --data-dir /srv/functions
            """)

    @Argument(help: "The function's id.")
    var id: String
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        do {
            let id = try FunctionID(id)
            _ = try await storeOptions.checkDirectory()
            try await storeOptions.deployments.delete(id, change: .ofThisUser)
            if json.isJSON { Output.json(["id": .string(id.text)]) } else { Output.line("Deleted function '\(id)'") }
        } catch {
            throw fail(error, asJSON: json.isJSON)
        }
    }
}
