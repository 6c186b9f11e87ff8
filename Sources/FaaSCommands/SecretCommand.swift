import ArgumentParser
import Foundation
import FunctionModel
import FunctionService
import FunctionStorage

struct SecretCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secret",
        abstract: "Set, list and delete secrets of functions.",
        discussion: """
            A function whose manifest names a secret ("secrets": ["API_KEY"]) finds it in its environment. Values are
            stored encrypted and cannot be shown. A running server sees a change within a second.

            EXAMPLES
              faas secret set API_KEY < key.txt
              faas secret list
              faas secret delete API_KEY
            """,
        subcommands: [SetSecret.self, ListSecrets.self, DeleteSecret.self])

    struct SetSecret: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set",
            abstract: "Set a secret to what standard input has.",
            discussion: """
                A line break at the end is not part of the value. The value is not an argument, because other users of
                the machine can see those.

                EXAMPLES
                  faas secret set API_KEY < key.txt
                  printf %s "$KEY" | faas secret set API_KEY
                """)

        @Argument(help: "The secret's name, and that of the variable.")
        var name: String
        @OptionGroup var storeOptions: StoreOptions
        @OptionGroup var json: JSONOption

        func run() async throws {
            do {
                try await storeOptions.access.setSecret(name, to: try readValue(), by: StoreOptions.actor)
                if json.isJSON { Output.json(["name": .string(name)]) } else { Output.line("Set secret '\(name)'") }
            } catch {
                throw fail(error, asJSON: json.isJSON)
            }
        }

        private func readValue() throws -> String {
            if isatty(STDIN_FILENO) == 1 {
                Output.note("Type the value of '\(name)' and press Enter. It is not shown.")
            }
            let data = try TerminalEcho.without { () throws -> Data in
                guard isatty(STDIN_FILENO) == 1 else {
                    return try FileHandle.standardInput.read(upToCount: AccessLimits.maximumSecretBytes + 3) ?? Data()
                }
                return Data((readLine() ?? "").utf8)
            }
            guard var value = String(validating: data, as: UTF8.self) else {
                throw InvalidRequest("The value of the secret '\(name)' is not UTF-8 text. Encode it first, as base64.")
            }
            if value.last?.isNewline == true { value.removeLast() }
            return value
        }
    }

    struct ListSecrets: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the names of the secrets.",
            discussion: """
                EXAMPLES
                  faas secret list
                  faas secret list --json
                """)

        @OptionGroup var storeOptions: StoreOptions
        @OptionGroup var json: JSONOption

        func run() async throws {
            do {
                _ = try await storeOptions.checkDirectory()
                let secrets = try await storeOptions.access.secrets()
                if json.isJSON {
                    return Output.json(.array(secrets.map(\.summary)))
                }
                if secrets.isEmpty { Output.line("There are no secrets in '\(storeOptions.dataDirectory)'.") }
                for secret in secrets { Output.line("- \(secret.name), set \(timeText(secret.changedAt))") }
            } catch {
                throw fail(error, asJSON: json.isJSON)
            }
        }
    }

    struct DeleteSecret: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete",
            abstract: "Delete a secret. Functions that need it cannot be called then.",
            discussion: """
                EXAMPLES
                  faas secret delete API_KEY
                """)

        @Argument(help: "The secret's name.")
        var name: String
        @OptionGroup var storeOptions: StoreOptions
        @OptionGroup var json: JSONOption

        func run() async throws {
            do {
                _ = try await storeOptions.checkDirectory()
                try await storeOptions.access.deleteSecret(name, by: StoreOptions.actor)
                if json.isJSON { Output.json(["name": .string(name)]) } else { Output.line("Deleted secret '\(name)'") }
            } catch {
                throw fail(error, asJSON: json.isJSON)
            }
        }
    }
}

/// What is typed on a terminal.
private enum TerminalEcho {
    /// Runs `body` while the terminal does not show what is typed.
    static func without<Result>(_ body: () throws -> Result) rethrows -> Result {
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return try body() }
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer { tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings) }
        return try body()
    }
}
