import FunctionModel
import HostMemory
import NIOCore
import Testing

@testable import FunctionExecution

@Suite struct InvocationTests {
    private static func make(logLimit: Int, memory: ByteBudget) throws -> Invocation {
        Invocation(
            id: 1, function: try FakePool.function(), requestID: "r", event: ByteBuffer(), deadline: nil,
            timeoutMillis: 0, logLimit: logLimit, context: InvocationContext(memory: memory))
    }

    private static func logs(_ count: Int, _ text: String, logLimit: Int, memory: Int = 1 << 20) throws -> [String] {
        let (budget, outcome) = (ByteBudget(limit: memory), Outcome())
        let invocation = try make(logLimit: logLimit, memory: budget)
        #expect(invocation.submit { outcome.set($0) })
        for _ in 0..<count { invocation.add(LogLine(level: .info, text: text)) }
        var lines: [String] = []
        invocation.finish(.success(ByteBuffer()))
        // A line that comes after the outcome is dropped, and reserves nothing.
        invocation.add(LogLine(level: .info, text: text))
        #expect(budget.used == 0 && outcome.count == 1)
        if case .some(let all) = outcome.now { lines = all.logs.map(\.text) }
        return lines
    }

    @Test func `A line costs at least 64 bytes of the limit, so that empty lines are not free`() throws {
        let lines = try Self.logs(100, "", logLimit: 640)
        #expect(lines.count == 11)
        #expect(lines.last == "[log cut: more than 640 bytes]")
    }

    @Test func `Lines that the host has no memory for are cut, with a notice`() throws {
        let lines = try Self.logs(5, String(repeating: "x", count: 400), logLimit: 1 << 20, memory: 1000)
        #expect(lines.count == 3)
        #expect(lines.last?.hasPrefix("[log cut: The host's memory for events and results") == true)
    }

    @Test func `The first outcome wins, and a finished invocation cannot wait again`() throws {
        let (budget, outcome) = (ByteBudget(limit: 10), Outcome())
        let invocation = try Self.make(logLimit: 100, memory: budget)
        #expect(invocation.submit { outcome.set($0) })
        #expect(invocation.beginAgain(), "it waits already")
        invocation.finish(.failure(CancellationError()))
        invocation.finish(.success(ByteBuffer()))
        #expect(outcome.count == 1 && invocation.isFinished && !invocation.beginAgain())
    }

    @Test func `An invocation is put back a few times and no more`() throws {
        let invocation = try Self.make(logLimit: 100, memory: ByteBudget(limit: 10))
        #expect(invocation.submit { _ in })
        let answers = (0..<5).map { _ in invocation.beginAgain() }
        #expect(answers == [true, true, true, false, false])
    }
}
