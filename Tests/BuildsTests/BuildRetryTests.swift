import Foundation
import FunctionModel
import Synchronization
import TestSupport
import Testing

@testable import Builds
@testable import FunctionExecution

/// What happens to a function whose build took too much, with a clock that the test moves.
@Suite struct BuildRetryTests {
    private final class Clock: Sendable {
        private let time = Mutex<Int64>(0)
        func now() -> Int64 { time.withLock { $0 } }
        func pass(seconds: Int64) { time.withLock { $0 += seconds * 1_000_000_000 } }
    }

    private let builder = ScriptBuilder(
        executables: WorkerExecutables(directory: Binaries.directory.path),
        sandbox: FunctionRuntime.Configuration().sandboxRequest, esbuild: nil,
        nodeModules: NodeModules.defaultDirectory)

    private func build(_ builds: ScriptBuilds, _ source: String) async throws -> String {
        let definition = FunctionDefinition(language: .javaScript, sourceCode: source)
        let function = Function(id: try FunctionID("f"), revision: "1", definition: definition)
        return await withCheckedContinuation { continuation in
            builds.build(function) { result in
                switch result {
                case .success: continuation.resume(returning: "built")
                case .failure(let error): continuation.resume(returning: (error as? LoadError)?.message ?? "\(error)")
                }
            }
        }
    }

    @Test func `A build that took too much is tried again after a while, and later and later`() async throws {
        let clock = Clock()
        let tries = Mutex(0)
        let builds = ScriptBuilds(builder: builder, directory: nil, now: clock.now) { [builder] definition, node in
            let count = tries.withLock { count in
                count += 1
                return count
            }
            guard count > 3 else { throw BuildExhausted(message: "too much, \(count)") }
            return try builder.build(definition, node: node)
        }
        let source = "export const handler = () => 1"
        for (wait, answer) in [
            (0, "too much, 1"), (59, "too much, 1"), (2, "too much, 2"), (61, "too much, 2"), (60, "too much, 3"),
            (239, "too much, 3"), (2, "built"), (0, "built"),
        ] as [(Int64, String)] {
            clock.pass(seconds: wait)
            let said = try await build(builds, source)
            #expect(said == answer)
        }
        #expect(tries.withLock { $0 } == 4)
    }

    @Test func `A source that is wrong stays wrong`() async throws {
        let clock = Clock()
        let tries = Mutex(0)
        let builds = ScriptBuilds(builder: builder, directory: nil, now: clock.now) { [builder] definition, node in
            tries.withLock { $0 += 1 }
            return try builder.build(definition, node: node)
        }
        for _ in 0..<3 {
            let said = try await build(builds, "export const handler = ;")
            #expect(said.contains("at function.js:1:24"))
            clock.pass(seconds: 1_000_000)
        }
        #expect(tries.withLock { $0 } == 1)
    }
}
