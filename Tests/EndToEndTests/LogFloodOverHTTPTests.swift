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

    @Test(arguments: floods.indices)
    func `A function that floods its log delays no client of another function`(index: Int) async throws {
        try await Server.with([Self.good, Self.floods[index]]) { server in
            for _ in 0..<20 { _ = try await server.http.invoke("good", "1") }
            let end = ContinuousClock.now + .milliseconds(1500)
            async let flooding: [(status: Int, time: Duration)] = withThrowingTaskGroup(
                of: [(status: Int, time: Duration)].self
            ) { group in
                for _ in 0..<2 {
                    group.addTask {
                        var calls: [(status: Int, time: Duration)] = []
                        while ContinuousClock.now < end {
                            let start = ContinuousClock.now
                            let status = try await server.http.invoke("flood", "1").status
                            calls.append((status, ContinuousClock.now - start))
                        }
                        return calls
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            let measured = try await onThread {
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
            let calls = try await flooding
            let p99 = measured[measured.count * 99 / 100]
            let longest = calls.map(\.time).max() ?? .zero
            let logged = server.program.errorOutput.utf8.count
            print(
                "flood \(index): \(measured.count) good calls, p50 \(measured[measured.count / 2]), p99 \(p99), "
                    + "the longest \(measured.last ?? .zero); \(calls.count) floods, the longest \(longest); "
                    + "\(logged) bytes of log")
            #expect(p99 < .milliseconds(250), "\(p99)")
            #expect(longest < .milliseconds(Self.timeoutMillis + 500), "\(longest)")
            // 4096 lines of at most 256 bytes each, and a line about the call.
            #expect(logged <= (calls.count + 1) << 20, "\(logged)")
            try await waitUntil("the function that flooded is called again") {
                try await [200, 502, 503, 504].contains(server.http.invoke("flood", "1").status)
            }
        }
    }
}
