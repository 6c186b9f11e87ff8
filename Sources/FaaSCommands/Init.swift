import ArgumentParser
import Foundation
import FunctionModel

struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a new function: a manifest, a handler and a README.",
        discussion: """
            The function's id is the directory's name. Files that exist are not touched.

            EXAMPLES
              faas init hello --language js
              faas init hello-py --language python
            """)

    @Argument(help: "The directory to make.", completion: .directory)
    var directory: String
    @Option(
        help: ArgumentHelp("\(Language.all.map(\.id).joined(separator: " or ")).", valueName: "language"))
    var language: String
    @OptionGroup var json: JSONOption

    func validate() throws {
        do { _ = try Language(id: language) } catch { throw ValidationError(error.message) }
    }

    func run() throws {
        do {
            let language = try Language(id: language)
            let id = try FunctionID(URL(fileURLWithPath: directory).standardizedFileURL.lastPathComponent)
            let files = Template.files(for: language, id: id, directory: directory)
            // Nothing is written if anything would be in the way.
            for (name, _) in files where FileManager.default.fileExists(atPath: "\(directory)/\(name)") {
                throw InvalidRequest("'\(directory)/\(name)' exists already. Nothing was written.")
            }
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            for (name, text) in files {
                try Data(text.utf8).write(
                    to: URL(fileURLWithPath: "\(directory)/\(name)"), options: .withoutOverwriting)
            }
            if json.isJSON {
                Output.json(["id": .string(id.text), "files": .array(files.map { .string("\(directory)/\($0.name)") })])
            } else {
                for (name, _) in files { Output.line("Wrote \(directory)/\(name)") }
                Output.line(
                    "Next: faas upload \(directory)/function.jsonc, then faas invoke \(id) --event "
                        + "'{\"name\":\"World\"}'"
                )
            }
        } catch {
            throw fail(error, asJSON: json.isJSON)
        }
    }
}

private enum Template {
    static func files(for language: Language, id: FunctionID, directory: String) -> [(name: String, text: String)] {
        let sourceFile = "handler.\(language.fileExtension)"
        return [
            ("function.jsonc", manifest(language, id, sourceFile)), (sourceFile, language.examples.template),
            ("README.md", readme(id, directory)),
        ]
    }

    private static func manifest(_ language: Language, _ id: FunctionID, _ sourceFile: String) -> String {
        """
        {
          "id": "\(id)",
          "languageId": "\(language.id)",
          "sourceFile": "\(sourceFile)",
          // The function to call. "handler" is the default.
          "functionName": "handler",
          // The time one call may take, in milliseconds.
          "timeoutMillis": 5000,
        }

        """
    }

    private static func readme(_ id: FunctionID, _ directory: String) -> String {
        """
        # \(id)

        ```
        faas upload \(directory)/function.jsonc
        faas invoke \(id) --event '{"name":"World"}'
        ```

        Or over HTTP:

        ```
        faas serve
        curl -X POST localhost:8080/invoke/\(id) -d '{"name":"World"}'
        ```

        Both answer `{"message":"Hello, World!"}`.

        """
    }
}
