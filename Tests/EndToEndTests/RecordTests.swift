import Foundation
import FunctionModel
import TestSupport
import Testing

/// What a server records of functions: lines, calls, and what clients and commands see of both.
@Suite struct RecordTests {
    private static let talker = TestFunction.js(
        "talker",
        """
        exports.handler = (event, context) => {
          console.debug('detail'); console.log('hello ' + event.name); console.error('bad\\nluck \\u001b[2K');
          if (event.fails) throw new TypeError('no such name');
          return context.requestId;
        }
        """)

    private static func json(_ answer: HTTPAnswer) throws -> [JSONValue] {
        guard answer.status == 200, case .array(let elements) = try JSONValue(json: Array(answer.body)) else {
            throw TestFailure("\(answer.status): \(answer.text)")
        }
        return elements
    }

    @Test func `Lines are found over HTTP, by level, request and time, each with its call`() async throws {
        try await Server.with([Self.talker, .python("silent", "def handler(e): return 1")]) { server in
            for number in 1...3 {
                _ = try await server.http.invoke(
                    "talker", #"{"name":"\#(number)"}"#, headers: ["X-Request-Id": "call-\(number)"])
            }
            let all = try Self.json(try await server.http.get("/functions/talker/logs"))
            #expect(
                all.compactMap { $0["message"]?.stringValue }
                    == (1...3).flatMap { ["detail", "hello \($0)", "bad\nluck \u{1b}[2K"] })
            #expect(all[3]["requestId"] == "call-2" && all[3]["level"] == "debug" && all[3]["function"] == "talker")
            #expect(all[3]["revision"]?.stringValue?.count == 16)
            let errors = try Self.json(try await server.http.get("/functions/talker/logs?level=error&request=call-2"))
            #expect(errors.count == 1 && errors[0]["level"] == "error")
            let time = try #require(all[5]["time"]?.stringValue)
            let later = try Self.json(try await server.http.get("/functions/talker/logs?since=\(time)&limit=2"))
            #expect(later.compactMap { $0["message"] } == ["hello 3", "bad\nluck \u{1b}[2K"])
            let earlier = try Self.json(try await server.http.get("/functions/talker/logs?until=\(time)"))
            #expect(earlier.count == 5)
            try await #expect(Self.json(server.http.get("/functions/silent/logs")) == [])
        }
    }

    @Test func `A query that is wrong is refused with its reason, and a function that is unknown with 404`()
        async throws
    {
        try await Server.with([Self.talker]) { server in
            for (query, part) in [
                ("since=yesterday", "'since'"), ("level=loud", "'level'"), ("limit=0", "'limit'"),
                ("limit=100000", "'limit'"), ("sinc=1h", "'sinc'"), ("limit=1&limit=2", "twice"),
                ("request=a%20b", "'request'"), ("follow=maybe", "'follow'"), ("follow=true&until=1h", "'until'"),
            ] {
                let answer = try await server.http.get("/functions/talker/logs?\(query)")
                #expect(answer.status == 400 && answer.text.contains(part), "\(query): \(answer.text)")
            }
            for path in ["logs", "calls"] {
                let answer = try await server.http.get("/functions/unknown/\(path)")
                #expect(answer.status == 404 && answer.text.contains("FunctionNotFound"))
                try await #expect(server.http.send("POST", "/functions/talker/\(path)").status == 405)
            }
            try await #expect(server.http.get("/functions/..%2fx/logs").status == 400)
        }
    }

    @Test(arguments: ["js", "python"])
    func `A client that follows gets each line while the call runs`(language: String) async throws {
        let slow: TestFunction =
            language == "js"
            ? .js(
                "slow",
                "exports.handler = async () => { console.log('first'); await new Promise(d => setTimeout(d, 60000)); }",
                timeoutMillis: 60_000)
            : .python(
                "slow", "import time\ndef handler(e):\n  print('first', flush=True)\n  time.sleep(60)",
                timeoutMillis: 60_000)
        try await Server.with([slow]) { server in
            try await onThread {
                let follower = try RawConnection(port: server.port)
                try follower.send(RawHTTP.request("GET", "/functions/slow/logs?follow=true"))
                let caller = try RawConnection(port: server.port)
                try caller.send(RawHTTP.request("POST", "/invoke/slow", body: Array("{}".utf8)))
                let text = try follower.readText { $0.contains("\"message\":\"first\"") }
                #expect(text.contains("text/event-stream") && text.contains("event: line\ndata: {"))
                #expect(!caller.hasAnswer(within: .milliseconds(1)), "the call goes on")
            }
            // The server stops although a client follows and a call runs.
            try await server.stop()
        }
    }

    @Test func `Clients that follow and leave make room for others`() async throws {
        try await Server.with([Self.talker]) { server in
            try await onThread {
                for _ in 0..<3 {
                    var followers: [RawConnection] = []
                    let end = ContinuousClock.now + .seconds(30)
                    // The server notices a moment later that those of the round before have left.
                    while followers.count < 64 {
                        let follower = try RawConnection(port: server.port)
                        try follower.send(RawHTTP.request("GET", "/functions/talker/logs?follow=true"))
                        let head = try follower.readText { $0.contains("\r\n\r\n") }
                        if head.hasPrefix("HTTP/1.1 200") { followers.append(follower) }
                        if ContinuousClock.now > end { throw TestFailure("\(followers.count) followers: \(head)") }
                    }
                    let other = try RawConnection(port: server.port)
                    try other.send(RawHTTP.request("GET", "/functions/talker/logs?follow=true"))
                    try #expect(other.readAnswer().status == 503)
                }
            }
        }
    }

    @Test func `Why did the call fail: the log of calls says, over HTTP and on the command line, also after a restart`()
        async throws
    {
        try await Workspace.with([Self.talker]) { workspace in
            try await Server.with(in: workspace) { server in
                _ = try await server.http.invoke("talker", #"{"name":"a"}"#, headers: ["X-Request-Id": "good"])
                let failed = try await server.http.invoke(
                    "talker", #"{"fails":true}"#, headers: ["X-Request-Id": "bad"])
                #expect(failed.status == 500)
                _ = try await server.http.invoke("talker", "{", headers: ["X-Request-Id": "wrong"])
                try await waitUntil("the calls are in the files") {
                    try await Self.json(server.http.get("/functions/talker/calls")).count == 3
                }
                let calls = try Self.json(try await server.http.get("/functions/talker/calls"))
                #expect(calls.map { $0["requestId"] } == ["good", "bad", "wrong"])
                #expect(calls.map { $0["status"] } == [200, 500, 400])
                #expect(calls.map { $0["outcome"] } == ["result", "failure", "failure"])
                #expect(calls[0]["cold"] == true && calls[0]["eventBytes"] == 12)
                #expect(calls[1]["errorType"] == "TypeError" && calls[1]["error"] == "no such name")
                #expect(calls[1]["stackTrace"]?[0]?.stringValue?.contains(":3:") == true, "\(calls[1])")
                let found = try Self.json(
                    try await server.http.get("/functions/talker/calls?failed=true&request=bad&since=1h"))
                #expect(found == [calls[1]])
            }
            let text = try await workspace.faas("calls", "talker", "--failed", "--since", "1h")
            #expect(text.exit == .code(0))
            #expect(text.output.contains(" 500 bad ") && text.output.contains("TypeError: no such name\n    "))
            #expect(text.output.contains(" 400 wrong ") && !text.output.contains("good"))
            let json = try await workspace.faas("calls", "talker", "--json", "--limit", "1")
            #expect(try JSONValue(json: Array(json.output.utf8))["requestId"] == "wrong")
            let lines = try await workspace.faas("logs", "talker", "--request", "bad", "--level", "error")
            #expect(lines.output.hasSuffix("Z error bad bad\\nluck \\u{1b}[2K\n"), "\(lines.output)")
            #expect(lines.output.split(separator: "\n").count == 1)
            // What has been recorded stays when the function is deleted, and a new server shows it.
            _ = try await workspace.faas("delete", "talker")
            try await Server.with(in: workspace) { server in
                try await #expect(Self.json(server.http.get("/functions/talker/calls")).count == 3)
                try await #expect(Self.json(server.http.get("/functions/talker/logs")).count == 6)
            }
        }
    }

    @Test func `The command line follows a function while a server serves it`() async throws {
        try await Server.with([Self.talker]) { server in
            try await server.workspace.withFaas(["logs", "-f", "talker", "--level", "info"]) { follower in
                try await waitUntil("the line appears") {
                    _ = try await server.http.invoke("talker", #"{"name":"Ada"}"#)
                    return follower.output.contains(" hello Ada\n")
                }
                #expect(!follower.output.contains("detail"))
            }
        }
    }

    @Test(arguments: [
        ["logs", "unknown"], ["calls", "unknown"], ["logs", "a b"], ["logs", "talker", "--since", "x"],
        ["logs", "talker", "--level", "x"], ["logs", "talker", "--limit", "0"],
        ["logs", "-f", "talker", "--until", "1h"],
    ])
    func `A command that cannot show records says why`(arguments: [String]) async throws {
        try await Workspace.with([Self.talker]) { workspace in
            let result = try await Program.run(
                Binaries.faas.path, arguments, in: workspace.directory.path, environment: Workspace.environment)
            #expect(result.exit != .code(0) && !result.errorOutput.isEmpty && result.output.isEmpty)
        }
    }

    @Test func `A disk that takes no records stops no call, and the metrics count what is lost`() async throws {
        try await Workspace.with([Self.talker]) { workspace in
            try workspace.directory.write("a file where the folder would be", to: ".faas/records")
            try await Server.with(in: workspace) { server in
                for _ in 0..<5 {
                    try await #expect(server.http.invoke("talker", #"{"name":"a"}"#).status == 200)
                }
                try await waitUntil("losses are counted") {
                    try await server.http.get("/metrics").text.contains(
                        /faas_records_lost_total\{reason="disk"\} [1-9]/)
                }
                // Lines are still in memory.
                let lines = try Self.json(try await server.http.get("/functions/talker/logs"))
                #expect(lines.count == 15)
                #expect(server.program.errorOutput.contains("cannot be written"))
            }
        }
    }

    @Test func `Without files, lines are in memory only`() async throws {
        try await Server.with([Self.talker], arguments: ["--record-megabytes", "0"]) { server in
            _ = try await server.http.invoke("talker", #"{"name":"a"}"#)
            try await #expect(Self.json(server.http.get("/functions/talker/logs")).count == 3)
            try await #expect(Self.json(server.http.get("/functions/talker/calls")) == [])
            let path = server.workspace.directory.path(".faas/records")
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func `Records can be read only by the server's user`() async throws {
        try await Server.with([Self.talker]) { server in
            _ = try await server.http.invoke("talker", #"{"name":"a"}"#)
            let path = server.workspace.directory.path(".faas/records/talker/lines.jsonl")
            try await waitUntil("the file is there") { FileManager.default.fileExists(atPath: path) }
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    // MARK: With a response

    @Test func `A response has its call's times, its trace, and its lines if the client asks for them`() async throws {
        let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let functions: [TestFunction] = [
            Self.talker,
            .js("trace-js", "exports.handler = (e, c) => [c.traceparent ?? null, c.tracestate ?? null]"),
            .python("trace-python", "def handler(e, c): return [c.traceparent, c.tracestate]"),
        ]
        try await Server.with(functions) { server in
            let plain = try await server.http.invoke("talker", #"{"name":"a"}"#)
            #expect(plain.headers["x-log-tail"] == nil && plain.headers["traceparent"] == nil)
            let form = /queue;dur=\d+\.\d{3}, load;dur=\d+\.\d{3}, handler;dur=\d+\.\d{3}/
            #expect(try #require(plain.headers["server-timing"]).wholeMatch(of: form) != nil, "the first call is cold")
            let tail = try await server.http.invoke("talker", #"{"fails":true}"#, headers: ["X-Log-Tail": "true"])
            #expect(tail.status == 500)
            let lines = try #require(tail.headers["x-log-tail"].flatMap { Data(base64Encoded: $0) })
            #expect(
                String(decoding: lines, as: UTF8.self)
                    == "[debug] detail\n[info] hello undefined\n[error] bad\nluck \u{1b}[2K\n")
            for function in ["trace-js", "trace-python"] {
                for _ in 0..<5 {
                    let traced = try await server.http.invoke(
                        function, headers: ["traceparent": traceparent, "tracestate": "a=b"])
                    #expect(
                        traced.text == "[\"\(traceparent)\",\"a=b\"]" && traced.headers["traceparent"] == traceparent)
                    let invalid = try await server.http.invoke(
                        function, headers: ["traceparent": "00-0-0-0", "tracestate": "a=b"])
                    #expect(invalid.text == "[null,null]" && invalid.headers["traceparent"] == nil)
                }
            }
            try await waitUntil("the call is recorded with its trace") {
                try await Self.json(server.http.get("/functions/trace-js/calls")).contains {
                    $0["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736"
                }
            }
        }
    }

    @Test func `The lines in a header are bounded, the last ones stay`() async throws {
        let loud = TestFunction.js(
            "loud", "exports.handler = () => { for (let i = 0; i < 3000; i++) console.log('line ' + i); return 1 }")
        try await Server.with([loud]) { server in
            let answer = try await server.http.invoke("loud", headers: ["X-Log-Tail": "true"])
            let lines = try #require(answer.headers["x-log-tail"].flatMap { Data(base64Encoded: $0) })
            #expect(lines.count == 4096 && String(decoding: lines, as: UTF8.self).hasSuffix("[info] line 2999\n"))
        }
    }
}
