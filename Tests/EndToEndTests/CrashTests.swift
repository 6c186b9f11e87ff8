import Foundation
import FunctionModel
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
            for round in 1...Self.rounds {
                // The newest 50 versions stay: more rounds must not look like losses.
                if round % 12 == 0, Self.rounds > 12 {
                    acknowledged = []
                    _ = try await workspace.faas("delete", "f")
                }
                let delay = Duration.milliseconds(Int.random(in: 0...400, using: &random))
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
                try await check(workspace, acknowledged, round)
            }
            #expect(kills > 0, "nothing was killed")
            #expect(!acknowledged.isEmpty, "everything was killed")
        }
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

    private func check(_ workspace: Workspace, _ acknowledged: Set<String>, _ round: Int) async throws {
        let current = "functions/f.json"
        guard workspace.directory.contains(".faas/\(current)") else {
            #expect(acknowledged.isEmpty, "round \(round): the function is gone")
            return
        }
        let listed = try await workspace.faas("versions", "f", "--json")
        #expect(listed.exit == .code(0), "round \(round): \(listed.errorOutput)")
        guard case .array(let versions) = try listed.json else { throw TestFailure(listed.output) }
        var sources: Set<String> = []
        var currentSources: [String] = []
        for case .object(let version) in versions {
            guard case .integer(let number) = version["version"] else { throw TestFailure(listed.output) }
            let source = try source(workspace, "functions/.versions/f/\(number).json")
            sources.insert(source)
            if version["current"] == true { currentSources.append(source) }
        }
        #expect(acknowledged.subtracting(sources).isEmpty, "round \(round): an acknowledged version is lost")
        #expect(currentSources == [try source(workspace, current)], "round \(round)")
    }

    /// Of a file that must be whole.
    private func source(_ workspace: Workspace, _ name: String) throws -> String {
        let text = try workspace.directory.read(".faas/\(name)")
        guard case .object(let members) = try JSONValue(json: Array(text.utf8)), members["id"] == "f",
            case .string(let source) = members["sourceCode"]
        else { throw TestFailure("\(name) is torn: \(text)") }
        return source
    }
}
