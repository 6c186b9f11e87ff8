import Foundation
import TestSupport
import Testing

@Suite struct MetricsTests {
    /// The value of a sample, with its labels as they are written.
    private static func value(_ sample: String, in text: String) -> Double? {
        text.split(separator: "\n").first { $0.hasPrefix(sample + " ") }.flatMap {
            Double($0.dropFirst(sample.count + 1))
        }
    }

    @Test func `Metrics count calls by function and outcome, and their times`() async throws {
        let functions: [TestFunction] = [
            .js("hello", "exports.handler = e => { if (e.fails) throw new Error('x'); return e }"),
            .python("slow", "import time\ndef handler(e): time.sleep(60)", timeoutMillis: 3000),
        ]
        try await Server.with(functions) { server in
            for _ in 0..<5 { _ = try await server.http.invoke("hello", #"{"a":1}"#) }
            _ = try await server.http.invoke("hello", #"{"fails":true}"#)
            try await #expect(server.http.invoke("slow").status == 504)
            try await waitUntil("the slow function's worker has ended") {
                let text = try await server.http.get("/metrics").text
                return Self.value(#"faas_worker_ends_total{reason="deadline"}"#, in: text) == 1
            }
            let answer = try await server.http.get("/metrics")
            #expect(answer.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
            let text = answer.text
            let expected: [(String, Double)] = [
                (#"faas_calls_total{function="hello",outcome="result"}"#, 5),
                (#"faas_calls_total{function="hello",outcome="handler_error"}"#, 1),
                (#"faas_calls_total{function="slow",outcome="timeout"}"#, 1),
                (#"faas_calls_total{function="slow",outcome="result"}"#, 0),
                (#"faas_event_bytes_total{function="hello"}"#, 5 * 7 + 14),
                (#"faas_result_bytes_total{function="hello"}"#, 5 * 7),
                (#"faas_handler_seconds_count{function="hello"}"#, 6),
                (#"faas_handler_seconds_bucket{function="slow",le="0.1"}"#, 0),
                (#"faas_handler_seconds_bucket{function="slow",le="+Inf"}"#, 1),
                ("faas_queue_seconds_count", 7), ("faas_ready", 1),
                ("faas_queue_depth", 0),
            ]
            for (sample, count) in expected { #expect(Self.value(sample, in: text) == count, "\(sample)") }
            #expect(try #require(Self.value(#"faas_handler_seconds_sum{function="slow"}"#, in: text)) > 0.1)
            // While one worker puts its memory back, another may be made.
            for name in [
                #"faas_cold_starts_total{function="hello"}"#, "faas_load_seconds_count",
                "process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds_total",
                "process_start_time_seconds", #"faas_host_memory_bytes{kind="limit"}"#,
                #"faas_worker_memory_bytes{kind="limit"}"#, "faas_connections",
            ] {
                #expect(Self.value(name, in: text) ?? 0 > 0, "\(name)\n\(text)")
            }
            // Looking takes no descriptors.
            let files = try #require(Self.value("process_open_fds", in: text))
            for _ in 0..<50 { _ = try await server.http.get("/metrics") }
            let later = try await server.http.get("/metrics").text
            #expect(try #require(Self.value("process_open_fds", in: later)) < files + 20)
            // The form: each line is a comment or a sample.
            let sample = /[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.]+/
            for line in text.split(separator: "\n") where !line.hasPrefix("# ") {
                #expect(line.wholeMatch(of: sample) != nil, "\(line)")
            }
        }
    }

    @Test func `A server that stops says so before it refuses connections`() async throws {
        try await Server.with(
            [.js("hello", "exports.handler = e => e")], arguments: ["--drain-delay", "2"]
        ) { server in
            try await waitUntil("the server is ready") { try await server.http.get("/ready").status == 200 }
            server.program.send(SIGTERM)
            try await waitUntil("it is not ready") { try await server.http.get("/ready").status == 503 }
            let answer = try await server.http.get("/ready")
            #expect(answer.status == 503 && answer.headers["retry-after"] == "1")
            try await #expect(server.http.invoke("hello", "1").status == 200, "calls are answered meanwhile")
            #expect(try await server.program.waitForEnd(within: .seconds(30)) == .code(0))
        }
    }

    @Test func `A server is ready when the workers that functions keep ready have loaded`() async throws {
        let heavy = TestFunction.python("heavy", "import time\ntime.sleep(1)\ndef handler(e): return 1").keptReady(1)
        try await Server.with([heavy]) { server in
            try await #expect(server.http.get("/ready").status == 503)
            try await waitUntil("the server is ready") { try await server.http.get("/ready").status == 200 }
            let text = try await server.http.get("/metrics").text
            #expect(Self.value(#"faas_workers{state="idle"}"#, in: text) == 1)
        }
    }
}
