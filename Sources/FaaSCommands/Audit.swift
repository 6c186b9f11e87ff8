import ArgumentParser
import FunctionModel
import FunctionService
import FunctionStorage

struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show who deployed functions, made tokens and set secrets.",
        discussion: """
            The newest entries come last.

            EXAMPLES
              faas audit
              faas audit --limit 1000 --json
            """)

    @Option(help: ArgumentHelp("How many entries to show.", valueName: "n"))
    var limit = 100
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var json: JSONOption

    func validate() throws { try OptionRange.check("--limit", limit, 1...AccessLimits.maximumAuditEntries) }

    func run() async throws {
        do {
            _ = try await storeOptions.checkDirectory()
            let entries = try await storeOptions.access.auditEntries(limit: limit).reversed()
            if json.isJSON { return Output.json(.array(entries.map(\.summary))) }
            for entry in entries {
                let detail = entry.detail.isEmpty ? "" : " (\(entry.detail))"
                Output.line(
                    "\(timeText(entry.time / 1000)) \(entry.actor) \(entry.action.rawValue) \(entry.object)\(detail)"
                )
            }
        } catch {
            throw fail(error, asJSON: json.isJSON)
        }
    }
}
