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
              faas list --long
              faas list --json
              faas list --data-dir /srv/functions
            """)

    @Flag(name: [.customShort("l"), .customLong("long")], help: "Show the version, the date and the size of each.")
    var isLong = false
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var json: JSONOption

    /// ` version 3, 2026-11-30T17:05:08Z, 1.2 kB`
    private static func text(_ facts: FunctionFacts) -> String {
        let version = facts.version.map { " version \($0)," } ?? ""
        return "\(version) \(iso8601(milliseconds: facts.changedAt)), \(Output.size(facts.size))"
    }

    func run() async throws {
        do {
            let exists = try await storeOptions.checkDirectory()
            let list = try await storeOptions.deployments.list()
            for file in list.broken { Output.note("Warning: \(file.message)") }
            if json.isJSON {
                Output.json(.array(list.functions.map { $0.json(list.facts[$0.id]) }))
            } else if list.functions.isEmpty {
                let hint = exists ? "" : " (the directory does not exist)"
                Output.line("No functions uploaded in '\(storeOptions.dataDirectory)'\(hint).")
            } else {
                for function in list.functions {
                    let definition = function.definition
                    let fields = "lang=\(definition.language.id), fn=\(definition.functionName)"
                    let facts = isLong ? list.facts[function.id].map(Self.text) ?? "" : ""
                    Output.line("- \(function.id) [\(fields), esm=\(definition.jsEvalAsModule)]\(facts)")
                }
            }
        } catch {
            throw fail(error, asJSON: json.isJSON)
        }
    }
}
