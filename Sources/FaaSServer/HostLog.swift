import DataPlane
import FunctionModel
import Logging
import Telemetry

/// The host's log: lines of the host's own loggers and of its functions go through one sink, in one form.
public struct HostLog: Sendable {
    private let sink: LogSink
    /// For the host and the libraries that it uses.
    public let logger: Logger
    /// Writes what functions print and what went wrong with their calls.
    public let invocations: InvocationLog

    /// - Parameters:
    ///   - level: the least serious level of lines to write.
    ///   - callLevel: the same for lines about calls; nil: `level`.
    ///   - showsFunctionLines: whether the lines of functions are written too.
    public init(
        level: Logger.Level, callLevel: Logger.Level? = nil, sink: LogSink = LogSink(), showsFunctionLines: Bool = true
    ) {
        self.sink = sink
        var logger = Logger(label: "faas") { SinkLogHandler(label: $0, sink: sink) }
        logger.logLevel = level
        self.logger = logger
        let minimum: LogLine.Level? =
            switch callLevel ?? level {
            case .trace, .debug: .debug
            case .info: .info
            case .notice, .warning: .warning
            case .error: .error
            case .critical: nil
            }
        invocations = InvocationLog(
            sink: sink, label: "faas", minimumLevel: minimum, showsLines: showsFunctionLines,
            status: Self.status)
    }

    /// The status that an error has over HTTP.
    public static let status: @Sendable (any FunctionError) -> Int = { ErrorResponse($0).statusCode }

    /// Waits a second at most until everything has been written. To be called before the process ends.
    public func flush() { sink.flush(withinMillis: 1000) }
}

/// Gives swift-log's lines to a ``LogSink``, as text in the form of swift-log's own `StreamLogHandler`.
struct SinkLogHandler: LogHandler {
    private let label: String
    private let sink: LogSink
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    init(label: String, sink: LogSink) {
        self.label = label
        self.sink = sink
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var merged = metadata.merging(event.metadata ?? [:]) { _, given in given }
        if let error = event.error {
            merged["error.message"] = "\(error)"
            merged["error.type"] = "\(String(reflecting: type(of: error)))"
        }
        sink.write(
            level: event.level.rawValue, label: label,
            metadata: merged.map { (key: $0.key, value: $0.value.description) }.sorted { $0.key < $1.key },
            source: event.source, message: event.message.description)
    }
}
