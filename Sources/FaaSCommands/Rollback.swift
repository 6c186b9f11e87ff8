import ArgumentParser
import FunctionModel
import FunctionService
import FunctionStorage

struct Rollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make an earlier version of a function the current one.",
        discussion: """
            Without --to: the newest version before the current one. No version is lost: --to goes forwards too. A \
            running server sees the change with the next request; calls that run finish on their version.

            EXAMPLES
              faas rollback hello
              faas rollback hello --to 3
            """)

    @Argument(help: "The function's id.")
    var id: String
    @Option(name: .customLong("to"), help: ArgumentHelp("The version's number.", valueName: "version"))
    var version: Int?
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var json: JSONOption

    func validate() throws { try OptionRange.check("--to", version, 1...Int(Int32.max)) }

    func run() async throws {
        do {
            let id = try FunctionID(id)
            _ = try await storeOptions.checkDirectory()
            let version = try await storeOptions.deployments.rollBack(id, to: version, change: .ofThisUser)
            if json.isJSON {
                Output.json(version.json)
            } else {
                Output.line("Version \(version.number) of function '\(id)' is current now")
            }
        } catch {
            throw fail(error, asJSON: json.isJSON)
        }
    }
}
