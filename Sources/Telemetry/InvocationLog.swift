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

    public func invocationEnded(_ record: InvocationRecord, logs: [LogLine]) {
        for line in logs where isShown(line.level) {
            write(
                line.level, metadata: [("function", record.functionID.text), ("requestId", record.requestID)],
                source: "function", line.text)
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
