import ArgumentParser
import FileStorage
import FunctionModel
import FunctionStorage

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the stored functions.",
        discussion: """
            A file that cannot be read is reported on standard error; the others are listed all the same.

            EXAMPLES
              faas list
              faas list --json
            """)

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var json: JSONOption

    func run() throws {
        do {
            let (functions, broken) = try storeOptions.store.list()
            for file in broken { Output.note("Warning: \(file.message)") }
            if json.isJSON {
                Output.json(.array(functions.map(\.summary)))
            } else if functions.isEmpty {
                Output.line("No functions uploaded.")
            } else {
                for function in functions {
                    let definition = function.definition
                    Output.line(
                        "- \(function.id) [lang=\(definition.language.id), fn=\(definition.functionName), esm=\(definition.jsEvalAsModule)]"
                    )
                }
            }
        } catch {
            throw fail(error, asJSON: json.isJSON)
        }
    }
}
