import FunctionModel

/// Writes what functions print, while they print it, and what their calls did, to the host's log.
public final class InvocationLog: InvocationObserver {
    private let sink: LogSink
    private let label: String
    private let minimumLevel: LogLine.Level?
    private let showsLines: Bool
    private let status: @Sendable (any FunctionError) -> Int

    /// - Parameters:
    ///   - label: the logger's name in each line.
    ///   - minimumLevel: the least serious level of lines to write; nil: none.
    ///   - showsLines: whether the lines of functions are written too.
    ///   - status: the status that an error has over HTTP. Default: no line has one.
    public init(
        sink: LogSink, label: String, minimumLevel: LogLine.Level?, showsLines: Bool = true,
        status: @escaping @Sendable (any FunctionError) -> Int = { _ in 0 }
    ) {
        self.sink = sink
        self.label = label
        self.minimumLevel = minimumLevel
        self.showsLines = showsLines
        self.status = status
    }

    public func invocationLogged(_ line: LogLine, of invocation: InvocationIdentity) {
        guard showsLines, isShown(line.level) else { return }
        sink.write(
            level: line.level.description, label: label,
            metadata: [("function", invocation.functionID.text), ("requestId", invocation.requestID)],
            source: "function", message: line.text)
    }

    public func invocationEnded(_ record: InvocationRecord, logs: [LogLine]) {
        let level = Self.level(of: record)
        guard isShown(level) else { return }
        var metadata: [(key: String, value: String)] = [
            ("function", record.functionID.text), ("requestId", record.requestID), ("revision", record.revision),
        ]
        let status = record.status(status)
        if status != 0 { metadata.append(("status", "\(status)")) }
        // Bounded: functions choose these texts.
        let failure: CallRecord.Failure? =
            if case .failure(let error) = record.outcome { CallRecord.Failure(error) } else { nil }
        if let failure { metadata.append(("errorType", failure.errorType)) }
        metadata.append(
            ("durationMs", Milliseconds.text(nanos: record.queueNanos + record.loadNanos + record.handlerNanos)))
        if let failure, !failure.stackTrace.isEmpty {
            metadata.append(("stack", failure.stackTrace.joined(separator: "\n")))
        }
        sink.write(
            level: level.description, label: label, metadata: metadata, source: "invocation",
            message: Self.message(record, failure))
    }

    /// A fault of the host or its limits is the operator's; a failed call is its author's. Errors of the caller are told
    /// to the caller.
    private static func level(of record: InvocationRecord) -> LogLine.Level {
        switch record.outcome {
        case .result: .debug
        case .failure(let error) where error.kind == .caller || error is TooManyRequests: .debug
        case .failure(let error): error.kind == .function ? .info : .warning
        case .cancelled: .info
        }
    }

    /// Of a failure: the error's name if the function chose it, its message, and the innermost place that its stack names.
    private static func message(_ record: InvocationRecord, _ failure: CallRecord.Failure?) -> String {
        if let failure {
            guard case .failure(is HandlerError) = record.outcome else { return failure.message }
            let place = failure.stackTrace.first.map { " (\($0))" } ?? ""
            return "\(failure.errorType): \(failure.message)\(place)"
        }
        return switch record.outcome {
        case .result, .failure: "The call has its result."
        case .cancelled where record.trigger == .http:
            "The client disconnected before the response. The call was cancelled."
        case .cancelled: "The call was cancelled."
        }
    }

    private func isShown(_ level: LogLine.Level) -> Bool { minimumLevel.map { level.rawValue >= $0.rawValue } ?? false }
}
