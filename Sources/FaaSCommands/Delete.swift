import ArgumentParser
import FileStorage
import FunctionModel
import FunctionStorage

struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Delete a stored function.",
        discussion: """
            EXAMPLE
              faas delete hello
            """)

    @Argument(help: "The function's id.")
    var id: String
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var json: JSONOption

    func run() throws {
        do {
            let id = try FunctionID(id)
            try storeOptions.store.delete(id)
            if json.isJSON { Output.json(["id": .string(id.text)]) } else { Output.line("Deleted function '\(id)'") }
        } catch {
            throw fail(error, asJSON: json.isJSON)
        }
    }
}
