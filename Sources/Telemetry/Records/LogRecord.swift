import FunctionModel

/// Something that was recorded of a function's calls and that can be written to a file as one line of JSON.
package protocol StoredRecord: Sendable {
    var time: Timestamp { get }
    var functionID: FunctionID { get }
    var requestID: String { get }

    /// Adds one line of JSON without its line feed.
    func appendJSON(to bytes: inout [UInt8])
    /// nil: not such a record.
    init?(json: JSONValue)

    /// Whether a query wants it, apart from its time.
    func matches(_ query: RecordQuery) -> Bool
}

/// Which records are wanted.
public struct RecordQuery: Sendable, Equatable {
    /// The first moment, itself included.
    public var since: Timestamp?
    /// The end, itself not included.
    public var until: Timestamp?
    /// The least serious level of log lines.
    public var level: LogLine.Level?
    /// Those of one call.
    public var requestID: String?
    /// Only calls that failed.
    public var failedOnly = false
    /// The most records: the latest ones.
    public var limit = Self.defaultLimit

    public static let defaultLimit = 1000
    public static let largestLimit = 10_000

    public init() {}

    func covers(_ time: Timestamp) -> Bool {
        since.map { time >= $0 } ?? true && until.map { time < $0 } ?? true
    }

    package func wants(_ record: some StoredRecord) -> Bool {
        covers(record.time) && requestID.map { $0 == record.requestID } ?? true && record.matches(self)
    }
}

/// One line that a function wrote, and the call that it belongs to.
public struct LogRecord: Hashable, Sendable {
    /// When the host received it. No two lines of a process have the same time.
    public var time: Timestamp
    public var level: LogLine.Level
    public var text: String
    public var requestID: String
    public var functionID: FunctionID
    public var revision: String

    public init(
        time: Timestamp, level: LogLine.Level, text: String, requestID: String, functionID: FunctionID,
        revision: String
    ) {
        self.time = time
        self.level = level
        self.text = text
        self.requestID = requestID
        self.functionID = functionID
        self.revision = revision
    }

    /// About how many bytes of memory it takes.
    var cost: Int { text.utf8.count + 256 }
}

extension LogRecord: StoredRecord {
    package func appendJSON(to bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + text.utf8.count + 192)
        bytes += #"{"time":""#.utf8
        time.append(to: &bytes)
        bytes += #"","level":""#.utf8
        bytes += level.description.utf8
        bytes += #"","message":"#.utf8
        JSONText.append(text, to: &bytes)
        bytes += #","requestId":"#.utf8
        JSONText.append(requestID, to: &bytes)
        bytes += #","function":"#.utf8
        JSONText.append(functionID.text, to: &bytes)
        bytes += #","revision":"#.utf8
        JSONText.append(revision, to: &bytes)
        bytes += "}".utf8
    }

    package init?(json: JSONValue) {
        guard let time = json["time"]?.stringValue.flatMap({ Timestamp(iso: $0) }),
            let level = json["level"]?.stringValue.flatMap({ LogLine.Level(name: $0) }),
            let text = json["message"]?.stringValue,
            let functionID = json["function"]?.stringValue.flatMap({ try? FunctionID($0) })
        else { return nil }
        self.init(
            time: time, level: level, text: text, requestID: json["requestId"]?.stringValue ?? "",
            functionID: functionID, revision: json["revision"]?.stringValue ?? "")
    }

    package func matches(_ query: RecordQuery) -> Bool { query.level.map { level.rawValue >= $0.rawValue } ?? true }
}

extension StoredRecord {
    /// The line of JSON as text.
    package var jsonText: String {
        var bytes: [UInt8] = []
        appendJSON(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension LogLine.Level {
    package static let all: [LogLine.Level] = [.debug, .info, .warning, .error]

    /// `debug`, `info`, `warning` or `error`.
    package init?(name: String) {
        guard let level = Self.all.first(where: { $0.description == name }) else { return nil }
        self = level
    }
}
