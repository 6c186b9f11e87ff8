import Foundation
import FunctionModel
import Logging
import TestSupport
import Testing

@testable import FaaSServer
@testable import Telemetry

@Suite struct LogTests {
    // MARK: Forged lines

    @Test(arguments: [
        ("a\n2026-11-28T23:00:00+0000 error faas: forged", "a\\n2026-11-28T23:00:00+0000 error faas: forged"),
        ("a\r\nb\rc\td", "a\\r\\nb\\rc\\td"), ("\u{1b}[2K\u{1b}[1A", "\\u{1b}[2K\\u{1b}[1A"),
        ("\u{9b}31m", "\\u{9b}31m"), ("a\u{2028}b\u{2029}c\u{85}d", "a\\u{2028}b\\u{2029}c\\u{85}d"),
        ("\u{202e}gnp\u{2066}x\u{200f}", "\\u{202e}gnp\\u{2066}x\\u{200f}"), ("a\0b\u{7f}", "a\\u{0}b\\u{7f}"),
        ("\u{feff}\u{200b}\u{e0041}", "\\u{feff}\\u{200b}\\u{e0041}"),
        ("Grüße, 世界 🐣", "Grüße, 世界 🐣"), (#"{"a":"b\n"}"#, #"{"a":"b\n"}"#), ("", ""),
    ])
    func `Text cannot leave its line or change what a terminal shows`(text: String, escaped: String) {
        #expect(LogText.escaped(text) == escaped)
        for place in 0..<3 {
            let line = LogText.line(
                level: "info", label: "faas",
                metadata: [(place == 0 ? text : "key", place == 1 ? text : "value")], source: "function",
                message: place == 2 ? text : "message")
            #expect(line.last == UInt8(ascii: "\n"))
            #expect(!line.dropLast().contains { $0 < 0x20 || $0 == 0x7f })
        }
    }

    @Test func `A line has the form of swift-log's own handler`() {
        let line = LogText.line(
            level: "info", label: "faas", metadata: [("function", "a"), ("requestId", "b")], source: "function",
            message: "hello")
        let text = String(decoding: line, as: UTF8.self)
        let form = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} info faas: function=a requestId=b \[function\] hello\n/
        #expect(text.wholeMatch(of: form) != nil, "\(text)")
    }

    // MARK: The buffer

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private func buffer(capacity: Int) -> LogBuffer {
        LogBuffer(capacity: capacity) { Array("<\($0) dropped>".utf8) }
    }

    @Test func `Lines that do not fit are dropped, and one notice says how many, where they are missing`() {
        var buffer = buffer(capacity: 40)
        for _ in 0..<10 { buffer.append(Array("0123456789".utf8)) }
        #expect(buffer.bytes == 40)
        #expect(buffer.dropped == 6)
        #expect(buffer.take().count == 40)
        buffer.append(Array("x".utf8))
        #expect(buffer.dropped == 7, "what is being written counts")
        buffer.wrote(19)
        #expect(!buffer.hasWaiting, "more than half is full")
        buffer.append(Array("y".utf8))
        #expect(buffer.dropped == 8)
        buffer.wrote(21)
        buffer.append(Array("z".utf8))
        #expect(text(buffer.take()) == "<8 dropped>z")
        #expect(buffer.dropped == 0)
    }

    @Test func `A line larger than the buffer is dropped and counted`() {
        var buffer = buffer(capacity: 10)
        buffer.append([UInt8](repeating: 0x31, count: 11))
        buffer.append(Array("ab".utf8))
        #expect(text(buffer.take()) == "<1 dropped>" || buffer.dropped == 2)
    }

    // MARK: The sink

    private struct Pipe {
        let read: Int32
        let write: Int32

        init() throws {
            var ends: [Int32] = [0, 0]
            guard pipe(&ends) == 0 else { throw TestFailure("no pipe") }
            (read, write) = (ends[0], ends[1])
        }

        func readAll() -> String {
            var text: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            while case let count = Foundation.read(read, &buffer, buffer.count), count > 0 {
                text += buffer[..<count]
            }
            return String(decoding: text, as: UTF8.self)
        }
    }

    @Test func `A pipe that is not read blocks no writer, and when it is read a notice says what is missing`()
        async throws
    {
        let pipe = try Pipe()
        let sink = LogSink(descriptor: pipe.write, capacity: 100_000)
        let line = Array((String(repeating: "x", count: 99) + "\n").utf8)
        // A pipe holds 64 KiB and the sink 100,000 bytes; a writer that blocked would never get here.
        for _ in 0..<20_000 { sink.write(line) }
        #expect(!sink.flush(withinMillis: 1))
        let text = try await onThread {
            let end = Thread {
                sink.flush(withinMillis: 20_000)
                close(pipe.write)
            }
            end.start()
            return pipe.readAll()
        }
        close(pipe.read)
        let lines = text.split(separator: "\n")
        let whole = lines.count { $0.count == 99 }
        let notices = lines.compactMap { $0.firstMatch(of: /\[(\d+) log lines dropped/)?.1 }
        let missing = notices.reduce(0) { $0 + (Int($1) ?? 0) }
        #expect(lines.count == whole + notices.count)
        #expect(whole + missing == 20_000)
        #expect(missing > 10_000)
    }

    @Test func `Lines of many threads are whole and complete`() async throws {
        let pipe = try Pipe()
        let sink = LogSink(descriptor: pipe.write, capacity: 1 << 20)
        async let text = onThread { pipe.readAll() }
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask { for number in 0..<500 { sink.write(Array("\(writer) \(number)\n".utf8)) } }
            }
        }
        #expect(sink.flush(withinMillis: 20_000))
        close(pipe.write)
        let lines = try await text.split(separator: "\n")
        close(pipe.read)
        #expect(lines.count == 4000)
        for writer in 0..<8 {
            let own = lines.filter { $0.hasPrefix("\(writer) ") }
            #expect(own == (0..<500).map { "\(writer) \($0)" })
        }
    }

    // MARK: What is written

    private func written(_ format: LogFormat = .text, by body: (LogSink) throws -> Void) throws -> String {
        let pipe = try Pipe()
        let sink = LogSink(descriptor: pipe.write, capacity: 1 << 20, format: format)
        try body(sink)
        #expect(sink.flush(withinMillis: 20_000))
        close(pipe.write)
        defer { close(pipe.read) }
        return pipe.readAll()
    }

    private func record(_ outcome: InvocationRecord.Outcome) throws -> InvocationRecord {
        var record = InvocationRecord(
            requestID: "r-1", functionID: try FunctionID("hello"), revision: "abc", trigger: .http, outcome: outcome)
        record.handlerNanos = 1_500_000
        return record
    }

    private let identity: InvocationIdentity

    init() throws {
        identity = InvocationIdentity(requestID: "r-1", functionID: try FunctionID("hello"), revision: "abc")
    }

    /// What is written for lines and calls of every kind, without times.
    private func lines(level: LogLine.Level, _ format: LogFormat = .text) throws -> [String] {
        let handlerError = HandlerError(errorType: "TypeError", message: "at\nfault", stackTrace: ["at f", "at g"])
        return try written(format) { sink in
            let log = InvocationLog(sink: sink, label: "faas", minimumLevel: level) { $0.kind == .caller ? 400 : 500 }
            log.invocationLogged(LogLine(level: .debug, text: "detail"), of: identity)
            log.invocationLogged(LogLine(level: .error, text: "seen\nforged"), of: identity)
            log.invocationEnded(try record(.result), logs: [LogLine(level: .error, text: "not written again")])
            log.invocationEnded(try record(.failure(handlerError)), logs: [])
            log.invocationEnded(try record(.failure(InvalidEvent("caller"))), logs: [])
            log.invocationEnded(try record(.failure(TooManyRequests(limit: 1))), logs: [])
            log.invocationEnded(try record(.failure(Overloaded("full"))), logs: [])
            log.invocationEnded(try record(.cancelled), logs: [])
        }.split(separator: "\n").map(String.init)
    }

    @Test func `A call leaves the function's lines, and a line with its status, error, time and stack if it failed`()
        throws
    {
        let lines = try lines(level: .info).map { String($0.split(separator: " ", maxSplits: 1)[1]) }
        let start = "function=hello requestId=r-1 revision=abc"
        #expect(
            lines == [
                "error faas: function=hello requestId=r-1 [function] seen\\nforged",
                "info faas: \(start) status=500 errorType=TypeError durationMs=1.500 stack=at f\\nat g [invocation] "
                    + "TypeError: at\\nfault (at f)",
                "warning faas: \(start) status=500 errorType=Overloaded durationMs=1.500 [invocation] full",
                "info faas: \(start) durationMs=1.500 [invocation] "
                    + "The client disconnected before the response. The call was cancelled.",
            ])
    }

    @Test func `At the level debug every call has a line`() throws {
        let lines = try lines(level: .debug)
        #expect(lines.count == 8)
        #expect(lines.contains { $0.contains(" debug faas: function=hello requestId=r-1 revision=abc status=200 ") })
        #expect(lines.contains { $0.contains(" debug ") && $0.contains("errorType=InvalidEvent") })
        #expect(lines.contains { $0.contains(" debug ") && $0.contains("errorType=TooManyRequests") })
    }

    @Test func `In JSON each line is an object, whatever a function writes`() throws {
        let lines = try lines(level: .info, .json)
        #expect(lines.count == 4)
        let objects = try lines.map { try JSONValue(json: Array($0.utf8)) }
        #expect(objects[0]["message"] == "seen\nforged" && objects[0]["level"] == "error")
        #expect(objects[0]["source"] == "function" && objects[0]["requestId"] == "r-1")
        #expect(objects[1]["errorType"] == "TypeError" && objects[1]["stack"] == "at f\nat g")
        #expect(objects[1]["status"] == "500" && objects[1]["logger"] == "faas")
        for object in objects { #expect(object["time"]?.stringValue?.hasSuffix("Z") == true) }
    }

    @Test func `Metadata cannot replace the members that every line in JSON has`() throws {
        let line = LogText.line(
            .json, level: "info", label: "faas", metadata: [("message", "other"), ("a\"b", "\u{0}c\u{1b}")],
            source: "x", message: "own")
        let object = try JSONValue(json: Array(line.dropLast()))
        #expect(object["message"] == "own" && object["a\"b"] == "\u{0}c\u{1b}")
    }

    @Test func `swift-log's lines go the same way, escaped`() throws {
        let text = try written { sink in
            var logger = Logger(label: "faas") { SinkLogHandler(label: $0, sink: sink) }
            logger[metadataKey: "b"] = "1"
            logger.warning("one\ntwo", metadata: ["a": "x\u{1b}"])
            logger.debug("hidden")
        }
        #expect(text.hasSuffix(" warning faas: a=x\\u{1b} b=1 [FaaSServerTests] one\\ntwo\n"), "\(text)")
        #expect(text.count { $0 == "\n" } == 1)
    }
}
