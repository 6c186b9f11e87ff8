import TestSupport
import Testing

@Suite(.serialized) struct DeadlineOverHTTPTests {
    private static let deadline = 500
    /// The promise is 50 ms; a machine that runs other tests as well gets more.
    private static let slack = 250

    private static let runaways: [(name: String, function: TestFunction)] = [
        (
            "while(true){}",
            .js("runaway", "exports.handler = event => { while (event) {} return 1 }", timeoutMillis: deadline)
        ),
        (
            "a regular expression that backtracks",
            .js(
                "runaway", "exports.handler = event => event && /^(a+)+$/.test('a'.repeat(40) + 'b')",
                timeoutMillis: deadline)
        ),
        (
            "time.sleep(60)",
            .python(
                "runaway", "import time\ndef handler(event): time.sleep(60 if event else 0)", timeoutMillis: deadline)
        ),
        (
            "10**10**8",
            .python(
                "runaway", "def handler(event): return len(str(10**(10**8 if event else 1)))", timeoutMillis: deadline)
        ),
    ]

    @Test(arguments: runaways.indices)
    func `The client has its 504 soon after the deadline, and the next call its answer`(index: Int) async throws {
        let (name, function) = Self.runaways[index]
        try await Server.with([function], arguments: ["--workers-per-function", "1"]) { server in
            // A first call that is too late, on a machine with much else to do, has started a worker all the same.
            try await waitUntil("the function is loaded") {
                try await server.http.invoke("runaway", "false").status == 200
            }
            var measured: [Duration] = []
            for _ in 0..<3 {
                let (answer, time) = try await onThread {
                    let connection = try RawConnection(port: server.port)
                    let start = ContinuousClock.now
                    try connection.send(RawHTTP.request("POST", "/invoke/runaway", body: Array("true".utf8)))
                    let answer = try connection.readAnswer()
                    return (answer, ContinuousClock.now - start)
                }
                #expect(answer.status == 504, "\(answer.text)")
                #expect(answer.errorType == "InvocationTimeout")
                measured.append(time)
                // By a new worker: this waits for it, so that the next measurement does not.
                try await waitUntil("the next call is answered") {
                    try await server.http.invoke("runaway", "false").status == 200
                }
            }
            print("504 after a deadline of \(Self.deadline) ms, \(name): \(measured.map(\.inMilliseconds)) ms")
            for time in measured {
                #expect(time >= .milliseconds(Self.deadline))
                #expect(time < .milliseconds(Self.deadline + Self.slack))
            }
        }
    }
}

extension Duration {
    fileprivate var inMilliseconds: Int { Int(self / .milliseconds(1)) }
}
