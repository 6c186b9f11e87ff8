import Foundation

/// A function to upload, with its source in the manifest.
public struct TestFunction: Encodable, Sendable {
    let id: String
    let languageId: String
    let source: String
    var dependencies: [String: [String: String]] = [:]
    var functionName: String?
    var timeoutMillis: Int?
    var response: String?
    var cors: [String: [String]]?
    var minWorkers: Int?
    var idleTimeoutMillis: Int?
    var access: String?
    var secrets: [String]?

    /// The same with `"access": "public"`.
    public func `public`() -> TestFunction {
        var function = self
        function.access = "public"
        return function
    }

    /// The same with secrets in its environment.
    public func reading(secrets: String...) -> TestFunction {
        var function = self
        function.secrets = secrets
        return function
    }

    /// The same with workers that are kept ready.
    public func keptReady(_ workers: Int?, idleTimeoutMillis: Int? = nil) -> TestFunction {
        var function = self
        (function.minWorkers, function.idleTimeoutMillis) = (workers, idleTimeoutMillis)
        return function
    }

    /// The same with `"response": "http"`.
    public func answeringHTTP() -> TestFunction {
        var function = self
        function.response = "http"
        return function
    }

    /// The same for pages of other origins.
    public func allowing(origins: String...) -> TestFunction {
        var function = self
        function.cors = ["allowOrigins": origins]
        return function
    }

    public static func js(
        _ id: String, _ source: String, dependencies: [String: String] = [:], functionName: String? = nil,
        timeoutMillis: Int? = nil
    ) -> TestFunction {
        TestFunction(
            id: id, languageId: "js", source: source, dependencies: dependencies.mapValues { ["source": $0] },
            functionName: functionName,
            timeoutMillis: timeoutMillis)
    }

    public static func python(
        _ id: String, _ source: String, dependencies: [String: String] = [:], functionName: String? = nil,
        timeoutMillis: Int? = nil
    ) -> TestFunction {
        TestFunction(
            id: id, languageId: "python", source: source, dependencies: dependencies.mapValues { ["source": $0] },
            functionName: functionName, timeoutMillis: timeoutMillis)
    }
}

/// A working directory with a `faas` of its own.
public struct Workspace: Sendable {
    public let directory: TemporaryDirectory

    public static func with<Result>(_ functions: [TestFunction] = [], _ body: (Workspace) async throws -> Result)
        async throws
        -> Result
    {
        try await TemporaryDirectory.with { directory in
            let workspace = Workspace(directory: directory)
            for function in functions { try await workspace.upload(function) }
            return try await body(workspace)
        }
    }

    /// The environment of a user's shell after the build, the same on every machine.
    public static let environment: [String: String?] = [
        "PATH": Binaries.directory.path + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"),
        "FAAS_WORKER_DIR": nil as String?, "COLUMNS": "200", "LANG": "C.UTF-8",
    ]

    public func faas(_ arguments: String..., input: String? = nil) async throws -> ProgramResult {
        try await Program.run(
            Binaries.faas.path, arguments, in: directory.path, environment: Self.environment,
            input: input.map { Data($0.utf8) })
    }

    /// Starts `faas` for as long as `body` runs.
    /// - Parameter environment: variables that are added to ``environment`` or replace its values.
    public func withFaas<Result>(
        _ arguments: [String], environment: [String: String] = [:], _ body: (RunningProgram) async throws -> Result
    ) async throws -> Result {
        try await Program.with(
            Binaries.faas.path, arguments, in: directory.path,
            environment: Self.environment.merging(environment) { $1 }, body)
    }

    public func upload(_ function: TestFunction) async throws {
        let name = "\(function.id).manifest.json"
        try directory.write(String(decoding: JSONEncoder().encode(function), as: UTF8.self), to: name)
        let result = try await faas("upload", name)
        guard result.exit == .code(0) else {
            throw TestFailure("\(function.id) was not uploaded: \(result.errorOutput)")
        }
    }
}
