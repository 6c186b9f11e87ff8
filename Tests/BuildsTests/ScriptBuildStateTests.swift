import FunctionModel
import HostMemory
import TestSupport
import Testing

@testable import Builds

@Suite struct ScriptBuildStateTests {
    private let memory = ByteBudget(limit: 1 << 30)

    private func function(_ source: String) throws -> Function {
        Function(
            id: try FunctionID("f"), revision: source,
            definition: FunctionDefinition(language: .javaScript, sourceCode: source))
    }

    private func expectBuild(_ answer: ScriptBuildState.Answer) throws {
        guard case .build = answer else { throw TestFailure("another answer") }
    }

    @Test func `Who asks for the same function waits for one build`() throws {
        var state = ScriptBuildState(memory: memory)
        let function = try function("a")
        try expectBuild(state.add(function, { _ in }, now: 0))
        guard case .waiting = state.add(function, { _ in }, now: 0) else { throw TestFailure("another answer") }
        #expect(state.finish(function, .built(BuiltScript(script: "b", sourceMap: "")), now: 0).count == 2)
        guard case .known(.success(let built)) = state.add(function, { _ in }, now: 0) else {
            throw TestFailure("another answer")
        }
        #expect(built.script == "b")
    }

    @Test func `Waiters are bounded`() throws {
        var state = ScriptBuildState(memory: memory)
        for number in 0..<ScriptBuildState.maximumWaiters { _ = state.add(try function("\(number)"), { _ in }, now: 0) }
        guard case .refused = state.add(try function("more"), { _ in }, now: 0) else {
            throw TestFailure("another answer")
        }
        #expect(state.finish(try function("0"), .unavailable(BuildQueue.full), now: 0).count == 1)
        try expectBuild(state.add(function("more"), { _ in }, now: 0))
    }

    @Test func `Results and failures are kept in bytes`() throws {
        var state = ScriptBuildState(memory: memory)
        let message = String(repeating: "x", count: 1 << 20)
        for number in 0..<200 {
            let function = try function("\(number)")
            _ = state.add(function, { _ in }, now: 0)
            _ = state.finish(function, .failed(LoadError(message)), now: 0)
            #expect(memory.used <= ScriptBuildState.maximumKnownBytes)
        }
        #expect(memory.used > 32 << 20, "failures count")
        state.removeAll()
        #expect(memory.used == 0)
    }

    @Test func `What this machine lacks is tried again with the next call`() throws {
        var state = ScriptBuildState(memory: memory)
        let function = try function("a")
        for _ in 0..<3 {
            try expectBuild(state.add(function, { _ in }, now: 0))
            #expect(state.finish(function, .unavailable(LoadError("no esbuild")), now: 0).count == 1)
        }
    }
}
