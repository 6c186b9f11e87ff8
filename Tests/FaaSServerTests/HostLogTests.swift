import FileStorage
import Foundation
import FunctionModel
import FunctionService
import Logging
import PolyglotFaaS
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import FaaSServer

/// The host's log, and limits, of a server in this process with real workers.
@Suite(.serialized) struct HostLogTests {
    /// Serves functions, given as stored files by id, with its log going to a pipe.
    private func withServer<Result: Sendable>(
        _ functions: [String: String], log descriptor: Int32,
        _ body: @escaping @Sendable (Int) async throws -> Result
    ) async throws -> Result {
        try await TemporaryDirectory.with { directory in
            for (id, members) in functions {
                try directory.write(
                    #"{"id":"\#(id)","functionName":"handler","jsEvalAsModule":false,"dependencies":{},\#(members)}"#,
                    to: "functions/\(id).json")
            }
            var runtime = FunctionRuntime.Configuration()
            runtime.workerDirectory = Binaries.directory.path
            runtime.spareWorkersPerLanguage = 0
            let log = HostLog(level: .info, sink: LogSink(descriptor: descriptor))
            runtime.observers = [log.invocations]
            var configuration = FunctionServer.Configuration()
            configuration.port = 0
            let server = FunctionServer(
                configuration: configuration,
                service: FunctionService(
                    repository: FileFunctionRepository(dataDirectory: directory.path),
                    artifacts: FileArtifactStore(dataDirectory: directory.path), configuration: runtime),
                logger: log.logger)
            return try await running(server, body)
        }
    }

    private static func call(_ port: Int, _ id: String, _ event: [UInt8] = Array("{}".utf8)) throws -> HTTPAnswer {
        let connection = try RawConnection(port: port)
        try connection.send(RawHTTP.request("POST", "/invoke/\(id)", body: event))
        return try connection.readAnswer()
    }

    /// What has been read from a descriptor so far.
    private final class Reader: Sendable {
        private let text = Mutex("")

        init(_ descriptor: Int32) {
            Thread.detachNewThread { [self] in
                var buffer = [UInt8](repeating: 0, count: 64 << 10)
                while case let count = Foundation.read(descriptor, &buffer, buffer.count), count > 0 {
                    let piece = String(decoding: buffer[..<count], as: UTF8.self)
                    text.withLock { $0 += piece }
                }
                close(descriptor)
            }
        }

        var lines: [Substring] { text.withLock { $0.split(separator: "\n") } }
    }

    private func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard Foundation.pipe(&ends) == 0 else { throw TestFailure("no pipe") }
        return (ends[0], ends[1])
    }

    @Test func `A log that is not read stops no call, and when it is read a notice says what is missing`() async throws
    {
        let pipe = try pipe()
        defer { close(pipe.write) }
        let loud =
            #""languageId":"js","sourceCode":"exports.handler = () => { for (let i = 0; i < 2000; i++) console.log('x'.repeat(99)); return 1 }""#
        try await withServer(["loud": loud], log: pipe.write) { port in
            try await onThread {
                // A pipe holds 64 KiB, the buffer a megabyte: these write four.
                for _ in 0..<20 { try #expect(Self.call(port, "loud").status == 200) }
            }
            let reader = Reader(pipe.read)
            try await waitUntil("the notice appears") { reader.lines.contains { $0.contains(" log lines dropped") } }
        }
    }

    @Test func `A function forges no line of the host's log, and a client that leaves is one line`() async throws {
        let pipe = try pipe()
        let reader = Reader(pipe.read)
        defer { close(pipe.write) }
        let forged = #"\\n2026-11-28T23:00:00+0000 error faas: forged\\r\\u001b[2K\\u2028\\u202e"#
        let functions = [
            "prints":
                #""languageId":"js","sourceCode":"exports.handler = () => { console.log('\#(forged)'); return 1 }""#,
            "throws": #""languageId":"js","sourceCode":"exports.handler = () => { throw new Error('\#(forged)') }""#,
            "prints-py": #""languageId":"python","sourceCode":"def handler(e): print('\#(forged)')""#,
            "endless": #""languageId":"js","timeoutMillis":60000,"sourceCode":"exports.handler = () => { for (;;); }""#,
        ]
        try await withServer(functions, log: pipe.write) { port in
            try await onThread {
                for id in ["prints", "prints-py"] { try #expect(Self.call(port, id).status == 200) }
                try #expect(Self.call(port, "throws").status == 500)
                let connection = try RawConnection(port: port)
                try connection.send(RawHTTP.request("POST", "/invoke/endless", body: Array("1".utf8)))
                #expect(!connection.hasAnswer(within: .milliseconds(500)))
            }
            try await waitUntil("the client's line appears") {
                reader.lines.contains { $0.contains("function=endless") && $0.contains("The client disconnected") }
            }
        }
        let lines = reader.lines
        let form = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} (info|warning|error|notice) faas: .*/
        for line in lines {
            #expect(line.wholeMatch(of: form) != nil, "\(line)")
            #expect(!line.hasPrefix("2026-11-28T23:00:00+0000 error faas: forged"))
        }
        for id in ["prints", "prints-py", "throws"] {
            #expect(lines.contains { $0.contains("function=\(id) ") && $0.contains("forged") }, "\(id): \(lines)")
        }
    }

    @Test func `A function's own maxEventBytes above the server's limit holds over HTTP`() async throws {
        let pipe = try pipe()
        _ = Reader(pipe.read)
        defer { close(pipe.write) }
        let source = #""languageId":"js","sourceCode":"exports.handler = event => event.length""#
        let functions = ["large": source + #","maxEventBytes":8000000"#, "usual": source]
        try await withServer(functions, log: pipe.write) { port in
            try await onThread {
                let event = { (size: Int) in [0x22] + [UInt8](repeating: 0x78, count: size - 2) + [0x22] }
                let accepted = try Self.call(port, "large", event(8_000_000))
                #expect(accepted.status == 200)
                #expect(String(decoding: accepted.body, as: UTF8.self) == "7999998")
                try #expect(Self.call(port, "large", event(8_000_001)).status == 413)
                try #expect(Self.call(port, "usual", event((6 << 20) + 1)).status == 413)
            }
        }
    }
}
