import TestSupport
import Testing

/// What a client of one function notices of another function that logs without end.
@Suite(.serialized) struct LogFloodOverHTTPTests {
    private static let timeoutMillis = 1000
    private static let good = TestFunction.js("good", "exports.handler = event => event")
    private static let floods: [TestFunction] = [
        .js("flood", "exports.handler = () => { for (;;) console.log('') }", timeoutMillis: timeoutMillis),
        .js(
            "flood", "exports.handler = () => { for (let i = 0; i < 10000; i++) console.log(''); return 1 }",
            timeoutMillis: timeoutMillis),
        .python("flood", "def handler(event):\n  while True: print()", timeoutMillis: timeoutMillis),
        .python(
            "flood",
            "import os\nframes = b'\\x01\\0\\0\\0\\x12\\x01' * 20000\ndef handler(event):\n"
                + "  while True: os.write(3, frames)",
            timeoutMillis: timeoutMillis),
    ]

    /// Times of the good function's calls, on one connection, while two clients call the other one.
    private static func measure(_ server: Server) async throws -> (good: [Duration], floods: [Duration]) {
        let end = ContinuousClock.now + .milliseconds(1500)
        async let floods: [Duration] = withThrowingTaskGroup(of: [Duration].self) { group in
            for _ in 0..<2 {
                group.addTask {
                    var times: [Duration] = []
                    while ContinuousClock.now < end {
                        let start = ContinuousClock.now
                        _ = try await server.http.invoke("flood", "1")
                        times.append(ContinuousClock.now - start)
                    }
                    return times
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let good = try await onThread {
            let connection = try RawConnection(port: server.port)
            var times: [Duration] = []
            while ContinuousClock.now < end {
                let start = ContinuousClock.now
                try connection.send(RawHTTP.request("POST", "/invoke/good", body: Array("1".utf8)))
                let answer = try connection.readAnswer()
                guard answer.status == 200 else { throw TestFailure("good: \(answer.text)") }
                times.append(ContinuousClock.now - start)
            }
            return times.sorted()
        }
        return (good, try await floods)
    }

    @Test(arguments: floods.indices)
    func `A function that floods its log delays no client of another function`(index: Int) async throws {
        try await Server.with([Self.good, Self.floods[index]]) { server in
            for _ in 0..<20 { _ = try await server.http.invoke("good", "1") }
            var isQuick = false
            var measured: [String] = []
            var calls = 0
            // A machine that other programs stall is no fault of the server's: one of three rounds has to be quick.
            for _ in 0..<3 where !isQuick {
                let (good, floods) = try await Self.measure(server)
                let p99 = good[good.count * 99 / 100]
                let longest = floods.max() ?? .zero
                calls += floods.count
                isQuick = p99 < .milliseconds(100) && longest < .milliseconds(Self.timeoutMillis + 500)
                measured.append(
                    "\(good.count) good calls, p50 \(good[good.count / 2]), p99 \(p99); \(floods.count) floods, "
                        + "the longest \(longest)")
            }
            let logged = server.program.errorOutput.utf8.count
            print("FLOOD over HTTP, \(index): \(measured.joined(separator: "; again: ")); \(logged) bytes of log")
            #expect(isQuick, "\(measured)")
            // 4096 lines of at most 256 bytes each, and a line about the call.
            #expect(logged <= (calls + 1) << 20, "\(logged)")
            try await waitUntil("the function that flooded is called again") {
                try await [200, 502, 503, 504].contains(server.http.invoke("flood", "1").status)
            }
        }
    }
}
