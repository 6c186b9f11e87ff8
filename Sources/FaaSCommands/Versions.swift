import ArgumentParser
import FunctionModel
import FunctionService
import FunctionStorage

struct Versions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the versions of a function.",
        discussion: """
            Each upload of another content makes a version. The newest is first, and '*' marks the current one. A file \
            that was written by other means becomes a version now.

            EXAMPLES
              faas versions hello
              faas versions hello --json
              faas invoke hello@2
            """)

    @Argument(help: "The function's id.")
    var id: String
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        do {
            let id = try FunctionID(id)
            _ = try await storeOptions.checkDirectory()
            let versions = try await storeOptions.deployments.versions(of: id)
            if json.isJSON { return Output.json(.array(versions.map(\.json))) }
            for version in versions {
                let mark = version.isCurrent ? "*" : " "
                let author = version.author.isEmpty ? "" : ", by \(Output.printable(version.author))"
                Output.line(
                    "\(mark) \(version.number) [\(iso8601(milliseconds: version.createdAt)), "
                        + "\(Output.size(version.size)), revision \(version.revision)\(author)]")
            }
        } catch {
            throw fail(error, asJSON: json.isJSON)
        }
    }
}
