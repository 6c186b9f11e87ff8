import FunctionModel

/// One call of a function as the log of calls keeps it. It has no event and no result.
public struct CallRecord: Sendable, Equatable {
    public enum Outcome: String, Sendable, CaseIterable {
        case result
        case failure
        case cancelled
        /// Not one call: calls that this log left out, because there were too many in one second.
        case leftOut
    }

    /// What went wrong.
    public struct Failure: Sendable, Equatable {
        public var errorType: String
        public var origin: String
        public var message: String
        /// The innermost call first.
        public var stackTrace: [String] = []
    }

    /// When it ended.
    public var time: Timestamp
    public var requestID: String
    public var functionID: FunctionID
    public var revision: String
    public var trigger: String
    public var outcome: Outcome
    /// The status of the response over HTTP. 0: it has none.
    public var status = 0
    public var failure: Failure?
    public var queueNanos: Int64 = 0
    public var loadNanos: Int64 = 0
    public var handlerNanos: Int64 = 0
    public var eventBytes = 0
    public var resultBytes = 0
    public var isCold = false
    /// The trace that it belongs to: 32 hexadecimal digits.
    public var traceID: String?
    /// Of ``Outcome/leftOut``: how many, and whether they failed.
    public var count = 1
    public var haveFailed = false

    public var durationNanos: Int64 { queueNanos + loadNanos + handlerNanos }

    /// - Parameter status: the response's status over HTTP.
    init(_ record: InvocationRecord, time: Timestamp, status: Int) {
        self.time = time
        requestID = record.requestID
        functionID = record.functionID
        revision = record.revision
        trigger = record.trigger.rawValue
        self.status = status
        switch record.outcome {
        case .result: outcome = .result
        case .cancelled: outcome = .cancelled
        case .failure(let error):
            outcome = .failure
            failure = Failure(error)
        }
        queueNanos = record.queueNanos
        loadNanos = record.loadNanos
        handlerNanos = record.handlerNanos
        eventBytes = record.eventBytes
        resultBytes = record.resultBytes
        isCold = record.isCold
        traceID = record.trace?.traceID
    }

    /// Calls that were left out.
    init(leftOut count: Int, failed: Bool, of functionID: FunctionID, time: Timestamp) {
        self.time = time
        haveFailed = failed
        (requestID, revision, trigger) = ("", "", "")
        self.functionID = functionID
        outcome = .leftOut
        self.count = count
    }
}

extension CallRecord.Failure {
    /// Functions choose these texts, so each is bounded.
    private static let longestName = 128
    private static let longestMessage = 4096
    private static let longestLine = 512
    private static let mostLines = 20

    init(_ error: any FunctionError) {
        errorType = Self.cut(error.errorType, Self.longestName)
        origin = error.origin.rawValue
        message = Self.cut(error.message, Self.longestMessage)
        let stack = (error as? HandlerError)?.stackTrace ?? (error as? LoadError)?.stackTrace ?? []
        stackTrace = stack.prefix(Self.mostLines).map { Self.cut($0, Self.longestLine) }
    }

    /// The first bytes of a text, whole characters.
    private static func cut(_ text: String, _ limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: limit)
        while String.Index(end, within: text) == nil, end > text.startIndex { end = text.utf8.index(before: end) }
        return "\(text[..<end])…"
    }
}

extension CallRecord: StoredRecord {
    package func appendJSON(to bytes: inout [UInt8]) {
        bytes += #"{"time":""#.utf8
        time.append(to: &bytes)
        bytes += #"","function":"#.utf8
        JSONText.append(functionID.text, to: &bytes)
        bytes += #","outcome":""#.utf8
        bytes += outcome.rawValue.utf8
        bytes += "\"".utf8
        func text(_ name: StaticString, _ value: String) {
            appendName(name, to: &bytes)
            JSONText.append(value, to: &bytes)
        }
        func number(_ name: StaticString, _ value: Int) {
            appendName(name, to: &bytes)
            bytes += String(value).utf8
        }
        guard outcome != .leftOut else {
            number("count", count)
            bytes += (haveFailed ? #","failed":true}"# : "}").utf8
            return
        }
        text("requestId", requestID)
        text("revision", revision)
        text("trigger", trigger)
        if status != 0 { number("status", status) }
        if let failure {
            text("errorType", failure.errorType)
            text("errorOrigin", failure.origin)
            text("error", failure.message)
            if !failure.stackTrace.isEmpty {
                appendName("stackTrace", to: &bytes)
                for (index, line) in failure.stackTrace.enumerated() {
                    bytes += (index == 0 ? "[" : ",").utf8
                    JSONText.append(line, to: &bytes)
                }
                bytes += "]".utf8
            }
        }
        for (name, nanos) in [("queueMs", queueNanos), ("loadMs", loadNanos), ("handlerMs", handlerNanos)]
            as [(StaticString, Int64)]
        {
            appendName(name, to: &bytes)
            Milliseconds.append(nanos: nanos, to: &bytes)
        }
        number("eventBytes", eventBytes)
        number("resultBytes", resultBytes)
        if isCold { bytes += #","cold":true"#.utf8 }
        if let traceID { text("traceId", traceID) }
        bytes += "}".utf8
    }

    private func appendName(_ name: StaticString, to bytes: inout [UInt8]) {
        bytes += ",\"".utf8
        bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        bytes += "\":".utf8
    }

    package init?(json: JSONValue) {
        guard let time = json["time"]?.stringValue.flatMap({ Timestamp(iso: $0) }),
            let functionID = json["function"]?.stringValue.flatMap({ try? FunctionID($0) }),
            let outcome = json["outcome"]?.stringValue.flatMap({ Outcome(rawValue: $0) })
        else { return nil }
        self.init(
            leftOut: Int(clamping: json["count"]?.integerValue ?? 1), failed: json["failed"]?.boolValue ?? false,
            of: functionID, time: time)
        self.outcome = outcome
        requestID = json["requestId"]?.stringValue ?? ""
        revision = json["revision"]?.stringValue ?? ""
        trigger = json["trigger"]?.stringValue ?? ""
        status = Int(clamping: json["status"]?.integerValue ?? 0)
        if let errorType = json["errorType"]?.stringValue {
            failure = Failure(
                errorType: errorType, origin: json["errorOrigin"]?.stringValue ?? "host",
                message: json["error"]?.stringValue ?? "",
                stackTrace: json["stackTrace"]?.elements.compactMap(\.stringValue) ?? [])
        }
        queueNanos = json["queueMs"]?.nanos ?? 0
        loadNanos = json["loadMs"]?.nanos ?? 0
        handlerNanos = json["handlerMs"]?.nanos ?? 0
        eventBytes = Int(clamping: json["eventBytes"]?.integerValue ?? 0)
        resultBytes = Int(clamping: json["resultBytes"]?.integerValue ?? 0)
        isCold = json["cold"]?.boolValue ?? false
        traceID = json["traceId"]?.stringValue
    }

    package func matches(_ query: RecordQuery) -> Bool { !query.failedOnly || isFailure }

    /// Whether it belongs to the files of failed calls.
    var isFailure: Bool { outcome == .failure || outcome == .leftOut && haveFailed }
}

/// Times as people read them.
package enum Milliseconds {
    /// Adds milliseconds with three digits after the point: `12.034`.
    package static func append(nanos: Int64, to bytes: inout [UInt8]) {
        let micros = max(0, nanos) / 1000
        bytes += String(micros / 1000).utf8
        bytes.append(UInt8(ascii: "."))
        let fraction = micros % 1000
        bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: fraction / 100))
        bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: fraction / 10 % 10))
        bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: fraction % 10))
    }

    package static func text(nanos: Int64) -> String {
        var bytes: [UInt8] = []
        append(nanos: nanos, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension JSONValue {
    fileprivate var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }

    /// Milliseconds as nanoseconds.
    fileprivate var nanos: Int64? {
        switch self {
        case .integer(let number): number >= 0 && number < 1 << 40 ? number * 1_000_000 : nil
        case .number(let number): number >= 0 && number < 1e12 ? Int64((number * 1000).rounded()) * 1000 : nil
        default: nil
        }
    }
}
