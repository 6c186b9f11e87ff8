import FunctionModel

/// Writes what functions print, and what went wrong with their calls, to the host's log.
public final class InvocationLog: InvocationObserver {
    private let sink: LogSink
    private let label: String
    private let minimumLevel: LogLine.Level?

    /// - Parameter label: the logger's name in each line.
    /// - Parameter minimumLevel: the least serious level of lines to write; nil: none.
    public init(sink: LogSink, label: String, minimumLevel: LogLine.Level?) {
        self.sink = sink
        self.label = label
        self.minimumLevel = minimumLevel
    }

    /// A call with more lines than this leaves them to the sink's thread: this is called on an event loop.
    private static let linesWrittenHere = 16

    public func invocationEnded(_ record: InvocationRecord, logs: [LogLine]) {
        let lines = logs.isEmpty ? [] : logs.filter { isShown($0.level) }
        let isLong = lines.count > Self.linesWrittenHere || lines.reduce(0) { $0 + $1.text.utf8.count } > 4096
        let make = { @Sendable [label] (line: LogLine) in
            LogText.line(
                level: "\(line.level)", label: label,
                metadata: [("function", record.functionID.text), ("requestId", record.requestID)], source: "function",
                message: line.text)
        }
        if isLong {
            sink.write(lines, bytes: { $0.text.utf8.count + 160 }, make: make)
        } else {
            for line in lines { sink.write(make(line)) }
        }
        if let (level, message) = Self.summary(of: record), isShown(level) {
            write(
                level,
                metadata: [
                    ("function", record.functionID.text), ("requestId", record.requestID),
                    ("revision", record.revision),
                ], source: "invocation", message)
        }
    }

    /// nil: the call's outcome is not worth a line. Errors of the caller are told to the caller.
    private static func summary(of record: InvocationRecord) -> (LogLine.Level, String)? {
        switch record.outcome {
        case .result: nil
        case .failure(let error) where error.kind == .caller || error is TooManyRequests: nil
        case .failure(let error): (.warning, text(of: error))
        case .cancelled where record.trigger == .http:
            (.info, "The client disconnected before the response. The call was cancelled.")
        case .cancelled: (.info, "The call was cancelled.")
        }
    }

    /// The error's name if the function chose it, its message, and the innermost place that its stack names.
    private static func text(of error: any FunctionError) -> String {
        guard let error = error as? HandlerError else { return error.message }
        let place = error.stackTrace.first.map { " (\($0))" } ?? ""
        return "\(error.errorType): \(error.message)\(place)"
    }

    private func isShown(_ level: LogLine.Level) -> Bool { minimumLevel.map { level.rawValue >= $0.rawValue } ?? false }

    private func write(
        _ level: LogLine.Level, metadata: [(key: String, value: String)], source: String, _ message: String
    ) {
        sink.write(
            LogText.line(
                level: "\(level)", label: label, metadata: metadata, source: source, message: message))
    }
}
