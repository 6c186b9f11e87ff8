import ArgumentParser
import FunctionModel
import FunctionService
import FunctionStorage

struct Alias: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Name versions of a function.",
        discussion: """
            A call of 'hello@live' runs the version that the alias 'live' leads to. With --canary, a share of the calls \
            runs another version.

            EXAMPLES
              faas alias set hello live 3
              faas alias set hello live 3 --canary 4 --percent 5
              faas alias list hello
              faas alias delete hello live
            """,
        subcommands: [Set.self, Show.self, Remove.self])

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make an alias lead to a version.")

        @Argument(help: "The function's id.")
        var id: String
        @Argument(help: "The alias: letters, digits, '_' and '-', beginning with a letter.")
        var name: String
        @Argument(help: "The version's number.")
        var version: Int
        @Option(help: ArgumentHelp("A version that gets a share of the calls.", valueName: "version"))
        var canary: Int?
        @Option(help: "The share of the calls that the canary gets, in percent.")
        var percent: Double?
        @OptionGroup var storeOptions: StoreOptions
        @OptionGroup var json: JSONOption

        func validate() throws {
            try OptionRange.check("<version>", version, 1...Int(Int32.max))
            try OptionRange.check("--canary", canary, 1...Int(Int32.max))
            guard (canary == nil) == (percent == nil) else {
                throw ValidationError("--canary and --percent belong together.")
            }
        }

        func run() async throws {
            do {
                let id = try FunctionID(id)
                _ = try await storeOptions.checkDirectory()
                let share = canary.flatMap { version in
                    percent.map { FunctionAlias.Canary(version: version, percent: $0) }
                }
                let alias = try FunctionAlias(name: name, version: version, canary: share)
                try await storeOptions.deployments.setAlias(alias, of: id, by: StoreOptions.actor)
                if json.isJSON { Output.json(alias.json) } else { Output.line("\(id)@\(alias.text)") }
            } catch {
                throw fail(error, asJSON: json.isJSON)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List a function's aliases.")

        @Argument(help: "The function's id.")
        var id: String
        @OptionGroup var storeOptions: StoreOptions
        @OptionGroup var json: JSONOption

        func run() async throws {
            do {
                let id = try FunctionID(id)
                _ = try await storeOptions.checkDirectory()
                let aliases = try await storeOptions.deployments.aliases(of: id)
                if json.isJSON { return Output.json(.array(aliases.map(\.json))) }
                if aliases.isEmpty { Output.line("Function '\(id)' has no aliases.") }
                for alias in aliases { Output.line("\(id)@\(alias.text)") }
            } catch {
                throw fail(error, asJSON: json.isJSON)
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete an alias.")

        @Argument(help: "The function's id.")
        var id: String
        @Argument(help: "The alias.")
        var name: String
        @OptionGroup var storeOptions: StoreOptions
        @OptionGroup var json: JSONOption

        func run() async throws {
            do {
                let id = try FunctionID(id)
                _ = try await storeOptions.checkDirectory()
                try await storeOptions.deployments.removeAlias(name, of: id, by: StoreOptions.actor)
                if json.isJSON { Output.json(["name": .string(name)]) } else { Output.line("Deleted \(id)@\(name)") }
            } catch {
                throw fail(error, asJSON: json.isJSON)
            }
        }
    }
}

extension FunctionAlias {
    /// `live -> 3, 5 % of calls -> 4`
    fileprivate var text: String {
        let share = canary.map { canary in
            let percent = canary.percent == canary.percent.rounded() ? "\(Int(canary.percent))" : "\(canary.percent)"
            return ", \(percent) % of calls -> version \(canary.version)"
        }
        return "\(name) -> version \(version)\(share ?? "")"
    }
}
