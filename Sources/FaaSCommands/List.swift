import ArgumentParser
import FunctionModel
import FunctionService
import FunctionStorage

struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the stored functions.",
        discussion: """
            A file that cannot be read is reported on standard error; the others are listed all the same. A \
            directory that is named with --data-dir must exist.

            EXAMPLES
              faas list
              faas list --json
              faas list --data-dir /srv/functions
            """)

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        do {
            let exists = try await storeOptions.checkDirectory()
            let list = try await storeOptions.deployments.list()
            for file in list.broken { Output.note("Warning: \(file.message)") }
            if json.isJSON {
                Output.json(.array(list.functions.map(\.summary)))
            } else if list.functions.isEmpty {
                let hint = exists ? "" : " (the directory does not exist)"
                Output.line("No functions uploaded in '\(storeOptions.dataDirectory)'\(hint).")
            } else {
                for function in list.functions {
                    let definition = function.definition
                    let fields = "lang=\(definition.language.id), fn=\(definition.functionName)"
                    Output.line("- \(function.id) [\(fields), esm=\(definition.jsEvalAsModule)]")
                }
            }
        } catch {
            throw fail(error, asJSON: json.isJSON)
        }
    }
}
