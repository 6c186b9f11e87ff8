import Foundation
import FunctionModel
import NIOHTTP1
import Telemetry

/// The headers that tell a client about its call: `Server-Timing`, `traceparent`, and with `X-Log-Tail: true` the
/// call's last log lines.
enum CallReportHeaders {
    static func add(_ report: InvocationReport, _ request: RequestSequence.Request, to headers: inout HTTPHeaders) {
        if let record = report.record { headers.add(name: "Server-Timing", value: serverTiming(record)) }
        if let trace = request.trace, !headers.contains(name: "traceparent") {
            headers.add(name: "traceparent", value: trace.traceparent)
        }
        if request.wantsLogTail { headers.replaceOrAdd(name: "X-Log-Tail", value: logTail(report.logs)) }
    }

    /// `queue;dur=0.012, load;dur=0.000, handler;dur=1.034`, in milliseconds.
    static func serverTiming(_ record: InvocationRecord) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(64)
        text += "queue;dur=".utf8
        Milliseconds.append(nanos: record.queueNanos, to: &text)
        if record.isCold {
            text += ", load;dur=".utf8
            Milliseconds.append(nanos: record.loadNanos, to: &text)
        }
        text += ", handler;dur=".utf8
        Milliseconds.append(nanos: record.handlerNanos, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// The most bytes of lines in a header, before base64: clients bound the size of all headers together.
    static let tailBytes = 4096

    /// The call's last lines, `[level] text` each, in base64. The beginning is cut.
    static func logTail(_ logs: [LogLine]) -> String {
        var lines: [[UInt8]] = []
        var size = 0
        for line in logs.reversed() where size < tailBytes {
            let bytes = Array("[\(line.level)] ".utf8) + Array(line.text.utf8) + [UInt8(ascii: "\n")]
            size += bytes.count
            lines.append(bytes)
        }
        return Data(Array(lines.reversed().joined()).suffix(tailBytes)).base64EncodedString()
    }
}
