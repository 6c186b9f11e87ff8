/// One line that a function wrote: `console.*` in JavaScript; `print`, `sys.stderr` and `logging` in Python.
public struct LogLine: Hashable, Sendable {
    public enum Level: UInt8, Sendable, CustomStringConvertible {
        case debug = 0
        case info = 1
        case warning = 2
        case error = 3

        public var description: String {
            switch self {
            case .debug: "debug"
            case .info: "info"
            case .warning: "warning"
            case .error: "error"
            }
        }
    }

    public let level: Level
    public let text: String

    public init(level: Level, text: String) {
        self.level = level
        self.text = text
    }
}
