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
        if case .failure(let error) = record.outcome { metadata.append(("errorType", error.errorType)) }
        metadata.append(
            ("durationMs", Milliseconds.text(nanos: record.queueNanos + record.loadNanos + record.handlerNanos)))
        if case .failure(let error as HandlerError) = record.outcome, !error.stackTrace.isEmpty {
            metadata.append(("stack", error.stackTrace.prefix(Self.stackLines).joined(separator: "\n")))
        }
        sink.write(
            level: level.description, label: label, metadata: metadata, source: "invocation",
            message: Self.message(record))
    }

    /// Enough to find the place.
    private static let stackLines = 20

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

    private static func message(_ record: InvocationRecord) -> String {
        switch record.outcome {
        case .result: "The call has its result."
        case .failure(let error): text(of: error)
        case .cancelled where record.trigger == .http:
            "The client disconnected before the response. The call was cancelled."
        case .cancelled: "The call was cancelled."
        }
    }

    /// The error's name if the function chose it, its message, and the innermost place that its stack names.
    private static func text(of error: any FunctionError) -> String {
        guard let error = error as? HandlerError else { return error.message }
        let place = error.stackTrace.first.map { " (\($0))" } ?? ""
        return "\(error.errorType): \(error.message)\(place)"
    }

    private func isShown(_ level: LogLine.Level) -> Bool { minimumLevel.map { level.rawValue >= $0.rawValue } ?? false }
}
