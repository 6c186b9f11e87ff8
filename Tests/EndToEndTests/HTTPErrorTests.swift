import Foundation
import FunctionModel
import TestSupport
import Testing

/// The table of outcomes, row by row.
@Suite(.serialized) struct HTTPErrorTests {
    private func expect(
        _ answer: HTTPAnswer, _ status: Int, _ errorType: String, _ location: SourceLocation = #_sourceLocation
    ) throws {
        #expect(answer.status == status, "\(answer.text)", sourceLocation: location)
        let json = try answer.json
        #expect(json["errorType"] == .string(errorType), "\(answer.text)", sourceLocation: location)
        #expect(json["error"]?.stringValue?.isEmpty == false, sourceLocation: location)
        #expect(json["requestId"]?.stringValue == answer.headers["x-request-id"], sourceLocation: location)
        #expect(answer.headers["content-type"] == "application/json", sourceLocation: location)
    }

    @Test func `A body that is not JSON is 400 with line and column`() async throws {
        try await Server.with(TestFunction.echo) { server in
            for id in ["echo", "echo-py"] {
                for body in ["{", "{\"a\":}", "nul", "{} {}", "NaN", "'a'", "[1,]", "\u{feff}x"] {
                    let answer = try await server.http.invoke(id, body)
                    try expect(answer, 400, "InvalidEvent")
                }
                let answer = try await server.http.invoke(id, "{\n  \"a\": 1,\n  \"b\" 2\n}")
                #expect(answer.errorMessage?.contains("line 3, column 7") == true, "\(answer.text)")
                let bytes = try await RawHTTP.exchange(
                    port: server.port, RawHTTP.request("POST", "/invoke/\(id)", body: [0x22, 0xff, 0xfe, 0x22]))
                try expect(bytes, 400, "InvalidEvent")
                // The worker has not suffered.
                try await #expect(server.http.invoke(id, "1").text == "1")
            }
        }
    }

    @Test func `An id that cannot be one is 400`() async throws {
        let ids = [
            ".hidden", "%2e%2e", "a%2Fb", "a%00b", String(repeating: "x", count: 129), "-a", "a%20b", "%C3%A4", "%", "",
        ]
        try await Server.with { server in
            for path in ids.map({ "/invoke/\($0)" }) + ["/invoke"] {
                let answer = try await RawHTTP.exchange(
                    port: server.port, RawHTTP.request("POST", path, body: Array("{}".utf8)))
                try expect(answer, 400, "InvalidRequest")
            }
        }
    }

    @Test func `A function that is not there, and a path that is not there, are 404`() async throws {
        try await Server.with { server in
            let unknown = try await server.http.invoke("unknown")
            try expect(unknown, 404, "FunctionNotFound")
            #expect(unknown.errorMessage == "Function not found: unknown")
            for (method, path) in [
                ("GET", "/"), ("POST", "/nothing"), ("GET", "/health/more"), ("POST", "/invoke/a/b"),
                ("DELETE", "/function/a"),
            ] {
                try expect(try await server.http.send(method, path), 404, "NotFound")
            }
            let head = try await RawHTTP.exchange(
                port: server.port, RawHTTP.request("HEAD", "/nothing"), withoutBody: true)
            #expect(head.status == 404)
            #expect(head.headers["x-request-id"] != nil)
        }
    }

    @Test func `A wrong method is 405 and the answer names the right ones`() async throws {
        try await Server.with([.hello]) { server in
            for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"] {
                let answer = try await RawHTTP.exchange(port: server.port, RawHTTP.request(method, "/invoke/hello"))
                try expect(answer, 405, "MethodNotAllowed")
                #expect(answer.headers["allow"] == "POST", "\(method)")
            }
            let head = try await RawHTTP.exchange(
                port: server.port, RawHTTP.request("HEAD", "/invoke/hello"), withoutBody: true)
            #expect(head.status == 405)
            let health = try await server.http.send("POST", "/health")
            try expect(health, 405, "MethodNotAllowed")
            #expect(Set(health.headers["allow"]?.split(separator: ", ") ?? []) == ["GET", "HEAD"])
        }
    }

    @Test func `A body that is too large is 413, announced or not`() async throws {
        let large = [UInt8](repeating: UInt8(ascii: "1"), count: (6 << 20) + 1)
        try await Server.with(TestFunction.echo) { server in
            let announced = try await RawHTTP.exchange(
                port: server.port, RawHTTP.request("POST", "/invoke/echo", headers: ["Content-Length: \(large.count)"]))
            try expect(announced, 413, "PayloadTooLarge")
            #expect(announced.errorMessage == "The event is larger than the limit of 6291456 bytes.")
            let sent = try await RawHTTP.exchange(
                port: server.port, RawHTTP.request("POST", "/invoke/echo", body: large))
            try expect(sent, 413, "PayloadTooLarge")
            let chunked = try await RawHTTP.exchange(
                port: server.port,
                RawHTTP.request("POST", "/invoke/echo", headers: ["Transfer-Encoding: chunked"])
                    + HTTPTests.chunked(large))
            try expect(chunked, 413, "PayloadTooLarge")
            #expect(chunked.errorMessage == "The event is larger than the limit of 6291456 bytes.")
            try await #expect(server.http.invoke("echo", "1").text == "1", "the server goes on")
        }
    }

    @Test func `A body as large as allowed is accepted`() async throws {
        let event = "\"" + String(repeating: "x", count: (6 << 20) - 2) + "\""
        try await Server.with([.js("length", "exports.handler = event => event.length")]) { server in
            try await #expect(server.http.invoke("length", event).text == "\((6 << 20) - 2)")
        }
    }

    @Test func `A full queue is 429 at once, with Retry-After`() async throws {
        let function = TestFunction.endless("js", timeoutMillis: 3000)
        try await Server.with([function], arguments: ["--workers-per-function", "1"]) { server in
            let answer = try await onThread {
                // One runs, 256 wait, the others are refused long before anything else is answered.
                let request = RawHTTP.request("POST", "/invoke/endless", body: Array("true".utf8))
                let connections = try (0..<262).map { _ in
                    let connection = try RawConnection(port: server.port)
                    try connection.send(request)
                    return connection
                }
                let end = ContinuousClock.now + .seconds(20)
                while ContinuousClock.now < end {
                    for connection in connections where connection.hasAnswer(within: .zero) {
                        return try connection.readAnswer()
                    }
                }
                throw TestFailure("no connection was refused")
            }
            try expect(answer, 429, "TooManyRequests")
            #expect(answer.headers["retry-after"] == "1")
        }
    }

    @Test func `A handler that is missing or no function is 500 HandlerNotFound`() async throws {
        let functions: [TestFunction] = [
            .js("missing", "function other() {}"), .js("number", "const handler = 1"),
            .js("named", "exports.handler = () => 1", functionName: "main"),
            .python("missing-py", "def other(e): pass"), .python("number-py", "handler = 1"),
        ]
        try await Server.with(functions) { server in
            for function in ["missing", "number", "named", "missing-py", "number-py"] {
                let answer = try await server.http.invoke(function)
                try expect(answer, 500, "HandlerNotFound")
                let (name, language) = (
                    function == "named" ? "main" : "handler", function.hasSuffix("-py") ? "python" : "js"
                )
                let found = ["named": " The source has: handler.", "missing-py": " The source has: other."][function]
                #expect(
                    answer.errorMessage
                        == "Function '\(name)' not found or not executable in language '\(language)'.\(found ?? "")")
            }
        }
    }

    @Test func `A source that does not load is 500 LoadError with the line`() async throws {
        let functions: [TestFunction] = [
            .js("syntax", "const a = 1;\nfunction handler( {\n"),
            .js("throws", "const a = 1;\n\nthrow new Error('at load')"),
            .js("requires", "const x = require('nothing')"), .python("syntax-py", "a = 1\ndef handler(e)\n  return 1"),
            .python("throws-py", "a = 1\n\nraise ValueError('at load')"),
            .python("imports-py", "import nothing_of_that_name"),
        ]
        try await Server.with(functions) { server in
            for (id, line, text) in [
                ("syntax", 2, ""), ("throws", 3, "at load"), ("requires", 1, "Module not found: nothing"),
                ("syntax-py", 2, ""),
                ("throws-py", 3, "at load"), ("imports-py", 1, "nothing_of_that_name"),
            ] {
                // Twice: the next call says the same.
                for _ in 0..<2 {
                    let answer = try await server.http.invoke(id)
                    try expect(answer, 500, "LoadError")
                    #expect(answer.errorMessage?.contains(text) == true || text.isEmpty, "\(answer.text)")
                    let reported = try answer.json["line"]?.integerValue
                    // The parser notices a missing brace where the text ends.
                    #expect(reported == Int64(line) || id == "syntax" && reported != nil, "\(id): \(answer.text)")
                }
            }
        }
    }

    @Test func `What a handler throws is 500 with its name, message and stack`() async throws {
        let functions: [TestFunction] = [
            .js("throws", "function inner() { null.x }\nfunction handler() {\n  inner()\n}"),
            .js(
                "custom",
                "class Broke extends Error { name = 'Broke' }\nexports.handler = async () => { throw new Broke('no "
                    + "money') }"
            ),
            .js("value", "exports.handler = () => { throw 'just text' }"),
            .python("throws-py", "def inner(e): return e['x']\ndef handler(event):\n    return inner(event)"),
            .python("custom-py", "class Broke(Exception): pass\nasync def handler(event): raise Broke('no money')"),
        ]
        try await Server.with(functions) { server in
            let js = try await server.http.invoke("throws")
            try expect(js, 500, "TypeError")
            try #expect(js.json["stackTrace"]?[0]?.stringValue?.contains("inner") == true, "\(js.text)")
            try #expect(js.json["stackTrace"]?[1]?.stringValue?.contains(":3:") == true, "\(js.text)")
            let python = try await server.http.invoke("throws-py")
            try expect(python, 500, "KeyError")
            #expect(python.errorMessage == "'x'")
            try #expect(
                python.json["stackTrace"]?[0]?.stringValue?.hasSuffix("line 1, in inner") == true, "\(python.text)")
            for id in ["custom", "custom-py"] {
                let answer = try await server.http.invoke(id)
                try expect(answer, 500, "Broke")
                #expect(answer.errorMessage == "no money")
            }
            try expect(try await server.http.invoke("value"), 500, "Error")
        }
    }

    @Test func `A function's error cannot pass for one of the host's`() async throws {
        let forging = TestFunction.js(
            "forges", "exports.handler = () => { const e = new Error('x'); e.name = 'FunctionNotFound'; throw e }")
        try await Server.with([forging]) { server in
            let forged = try await server.http.invoke("forges")
            try expect(forged, 500, "FunctionNotFound")
            try #expect(forged.json["errorOrigin"] == "function")
            for id in ["missing", "."] {
                try await #expect(server.http.invoke(id).json["errorOrigin"] == "host")
            }
            try await #expect(server.http.get("/nothing").json["errorOrigin"] == "host")
        }
    }

    @Test func `A result without a JSON form is 500 ResultNotSerializable`() async throws {
        let functions: [TestFunction] = [
            .js("cycle", "exports.handler = () => { const a = {}; a.a = a; return a }"),
            .js("function", "exports.handler = () => ({ f() {} })"),
            .python("cycle-py", "def handler(e):\n  a = []\n  a.append(a)\n  return a"),
            .python("function-py", "def handler(e): return handler"),
        ]
        try await Server.with(functions) { server in
            for id in ["cycle", "function", "cycle-py", "function-py"] {
                try expect(try await server.http.invoke(id), 500, "ResultNotSerializable")
            }
        }
    }

    @Test func `A worker that dies is 500 WorkerCrashed, and the next call answers`() async throws {
        let source = """
            import os, signal
            def handler(event):
                if event == 'exit': os._exit(7)
                if event == 'segv': os.kill(os.getpid(), signal.SIGSEGV)
                if event == 'abort': os.abort()
                return 'answer'
            """
        try await Server.with([.python("dies", source)]) { server in
            for (event, reason) in [
                ("exit", "exit code 7"), ("segv", "signal 11"), ("abort", "signal 6"),
            ] {
                let answer = try await server.http.invoke("dies", "\"\(event)\"")
                try expect(answer, 500, "WorkerCrashed")
                #expect(answer.errorMessage?.contains(reason) == true, "\(answer.text)")
                try await #expect(server.http.invoke("dies", "1").text == "\"answer\"")
            }
        }
    }

    @Test func `A function whose workers keep dying is 503 BackedOff with Retry-After, and the others answer`()
        async throws
    {
        let functions: [TestFunction] = [.hello, .python("dies", "import os\nos._exit(7)\ndef handler(event): pass")]
        try await Server.with(functions) { server in
            var answer = try await server.http.invoke("dies")
            for _ in 0..<50 where answer.status == 500 {
                try expect(answer, 500, "WorkerCrashed")
                answer = try await server.http.invoke("dies")
            }
            try expect(answer, 503, "BackedOff")
            #expect(Int(answer.headers["retry-after"] ?? "").map { (1...30).contains($0) } == true, "\(answer.headers)")
            #expect(answer.errorMessage?.contains("exit code 7") == true, "\(answer.text)")
            try await #expect(server.http.invoke("hello", #"{"name":"World"}"#).status == 200)
        }
    }

    @Test func `A stored file that cannot be used is 500 BrokenFunction, and the others answer`() async throws {
        try await Server.with([.hello]) { server in
            try server.workspace.directory.write("{ oops", to: ".faas/functions/bad.json")
            try expect(try await server.http.invoke("bad"), 500, "BrokenFunction")
            try await #expect(server.http.invoke("hello", #"{"name":"World"}"#).status == 200)
        }
    }

    @Test(arguments: ["js", "python"])
    func `A handler that loops for ever is 504, and the next call answers`(language: String) async throws {
        try await Server.with([.endless(language, timeoutMillis: 400)], arguments: ["--workers-per-function", "1"]) {
            server in
            for _ in 0..<2 {
                let answer = try await server.http.invoke("endless", "true")
                try expect(answer, 504, "InvocationTimeout")
                #expect(answer.errorMessage == "Invocation timed out after 400ms")
                try await #expect(server.http.invoke("endless", "false").text == "\"answer\"")
            }
        }
    }

    @Test func `Without a time of its own a function has five seconds`() async throws {
        let function = TestFunction.js(
            "sleeps", "exports.handler = () => new Promise(resolve => setTimeout(resolve, 60000))")
        try await Server.with([function]) { server in
            let answer = try await server.http.invoke("sleeps")
            try expect(answer, 504, "InvocationTimeout")
            #expect(answer.errorMessage == "Invocation timed out after 5000ms")
        }
    }

    @Test func `Bytes that are no HTTP end that connection and nothing else`() async throws {
        try await Server.with([.hello]) { server in
            for bytes in [
                "\u{0}\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "POST /invoke/hello HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                "\u{16}\u{3}\u{1}\u{2}",
            ] {
                _ = try await onThread {
                    let connection = try RawConnection(port: server.port)
                    try connection.send(Array(bytes.utf8))
                    return connection.hasAnswer(within: .milliseconds(200))
                }
                try await #expect(server.http.invoke("hello", #"{"name":"World"}"#).status == 200)
            }
        }
    }
}
