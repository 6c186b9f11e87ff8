import FileStorage
import Foundation
import FunctionService
import Logging
import NIOCore
import NIOPosix
import PolyglotFaaS
import Synchronization
import TestSupport
import Testing

@testable import FaaSServer

/// What holds an event loop delays every other client of it.
///
/// `EVENT_LOOP_MILLIS` (default 100): how long it may be held. A quiet machine keeps 20; on a busy one, or a slower one,
/// the same work takes several times as long, and what this is to find takes longer still.
@Suite(.serialized) struct EventLoopTests {
    private struct Work: Sendable, CustomTestStringConvertible {
        let name: String
        var repetitions = 3
        /// Its last request closes the connection.
        var readsToEnd = false
        let requests: [[UInt8]]

        var testDescription: String { name }
    }

    private static let limit = Duration.milliseconds(
        ProcessInfo.processInfo.environment["EVENT_LOOP_MILLIS"].flatMap { Int($0) } ?? 100)
    private static let size = 6 << 20
    private static let numbers = Array("[\(String(repeating: "1,", count: size / 2 - 2))1]".utf8)
    private static let text = Array("\"\(String(repeating: "x\\n", count: size / 3 - 2))\"".utf8)
    private static let manyRequests =
        Array(repeatElement("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", count: 8000).joined().utf8)
        + RawHTTP.request("GET", "/health", headers: ["Connection: close"])
    private static let binary = (0..<size / 2).map { UInt8(truncatingIfNeeded: $0) }

    private static let functions: [TestFunction] = [
        .js("echo", "exports.handler = event => event"),
        .js("large", "exports.handler = () => Array(1500000).fill(12)"),
        .js("fails", "exports.handler = () => { throw new Error('x'.repeat(5000000)) }"),
        .python(
            "echo-http",
            "def handler(event): return {'statusCode': 200, 'body': event['body'], "
                + "'isBase64Encoded': event['isBase64Encoded']}"
        ).answeringHTTP(),
        .js("logs", "exports.handler = () => { while (true) console.log('') }", timeoutMillis: 300),
        .python("logs-py", "def handler(event):\n  while True: print()", timeoutMillis: 300),
        .python(
            "forges",
            "import os\nframes = b'\\x01\\0\\0\\0\\x12\\x01' * 20000\ndef handler(event):\n"
                + "  while True: os.write(3, frames)", timeoutMillis: 300),
        .python("broken", "def handler(event): return 1"),
    ]

    private static let works: [Work] = [
        Work(
            name: "large events",
            requests: [
                RawHTTP.request("POST", "/invoke/echo", body: numbers),
                RawHTTP.request("POST", "/invoke/echo", body: text),
            ]),
        Work(
            name: "large events that are not JSON",
            requests: [
                RawHTTP.request("POST", "/invoke/echo", body: numbers.dropLast() + Array(",x".utf8)),
                RawHTTP.request("POST", "/invoke/echo", body: Array(repeating: UInt8(ascii: "["), count: size)),
            ]),
        Work(
            name: "large requests to /http",
            requests: [
                RawHTTP.request("POST", "/http/echo-http/x", body: binary),
                RawHTTP.request("POST", "/http/echo-http/x", body: Array(text.prefix(size / 2))),
            ]),
        Work(name: "large results", requests: [RawHTTP.request("POST", "/invoke/large", body: Array("1".utf8))]),
        Work(name: "long errors", requests: [RawHTTP.request("POST", "/invoke/fails", body: Array("1".utf8))]),
        Work(
            name: "floods of log lines",
            requests: ["logs", "logs-py", "forges"].map {
                RawHTTP.request("POST", "/invoke/\($0)", body: Array("1".utf8))
            }),
        Work(
            name: "a stored file of 60 MiB that cannot be parsed",
            requests: [
                RawHTTP.request("POST", "/invoke/broken", body: Array("1".utf8))
            ]),
        Work(
            name: "large heads", repetitions: 20,
            requests: [
                RawHTTP.request(
                    "POST", "/http/echo-http/x?\(String(repeating: "a=b&", count: 3000))",
                    headers: (0..<90).map { "X-\($0): \(String(repeating: "v,", count: 40))" }, body: Array("1".utf8))
            ]),
        Work(
            name: "thousands of chunks",
            requests: [
                Array(
                    "POST /invoke/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n".utf8
                )
                    + Array(repeatElement("2\r\n1,\r\n", count: 100_000).joined().utf8)
                    + Array("2\r\n1]\r\n0\r\n\r\n".utf8)
            ]),
        Work(
            name: "thousands of requests behind a body", readsToEnd: true,
            requests: [
                RawHTTP.request("POST", "/invoke/echo", body: Array(text.prefix(65_536) + [UInt8(ascii: "\"")]))
                    + manyRequests
            ]),
        Work(
            name: "thousands of pipelined requests", readsToEnd: true, requests: [manyRequests]),
    ]

    @Test(arguments: works.indices)
    func `Nothing that clients and functions send holds an event loop for long`(index: Int)
        async throws
    {
        let work = Self.works[index]
        try await Workspace.with(Self.functions) { workspace in
            let data = workspace.directory.path(".faas")
            if work.name.contains("stored file") {
                try Data(repeating: UInt8(ascii: "{"), count: 60 << 20)
                    .write(to: URL(fileURLWithPath: "\(data)/functions/broken.json"))
            }
            var configuration = FunctionRuntime.Configuration()
            configuration.workerDirectory = Binaries.directory.path
            var serverConfiguration = FunctionServer.Configuration()
            serverConfiguration.port = 0
            let server = FunctionServer(
                configuration: serverConfiguration,
                service: FunctionService(
                    repository: FileFunctionRepository(dataDirectory: data),
                    artifacts: FileArtifactStore(dataDirectory: data), configuration: configuration),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let longest = try await running(server) { port in
                // The first calls make the workers.
                try await onThread { for request in work.requests { try Self.answer(request, work, port) } }
                var longest = Duration.zero
                // Something that always holds an event loop does so in each round.
                for _ in 0..<3 {
                    longest = try await Self.watch(work, port)
                    if longest < Self.limit { break }
                }
                // A connection is answered before Hummingbird's task for it runs. If the server's task is cancelled in
                // between, NIO traps.
                try await Task.sleep(for: .milliseconds(300))
                return longest
            }
            #expect(longest < Self.limit, "\(work.name): \(longest) of processor time")
        }
    }

    /// The longest turn while two clients send each of the requests.
    private static func watch(_ work: Work, _ port: Int) async throws -> Duration {
        let watchdog = EventLoopWatchdog(MultiThreadedEventLoopGroup.singleton)
        defer { watchdog.stop() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for request in work.requests + work.requests {
                group.addTask {
                    try await onThread { for _ in 0..<work.repetitions { try answer(request, work, port) } }
                }
            }
            try await group.waitForAll()
        }
        return watchdog.longest
    }

    /// Sends a request and reads its response, or all responses.
    private static func answer(_ request: [UInt8], _ work: Work, _ port: Int) throws {
        let connection = try RawConnection(port: port)
        try connection.send(request)
        if work.readsToEnd { _ = try connection.readToEnd() } else { _ = try connection.readAnswer() }
    }
}

/// Measures how much processor time the turns of event loops take.
///
/// Processor time, because a busy machine stops event loops too. A task for each millisecond runs once in each turn, so
/// the time between two of them is that of at most two turns.
private final class EventLoopWatchdog: Sendable {
    private let record = Mutex(Duration.zero)
    private let tasks = Mutex<[RepeatedTask]>([])

    init(_ group: MultiThreadedEventLoopGroup) {
        for eventLoop in group.makeIterator() {
            let last = NIOLoopBoundBox<Duration?>.makeBoxSendingValue(nil, eventLoop: eventLoop)
            let task = eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(1)) { _ in
                var time = timespec()
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
                let now = Duration.seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
                if let before = last.value { self.record.withLock { $0 = max($0, now - before) } }
                last.value = now
            }
            tasks.withLock { $0.append(task) }
        }
    }

    var longest: Duration { record.withLock { $0 } }

    func stop() { for task in tasks.withLock({ $0 }) { task.cancel() } }
}
