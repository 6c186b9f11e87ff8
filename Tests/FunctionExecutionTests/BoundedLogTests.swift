import FunctionModel
import HostMemory
import Testing

@testable import FunctionExecution

@Suite struct BoundedLogTests {
    private static func line(_ text: String) -> LogLine { LogLine(level: .info, text: text) }

    @Test func `Lines are kept up to the limit, then one notice`() {
        let memory = ByteBudget(limit: 1 << 20)
        var log = BoundedLog(limit: 300)
        for _ in 0..<5 { log.add(Self.line(String(repeating: "x", count: 99)), from: memory) }
        #expect(log.lines.count == 4)
        #expect(log.lines.last?.text == "[log cut: more than 300 bytes]")
        #expect(memory.used == 3 * (99 + 64))
        #expect(log.take(returning: memory).count == 4)
        #expect(memory.used == 0 && log.lines.isEmpty)
    }

    @Test func `Empty lines are not free`() {
        let memory = ByteBudget(limit: 1 << 20)
        var log = BoundedLog(limit: 640)
        for _ in 0..<1000 { log.add(Self.line(""), from: memory) }
        #expect(log.lines.count == 11)
    }

    @Test func `A log that the host has no memory for is cut, and says so`() {
        let memory = ByteBudget(limit: 200)
        var log = BoundedLog(limit: 1000)
        for _ in 0..<3 { log.add(Self.line("short"), from: memory) }
        #expect(log.lines.map(\.text) == ["short", "short", "[log cut: the host's memory is in use]"])
        log.add(Self.line("late"), from: memory)
        #expect(log.lines.count == 3)
        _ = log.take(returning: memory)
        #expect(memory.used == 0)
    }
}
