import Foundation
import FunctionModel
import HostMemory
import Synchronization
import TestSupport
import Testing

@testable import Telemetry

@Suite struct RecordFileTests {
    private let function: FunctionID

    init() throws { function = try FunctionID("hello") }

    private func line(_ number: Int, _ text: String? = nil, request: String = "r", level: LogLine.Level = .info)
        -> LogRecord
    {
        LogRecord(
            time: Timestamp(microseconds: 1_000_000_000 + Int64(number) * 1000), level: level,
            text: text ?? "line \(number)", requestID: request, functionID: function, revision: "rev")
    }

    private func call(_ number: Int, _ error: (any FunctionError)? = nil) -> CallRecord {
        var record = InvocationRecord(
            requestID: "r-\(number)", functionID: function, revision: "rev", trigger: .http,
            outcome: error.map { .failure($0) } ?? .result)
        record.queueNanos = 12_000
        record.loadNanos = 3_000_000
        record.handlerNanos = 1_234_000
        record.eventBytes = 10
        record.resultBytes = 20
        record.isCold = true
        record.trace = TraceContext(traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        return CallRecord(
            record, time: Timestamp(microseconds: 1_000_000_000 + Int64(number) * 1000),
            status: error == nil ? 200 : 500)
    }

    private func withWriter(
        budget: Int = 1 << 30, capacity: Int = 16 << 20,
        _ body: (RecordWriter, RecordReader, TemporaryDirectory) async throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { directory in
            let folder = RecordFolder(path: directory.path("data/records"))
            let writer = RecordWriter(folder: folder, budget: budget, capacity: capacity, intervalMicros: 0)
            try await body(writer, RecordReader(folder), directory)
        }
    }

    private func read(_ reader: RecordReader, _ change: (inout RecordQuery) -> Void = { _ in }) -> [LogRecord] {
        var query = RecordQuery()
        change(&query)
        return reader.read(LogRecord.self, [.lines], of: function, query)
    }

    // MARK: Form

    @Test(arguments: ["plain", "quotes \" and \\ and \n\r\t\u{0}\u{1f}", "Grüße 世界 🐣\u{2028}", ""])
    func `A line is read from JSON as it was written`(text: String) throws {
        let record = line(1, text, level: .warning)
        #expect(LogRecord(json: try JSONValue(json: Array(record.jsonText.utf8))) == record)
        #expect(!record.jsonText.contains("\n"))
    }

    @Test func `A call is read from JSON as it was written`() throws {
        let error = HandlerError(errorType: "TypeError", message: "a \"b\"\n", stackTrace: ["at f", "at g"])
        for record in [call(1), call(2, error), CallRecord(leftOut: 7, failed: true, of: function, time: .now())] {
            #expect(CallRecord(json: try JSONValue(json: Array(record.jsonText.utf8))) == record)
        }
    }

    @Test func `What a function chooses for its errors is bounded`() {
        let long = String(repeating: "🐣", count: 100_000)
        let error = HandlerError(
            errorType: long, message: long, stackTrace: [String](repeating: long, count: 1000))
        let text = call(1, error).jsonText
        #expect(text.utf8.count < 20_000)
        #expect(!text.contains("\u{fffd}"), "no character is cut")
    }

    // MARK: Reading

    @Test func `The latest lines are found by time, level and request, oldest first`() async throws {
        try await withWriter { writer, reader, _ in
            for number in 0..<5000 {
                writer.write(
                    line(number, request: number % 2 == 0 ? "even" : "odd", level: number % 10 == 0 ? .error : .info))
            }
            #expect(writer.flush(withinMillis: 20_000))
            #expect(read(reader).map(\.text) == (4000..<5000).map { "line \($0)" })
            #expect(read(reader) { $0.limit = 3 }.map(\.text) == ["line 4997", "line 4998", "line 4999"])
            #expect(read(reader) { ($0.level, $0.limit) = (.warning, 2) }.map(\.text) == ["line 4980", "line 4990"])
            #expect(read(reader) { ($0.requestID, $0.limit) = ("odd", 2) }.map(\.text) == ["line 4997", "line 4999"])
            #expect(read(reader) { $0.requestID = "od" } == [])
            let part = read(reader) {
                ($0.since, $0.until) = (line(10).time, line(13).time)
            }
            #expect(part.map(\.text) == ["line 10", "line 11", "line 12"])
        }
    }

    @Test func `Failed calls are in files of their own, and a query without them reads both`() async throws {
        try await withWriter { writer, reader, directory in
            for number in 0..<20 {
                writer.write(call(number, number % 4 == 0 ? InvocationTimeout(timeoutMillis: 1) : nil))
            }
            #expect(writer.flush(withinMillis: 20_000))
            let all = reader.read(CallRecord.self, [.calls, .failures], of: function, RecordQuery())
            #expect(all.map(\.requestID) == (0..<20).map { "r-\($0)" })
            var query = RecordQuery()
            query.failedOnly = true
            let failed = reader.read(CallRecord.self, [.failures], of: function, query)
            #expect(failed.map(\.requestID) == (0..<5).map { "r-\($0 * 4)" })
            #expect(failed.first?.failure?.errorType == "InvocationTimeout" && failed.first?.status == 500)
            let files = try FileManager.default.contentsOfDirectory(atPath: directory.path("data/records/hello"))
            #expect(files.sorted() == ["calls.jsonl", "failures.jsonl"])
        }
    }

    @Test func `Torn and foreign lines are left out`() async throws {
        try await withWriter { writer, reader, directory in
            writer.write(line(1))
            #expect(writer.flush(withinMillis: 20_000))
            let path = directory.path("data/records/hello/lines.jsonl")
            let file = try #require(FileHandle(forWritingAtPath: path))
            try file.seekToEnd()
            try file.write(contentsOf: Data("\n{}\n[1]\nnot json\n{\"time\":\"2026-11-30T14:03:00Z\",\"lev\n".utf8))
            try file.close()
            writer.write(line(2))
            #expect(writer.flush(withinMillis: 20_000))
            #expect(read(reader).map(\.text) == ["line 1", "line 2"])
        }
    }

    @Test func `A file of any content is read from its end without a fault`() throws {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<200 {
            let bytes = (0..<Int.random(in: 0...200_000, using: &generator)).map { _ in
                Bool.random(using: &generator) ? UInt8(ascii: "x") : UInt8.random(in: 9...12, using: &generator)
            }
            let folder = try TemporaryFolder()
            let path = try folder.write(String(decoding: bytes, as: UTF8.self), to: "file")
            let descriptor = open(path, O_RDONLY)
            defer { close(descriptor) }
            var lines = BackwardLines(descriptor)
            var found: [[UInt8]] = []
            while let line = lines.next() { found.append(line) }
            #expect(found.reversed() == bytes.split(separator: UInt8(ascii: "\n")).map(Array.init))
        }
    }

    // MARK: Full files

    @Test func `Files of one function are bounded, and lines keep their order across files`() async throws {
        try await withWriter { writer, reader, directory in
            let text = String(repeating: "x", count: 10_000)
            // 15 MB; four files of 2 MiB stay.
            for number in 0..<1500 {
                writer.write(line(number, text))
                if number % 100 == 0 { #expect(writer.flush(withinMillis: 20_000)) }
            }
            #expect(writer.flush(withinMillis: 20_000))
            #expect(writer.losses == .init())
            let folder = directory.path("data/records/hello")
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(names.sorted() == ["lines.1.jsonl", "lines.2.jsonl", "lines.3.jsonl", "lines.jsonl"])
            let size = try names.reduce(0) {
                try $0 + (FileManager.default.attributesOfItem(atPath: "\(folder)/\($1)")[.size] as? Int ?? 0)
            }
            #expect(size <= 8 << 20 && size > 6 << 20)
            let numbers = read(reader) { $0.limit = 10_000 }.map { ($0.time.microseconds - 1_000_000_000) / 1000 }
            #expect(numbers.count > 600 && numbers == Array((1500 - Int64(numbers.count))..<1500))
        }
    }

    @Test func `All files together stay within the budget, and the oldest go first`() async throws {
        try await withWriter(budget: 1 << 20) { writer, _, directory in
            let text = String(repeating: "x", count: 50_000)
            for number in 0..<60 {
                let record = LogRecord(
                    time: .now(), level: .info, text: text, requestID: "r",
                    functionID: try FunctionID("f\(number)"), revision: "1")
                writer.write(record)
                #expect(writer.flush(withinMillis: 20_000))
            }
            let folders = try FileManager.default.contentsOfDirectory(atPath: directory.path("data/records"))
            #expect(folders.count <= 21 && folders.count >= 15)
            #expect(folders.contains("f59"))
            // The removed files' descriptors are not written to any more.
            writer.write(
                LogRecord(
                    time: .now(), level: .info, text: "again", requestID: "r", functionID: try FunctionID("f0"),
                    revision: "1"))
            #expect(writer.flush(withinMillis: 20_000))
            let again = try String(contentsOfFile: directory.path("data/records/f0/lines.jsonl"), encoding: .utf8)
            #expect(again.contains("again"))
        }
    }

    @Test func `Two processes that fill one file lose nothing but what the files cannot hold`() async throws {
        try await TemporaryDirectory.with { directory in
            let folder = RecordFolder(path: directory.path("records"))
            let writers = (0..<2).map { _ in RecordWriter(folder: folder, budget: 1 << 30, intervalMicros: 0) }
            let text = String(repeating: "x", count: 1000)
            // 6 MB in all: three files.
            for number in 0..<3000 {
                for (index, writer) in writers.enumerated() { writer.write(line(2 * number + index, text)) }
                if number % 500 == 0 { for writer in writers { #expect(writer.flush(withinMillis: 20_000)) } }
            }
            for writer in writers { #expect(writer.flush(withinMillis: 20_000)) }
            let found = RecordReader(folder).read(
                LogRecord.self, [.lines], of: function,
                {
                    var query = RecordQuery()
                    query.limit = 10_000
                    return query
                }())
            #expect(Set(found.map(\.time)).count == 6000)
        }
    }

    // MARK: Losses

    @Test func `A disk that takes nothing loses lines, counts them, and says so once`() async throws {
        let messages = Mutex<[String]>([])
        // A file stands where the folder would be.
        let place = try TemporaryFolder()
        try place.write("", to: "records")
        let writer = RecordWriter(
            folder: RecordFolder(path: "\(place.path)/records"), budget: 1 << 20, intervalMicros: 0,
            onFailure: { message in messages.withLock { $0.append(message) } })
        for number in 0..<10 { writer.write(line(number)) }
        #expect(writer.flush(withinMillis: 20_000))
        for number in 0..<10 { writer.write(line(number)) }
        #expect(writer.flush(withinMillis: 20_000))
        #expect(writer.losses.disk == 20 && writer.losses.buffer == 0)
        let said = messages.withLock { $0 }
        #expect(said.count == 1 && said[0].contains("'hello'") && said[0].contains("records"), "\(said)")
    }

    @Test func `What the memory budget does not hold is lost and counted, and the budget gets everything back`()
        async throws
    {
        try await withWriter { writer, reader, _ in
            let memory = ByteBudget(limit: 10_000)
            writer.draw(from: memory)
            for number in 0..<10 { writer.write(line(number, String(repeating: "x", count: 9000))) }
            #expect(writer.flush(withinMillis: 20_000))
            let kept = read(reader).count
            #expect(kept >= 1 && kept + writer.losses.buffer == 10)
            #expect(memory.used == 0)
        }
    }

    @Test func `A function that floods its log loses its own lines, not those of others`() async throws {
        try await TemporaryDirectory.with { directory in
            let folder = RecordFolder(path: directory.path("records"))
            // The thread collects for a second, so that all lines wait together.
            let writer = RecordWriter(folder: folder, budget: 1 << 30, capacity: 1 << 20, intervalMicros: 1_000_000)
            let text = String(repeating: "x", count: 1000)
            for number in 0..<3000 { writer.write(line(number, text)) }
            let other = try FunctionID("other")
            writer.write(
                LogRecord(time: .now(), level: .info, text: "kept", requestID: "r", functionID: other, revision: "1"))
            #expect(writer.flush(withinMillis: 20_000))
            #expect(writer.losses.buffer > 2000)
            let kept = RecordReader(folder).read(LogRecord.self, [.lines], of: other, RecordQuery())
            #expect(kept.map(\.text) == ["kept"])
        }
    }

    @Test func `Only a few read at a time, and one that fails makes room`() async throws {
        let limit = ReaderLimit(maximum: 1)
        let refusal = try await limit.withReader {
            await #expect(throws: Overloaded.self) { try await limit.withReader {} }
        }
        #expect(refusal?.message.contains("Try again later") == true)
        await #expect(throws: CancellationError.self) {
            try await limit.withReader { () async throws -> Void in throw CancellationError() }
        }
        try await limit.withReader {}
    }

    // MARK: Following

    @Test func `A tail gets every line once, also when a file is full`() async throws {
        try await withWriter { writer, _, directory in
            writer.write(line(0))
            #expect(writer.flush(withinMillis: 20_000))
            let tail = RecordTail<LogRecord>(
                RecordFolder(path: directory.path("data/records")), .lines, of: function, RecordQuery())
            #expect(tail.poll().isEmpty, "it begins at the end")
            var found: [LogRecord] = []
            let text = String(repeating: "x", count: 100_000)
            for number in 1...50 {
                writer.write(line(number, text))
                #expect(writer.flush(withinMillis: 20_000))
                if number % 7 == 0 { found += tail.poll() }
            }
            found += tail.poll()
            #expect(found.map(\.time) == (1...50).map { line($0).time })
        }
    }

    @Test func `A tail waits for a file that does not exist yet`() async throws {
        try await withWriter { writer, _, directory in
            let tail = RecordTail<LogRecord>(
                RecordFolder(path: directory.path("data/records")), .lines, of: function, RecordQuery())
            #expect(tail.poll().isEmpty)
            writer.write(line(1))
            #expect(writer.flush(withinMillis: 20_000))
            #expect(tail.poll().map(\.text) == ["line 1"])
        }
    }
}
