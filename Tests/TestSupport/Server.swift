import Foundation

/// A running `faas serve`.
public struct Server: Sendable {
    public let workspace: Workspace
    public let program: RunningProgram
    public let port: Int
    public let http: HTTPClient

    /// Serves these functions on a free port while `body` runs. Then it ends the server with SIGINT, unless the test
    /// has ended it. The server must exit with code 0 and leave no process behind.
    public static func with<Result>(
        _ functions: [TestFunction] = [], arguments: [String] = [], _ body: (Server) async throws -> Result
    ) async throws -> Result {
        try await Workspace.with(functions) { workspace in try await with(in: workspace, arguments: arguments, body) }
    }

    /// The same with the functions of a workspace.
    public static func with<Result>(
        in workspace: Workspace, arguments: [String] = [], environment: [String: String] = [:],
        _ body: (Server) async throws -> Result
    ) async throws -> Result {
        // Tests read the log as people do.
        let format = arguments.contains("--log-format") ? [] : ["--log-format", "text"]
        return try await workspace.withFaas(["serve", "--port", "0"] + format + arguments, environment: environment) {
            program in
            let port = try await port(printedBy: program)
            let server = Server(workspace: workspace, program: program, port: port, http: HTTPClient(port: port))
            defer { server.http.end() }
            var left = server.processes()
            defer { for process in left { process.kill() } }
            do {
                let result = try await body(server)
                left += server.processes()
                if program.hasEnded == nil { try await server.stop() }
                try await waitUntilAllEnded(left)
                return result
            } catch {
                left += server.processes()
                throw error
            }
        }
    }

    /// Ends the server like Ctrl-C.
    public func stop(_ signal: Int32 = SIGINT) async throws {
        program.send(signal)
        let exit = try await program.waitForEnd(within: .seconds(30))
        guard exit == .code(0) else {
            throw TestFailure("the server ended with \(exit); it wrote:\n\(program.errorOutput)")
        }
    }

    private static func port(printedBy program: RunningProgram) async throws -> Int {
        var port: Int?
        try await waitUntil("the server listens") {
            if let exit = program.hasEnded {
                throw TestFailure("the server ended at once, \(exit): \(program.errorOutput)")
            }
            port = program.output.firstMatch(of: /HTTP server started on http:\/\/[^ ]*:(\d+) .*\n/).flatMap {
                Int($0.1)
            }
            return port != nil
        }
        guard let port else { throw TestFailure("the server printed no port") }
        return port
    }

    // MARK: Its processes

    /// Zygotes, workers and their children.
    public func processes() -> [ProcessEntry] { ProcessTable.descendants(of: program.pid) }

    public func zygotes() -> [ProcessEntry] { ProcessTable.children(of: program.pid) }

    /// The workers of a language, `js` or `python`: children of its zygote.
    public func workers(_ language: String) -> [ProcessEntry] {
        let prefix = language == "js" ? "faas-worker-jav" : "faas-worker-pyt"
        return zygotes().filter { $0.name.hasPrefix(prefix) }.flatMap { ProcessTable.children(of: $0.pid) }
    }

    /// Waits until a worker, or its forked copy, uses processor time, as a handler that loops does.
    public func waitUntilBusy(_ language: String) async throws -> ProcessEntry {
        var busy: ProcessEntry?
        try await waitUntil("a \(language) worker is busy") {
            busy = workers(language).first { worker in
                // Loading a function takes less than 20 ticks.
                ([worker] + ProcessTable.descendants(of: worker.pid)).contains { $0.processorTicks >= 20 }
            }
            return busy != nil
        }
        guard let busy else { throw TestFailure("no \(language) worker is busy") }
        return busy
    }
}

/// Waits until none of these processes is left.
public func waitUntilAllEnded(_ processes: [ProcessEntry], within limit: Duration = .seconds(5)) async throws {
    do {
        try await waitUntil("all processes have ended", within: limit) { !processes.contains(where: \.isRunning) }
    } catch is TestFailure {
        throw TestFailure("still running after \(limit): \(processes.filter(\.isRunning))")
    }
}
