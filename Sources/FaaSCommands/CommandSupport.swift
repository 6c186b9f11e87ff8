import ArgumentParser
import FileStorage
import Foundation
import FunctionModel
import FunctionService
import FunctionStorage
import PolyglotFaaS
import Telemetry

/// Where functions are stored.
struct StoreOptions: ParsableArguments {
    @Option(
        name: .customLong("data-dir"),
        help: ArgumentHelp("The directory that holds the functions. Default: .faas.", valueName: "dir"))
    var givenDataDirectory: String?

    var dataDirectory: String { givenDataDirectory ?? ".faas" }

    /// The use cases that need no runtime.
    var deployments: Deployments {
        var configuration = FunctionRuntime.Configuration()
        configuration.buildDirectory = buildDirectory
        return Deployments(repository: repository, artifacts: artifacts, rules: rules(), configuration: configuration)
    }

    /// All use cases, with a runtime. The caller shuts it down.
    /// - Parameters:
    ///   - records: what is recorded of calls; nil: nothing.
    ///   - quotas: nil: none. They are for clients of a server: a user of the directory can write to it anyway.
    func service(
        _ configuration: FunctionRuntime.Configuration, records: HostRecords? = nil, quotas: QuotaOptions? = nil
    ) -> FunctionService {
        var configuration = configuration
        configuration.buildDirectory = buildDirectory
        return FunctionService(
            repository: repository, artifacts: artifacts, secrets: accessStore, rules: rules(quotas),
            configuration: configuration, records: records)
    }

    private func rules(_ quotas: QuotaOptions? = nil) -> DeploymentRules {
        var rules = DeploymentRules(audit: accessStore)
        rules.usage = FileUsage(dataDirectory: dataDirectory)
        rules.maximumFunctions = quotas?.maxFunctions
        rules.maximumBytes = quotas?.maxDisk.map { $0 << 20 }
        return rules
    }

    /// Tokens, secrets and the audit log.
    var accessStore: StateAccessStore { StateAccessStore(dataDirectory: dataDirectory) }

    var access: AccessService { AccessService(stores: accessStore) }

    /// The user, in the audit log.
    static var actor: String { NSUserName() }

    /// What a server has recorded of the functions.
    var records: FunctionRecords { FunctionRecords(dataDirectory: dataDirectory) }

    private var repository: FileFunctionRepository { FileFunctionRepository(dataDirectory: dataDirectory) }

    var artifacts: FileArtifactStore { FileArtifactStore(dataDirectory: dataDirectory) }

    /// What has been built of JavaScript modules. It may be deleted at any time.
    var buildDirectory: String { "\(dataDirectory)/builds" }

    /// Whether the directory exists.
    /// - Parameter isCreated: whether uploads may make it later.
    /// - Throws: `InvalidRequest` if it does not exist, was named and is not created later: it is probably misspelt.
    func checkDirectory(isCreated: Bool = false) async throws -> Bool {
        if await repository.exists() { return true }
        if let givenDataDirectory, !isCreated {
            throw InvalidRequest("The data directory '\(givenDataDirectory)' does not exist.")
        }
        return false
    }
}

struct JSONOption: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Write JSON, for machines.")
    var isJSON = false
}

enum Output {
    /// A line on standard output, at once: another program may be waiting for it.
    static func line(_ text: String) { write(text + "\n", to: .standardOutput) }

    /// A line on standard error.
    @Sendable static func note(_ text: String) { write(text + "\n", to: .standardError) }

    /// What a function wrote, on standard error: standard output has only its result.
    @Sendable static func log(_ line: LogLine) { note("[\(line.level)] \(line.text)") }

    static func json(_ value: JSONValue) { line(value.jsonText(pretty: true)) }

    static func bytes(_ bytes: some Collection<UInt8>) {
        try? FileHandle.standardOutput.write(contentsOf: Data(bytes) + Data("\n".utf8))
    }

    /// A size for people: `1.2 kB`.
    static func size(_ bytes: Int) -> String {
        ByteCountFormatStyle(style: .file).format(Int64(bytes))
    }

    /// Text that anybody may have written, for a terminal: without control characters.
    static func printable(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.properties.generalCategory != .control }))
    }

    private static func write(_ text: String, to file: FileHandle) {
        // A closed pipe is not an error of this command.
        try? file.write(contentsOf: Data(text.utf8))
    }
}

extension FunctionChange {
    /// A change that the user of this process makes.
    static var ofThisUser: FunctionChange { FunctionChange(author: NSUserName()) }
}

/// Ends the command with exit code 1 after the message. In JSON form if a machine reads.
func fail(_ error: any Error, asJSON: Bool = false) -> ExitCode {
    guard let error = error as? any FunctionError else {
        if asJSON {
            Output.json(["error": .string("\(error)"), "errorType": "Error", "errorOrigin": "host"])
        } else {
            Output.note("Error: \(error)")
        }
        return .failure
    }
    if asJSON {
        var object: [String: JSONValue] = [
            "error": .string(error.message), "errorType": .string(error.errorType),
            "errorOrigin": .string(error.origin.rawValue),
        ]
        if let error = error as? LoadError {
            object["line"] = error.line.map { .integer(Int64($0)) }
            object["column"] = error.column.map { .integer(Int64($0)) }
        }
        if let stack = stackTrace(of: error), !stack.isEmpty {
            object["stackTrace"] = .array(stack.map { .string($0) })
        }
        Output.json(.object(object))
    } else {
        let name = error is HandlerError ? "\(error.errorType): " : ""
        Output.note("Error: \(name)\(error.message)")
        for line in stackTrace(of: error) ?? [] { Output.note("    \(line)") }
    }
    return .failure
}

private func stackTrace(of error: any FunctionError) -> [String]? {
    (error as? HandlerError)?.stackTrace ?? (error as? LoadError)?.stackTrace
}
