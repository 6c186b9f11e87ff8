import FunctionModel
import HostMemory
import WorkerProtocol

/// Log lines, as many as a limit in bytes allows, then one notice. What it keeps is drawn from the host's memory.
struct BoundedLog {
    private(set) var lines: [LogLine] = []
    private let limit: Int
    private var bytes = 0
    private var reserved = 0
    private var isCut = false

    init(limit: Int) { self.limit = limit }

    /// What a line counts toward a limit, in bytes.
    static func cost(of line: LogLine) -> Int { LogAllowance.cost(textLength: line.text.utf8.count) }

    static func notice(limit: Int) -> LogLine {
        LogLine(level: .warning, text: "[log cut: more than \(limit) bytes]")
    }

    mutating func add(_ line: LogLine, from memory: ByteBudget) {
        guard !isCut else { return }
        bytes += Self.cost(of: line)
        guard bytes <= limit else { return cut(Self.notice(limit: limit)) }
        let needed = line.text.utf8.count + Self.lineOverhead
        guard memory.reserve(needed) else {
            return cut(LogLine(level: .warning, text: "[log cut: the host's memory is in use]"))
        }
        reserved += needed
        lines.append(line)
    }

    /// Removes all lines. The caller keeps them at its own expense.
    mutating func take(returning memory: ByteBudget) -> [LogLine] {
        memory.release(reserved)
        (reserved, bytes, isCut) = (0, 0, false)
        defer { lines = [] }
        return lines
    }

    private mutating func cut(_ notice: LogLine) {
        isCut = true
        lines.append(notice)
    }

    /// A line's place in an array and the header of its text.
    private static var lineOverhead: Int { 64 }
}
