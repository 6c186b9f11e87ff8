import ArgumentParser

/// The command line. Each subcommand has a file of its own; without one, the demo runs.
public struct Faas: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "faas",
        abstract: "Run JavaScript and Python functions, each call in a pristine context of its own.",
        discussion: """
            Without a subcommand: a demo.

            EXAMPLES
              faas                                        run the demo
              faas init hello --language js               make a function to start from
              faas upload hello/function.jsonc            store it
              faas invoke hello --event '{"name":"Ada"}'  call it once
              faas serve                                  serve all stored functions on http://127.0.0.1:8080
            """,
        version: version,
        subcommands: [
            Upload.self, List.self, Versions.self, Rollback.self, Alias.self, Serve.self, Invoke.self, Logs.self,
            Calls.self, Dev.self, Delete.self, Prune.self, Init.self, Doctor.self, TokenCommand.self,
            SecretCommand.self, Audit.self,
        ]
    )

    static let version = "0.1.0"

    public init() {}

    public func run() async throws {
        try await Demo().run()
    }
}
