import Access
import ArgumentParser
import FunctionModel
import FunctionService

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Make, list and revoke access tokens of a server.",
        discussion: """
            While there is no token, programs on this machine may do everything over HTTP. Once there is one, every
            request but health checks and calls of public functions needs one. A running server sees a new or revoked
            token within a second.

            EXAMPLES
              faas token create ci --scope deploy --scope read --expires 90d
              faas token create shop --scope invoke:prices
              faas token list
              faas token revoke 2mxq0c5zv1b3k
            """,
        subcommands: [Create.self, ListTokens.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token and show it once.",
            discussion: """
                The token is written to standard output, and cannot be shown again.

                SCOPES
                  admin        everything, tokens and the audit log included
                  deploy       deploy, roll back and delete functions, and set secrets
                  invoke       call every function
                  invoke:{id}  call one function
                  read         see functions, logs, metrics, and details of errors

                EXAMPLES
                  faas token create operator --scope admin
                  faas token create shop --scope invoke:prices --expires 12h
                """)

        @Argument(help: "What the token is for, in lists and logs.")
        var name: String
        @Option(help: "What the token may do; may be repeated.")
        var scope: [String]
        @Option(help: ArgumentHelp("When it expires: 30m, 12h, 90d. Default: never.", valueName: "time"))
        var expires: String?
        @OptionGroup var storeOptions: StoreOptions
        @OptionGroup var json: JSONOption

        func validate() throws {
            if let expires, Lifetime(expires) == nil {
                throw ValidationError("Invalid --expires: '\(expires)'. Use a number and s, m, h or d: 90d.")
            }
        }

        func run() async throws {
            do {
                let scopes = try scope.map { try Scope($0) }
                let (token, secret) = try await storeOptions.access.createToken(
                    name: name, scopes: scopes, lifetimeSeconds: expires.flatMap { Lifetime($0)?.seconds },
                    by: StoreOptions.actor)
                if json.isJSON {
                    var summary = token.summary
                    summary["token"] = .string(secret.text)
                    Output.json(.object(summary))
                } else {
                    Output.note("Made token \(token.id) '\(token.name)'. It is shown this once:")
                    Output.line(secret.text)
                }
            } catch {
                throw fail(error, asJSON: json.isJSON)
            }
        }
    }

    struct ListTokens: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the tokens, without their secrets.",
            discussion: """
                EXAMPLES
                  faas token list
                  faas token list --json
                """)

        @OptionGroup var storeOptions: StoreOptions
        @OptionGroup var json: JSONOption

        func run() async throws {
            do {
                _ = try await storeOptions.checkDirectory()
                let tokens = try await storeOptions.access.tokens()
                if json.isJSON { return Output.json(.array(tokens.map { .object($0.summary) })) }
                if tokens.isEmpty { Output.line("There are no tokens: programs on this machine may do everything.") }
                for token in tokens {
                    let scopes = token.scopes.map(\.text).joined(separator: ", ")
                    let state =
                        token.isExpired(now: systemSeconds())
                        ? "expired" : token.expiresAt.map { "expires \(timeText($0))" } ?? "does not expire"
                    Output.line("- \(token.id) '\(token.name)' [\(scopes)], \(state)")
                }
            } catch {
                throw fail(error, asJSON: json.isJSON)
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke a token: it cannot be used any more.",
            discussion: """
                EXAMPLES
                  faas token revoke 2mxq0c5zv1b3k
                """)

        @Argument(help: "The token's id, as 'faas token list' shows it.")
        var id: String
        @OptionGroup var storeOptions: StoreOptions
        @OptionGroup var json: JSONOption

        func run() async throws {
            do {
                _ = try await storeOptions.checkDirectory()
                let token = try await storeOptions.access.revokeToken(id, by: StoreOptions.actor)
                if json.isJSON { return Output.json(.object(token.summary)) }
                Output.line("Revoked token \(token.id) '\(token.name)'")
                if try await storeOptions.access.tokens().isEmpty {
                    Output.note("There is no token left: programs on this machine may do everything.")
                }
            } catch {
                throw fail(error, asJSON: json.isJSON)
            }
        }
    }

    /// `90d`: a number and a unit.
    struct Lifetime {
        let seconds: Int64

        init?(_ text: String) {
            guard let unit = text.last, let number = Int64(text.dropLast()), number > 0 else { return nil }
            let factors: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
            guard let factor = factors[unit] else { return nil }
            let (seconds, isTooLarge) = number.multipliedReportingOverflow(by: factor)
            guard !isTooLarge else { return nil }
            self.seconds = seconds
        }
    }
}
