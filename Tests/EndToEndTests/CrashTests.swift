import Foundation
import FunctionModel
import Synchronization
import TestSupport
import Testing

/// `kill -9` at random moments. What was acknowledged is there afterwards, and nothing is torn.
@Suite struct CrashTests {
    /// Rounds of three processes each. `FAAS_CRASH_ROUNDS` asks for more.
    private static let rounds = ProcessInfo.processInfo.environment["FAAS_CRASH_ROUNDS"].flatMap { Int($0) } ?? 12

    @Test func `Uploads and rollbacks that are killed leave every acknowledged version, and one whole current one`()
        async throws
    {
        try await Workspace.with { workspace in
            var random = SeededGenerator(seed: 22)
            var acknowledged: Set<String> = []
            var kills = 0
            // How long an upload takes here: the moments of the kills lie within it, and after it.
            try workspace.directory.write(#"{"id": "g", "languageId": "js", "source": "1"}"#, to: "g.json")
            let start = ContinuousClock.now
            _ = try await workspace.faas("upload", "g.json")
            let span = max(1, Int((ContinuousClock.now - start) / .milliseconds(1)))
            for round in 1...Self.rounds {
                // The newest 50 versions stay: more rounds must not look like losses.
                if round % 12 == 0, Self.rounds > 12 {
                    acknowledged = []
                    _ = try await workspace.faas("delete", "f")
                }
                let delay = Duration.milliseconds(Int.random(in: 0...(3 * span), using: &random))
                let ended = try await withThrowingTaskGroup(of: (source: String?, isKilled: Bool).self) { group in
                    for writer in ["a", "b"] {
                        let source = "exports.handler = () => '\(round)\(writer)'"
                        try workspace.directory.write(
                            #"{"id": "f", "languageId": "js", "source": "\#(source)"}"#, to: "\(writer).json")
                        group.addTask {
                            let (isDone, isKilled) = try await Self.run(workspace, ["upload", "\(writer).json"], delay)
                            return (isDone ? source : nil, isKilled)
                        }
                    }
                    group.addTask {
                        (nil, try await Self.run(workspace, ["rollback", "f"], delay).isKilled)
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                acknowledged.formUnion(ended.compactMap(\.source))
                kills += ended.count { $0.isKilled }
                try await check(workspace, "f", acknowledged, "round \(round)")
            }
            #expect(kills > 0, "nothing was killed")
            #expect(!acknowledged.isEmpty, "everything was killed")
        }
    }

    @Test func `A server that is killed while it takes functions keeps every one that it has acknowledged`()
        async throws
    {
        try await Workspace.with { workspace in
            var random = SeededGenerator(seed: 23)
            var count = 0
            for round in 1...max(2, Self.rounds / 4) {
                let target = Int.random(in: 1...20, using: &random)
                let delay = Duration.microseconds(Int.random(in: 0...10_000, using: &random))
                let answers = Answers()
                let acknowledged = try await Server.with(in: workspace) { server in
                    try await withThrowingTaskGroup(of: (id: String, sources: Set<String>).self) { group in
                        for client in 1...3 {
                            // An id of its own for each, because the newest 50 versions stay.
                            group.addTask { await Self.deploy("f\(round)-\(client)", to: server, answers) }
                        }
                        try await waitUntil("\(target) deployments are acknowledged") { answers.count >= target }
                        try await Task.sleep(for: delay)
                        server.program.send(SIGKILL)
                        _ = try await server.program.waitForEnd()
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                }
                for (id, sources) in acknowledged {
                    count += sources.count
                    try await check(workspace, id, sources, "round \(round), \(id)")
                }
            }
            #expect(count > 0, "nothing was acknowledged")
        }
    }

    private final class Answers: Sendable {
        private let value = Mutex(0)
        var count: Int { value.withLock { $0 } }
        func add() { value.withLock { $0 += 1 } }
    }

    /// Deploys versions, and takes every third back, until the server does not answer.
    /// - Returns: the sources that were acknowledged.
    private static func deploy(
        _ id: String, to server: Server, _ answers: Answers
    ) async -> (id: String, sources: Set<String>) {
        var acknowledged: Set<String> = []
        for number in 1...40 {
            let source = "exports.handler = () => \(number)"
            let manifest = JSONValue.object(["languageId": "js", "source": .string(source)])
            guard
                let answer = try? await server.http.send(
                    "PUT", "/functions/\(id)?check=false", body: Data(manifest.jsonBytes()))
            else { break }
            if [200, 201].contains(answer.status) {
                acknowledged.insert(source)
                answers.add()
            }
            if number % 3 == 0 { _ = try? await server.http.send("POST", "/functions/\(id)/rollback") }
        }
        return (id, acknowledged)
    }

    /// - Returns: whether it said that it is done, and whether it was killed.
    private static func run(
        _ workspace: Workspace, _ arguments: [String], _ delay: Duration
    ) async throws -> (isDone: Bool, isKilled: Bool) {
        try await workspace.withFaas(arguments) { program in
            let end = ContinuousClock.now + delay
            while program.hasEnded == nil, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(1)) }
            program.send(SIGKILL)
            let exit = try await program.waitForEnd()
            return (program.output.hasPrefix("Uploaded"), exit == .signal(SIGKILL))
        }
    }

    private func check(
        _ workspace: Workspace, _ id: String, _ acknowledged: Set<String>, _ place: String
    ) async throws {
        let current = "functions/\(id).json"
        guard workspace.directory.contains(".faas/\(current)") else {
            #expect(acknowledged.isEmpty, "\(place): the function is gone")
            return
        }
        let listed = try await workspace.faas("versions", id, "--json")
        #expect(listed.exit == .code(0), "\(place): \(listed.errorOutput)")
        guard case .array(let versions) = try listed.json else { throw TestFailure(listed.output) }
        var sources: Set<String> = []
        var currentSources: [String] = []
        for case .object(let version) in versions {
            guard case .integer(let number) = version["version"] else { throw TestFailure(listed.output) }
            let source = try source(workspace, id, "functions/.versions/\(id)/\(number).json")
            sources.insert(source)
            if version["current"] == true { currentSources.append(source) }
        }
        #expect(acknowledged.subtracting(sources).isEmpty, "\(place): an acknowledged version is lost")
        #expect(currentSources == [try source(workspace, id, current)], "\(place)")
    }

    /// Of a file that must be whole.
    private func source(_ workspace: Workspace, _ id: String, _ name: String) throws -> String {
        let text = try workspace.directory.read(".faas/\(name)")
        guard case .object(let members) = try JSONValue(json: Array(text.utf8)), members["id"] == .string(id),
            case .string(let source) = members["sourceCode"]
        else { throw TestFailure("\(name) is torn: \(text)") }
        return source
    }
}
