import Foundation
import FunctionModel
import TestSupport
import Testing

@Suite(.serialized) struct HTTPTests {
    @Test func `Health answers OK`() async throws {
        try await Server.with { server in
            let answer = try await server.http.get("/health")
            #expect(answer.status == 200)
            #expect(answer.text == "OK")
            #expect(answer.headers["content-type"]?.hasPrefix("text/plain") == true)
            let head = try await RawHTTP.exchange(
                port: server.port, RawHTTP.request("HEAD", "/health"), withoutBody: true)
            #expect(head.status == 200)
            #expect(head.headers["content-length"] == "2")
        }
    }

    @Test func `The four kinds of function answer Hello, World!`() async throws {
        try await Server.with(TestFunction.greeters) { server in
            for id in ["hello", "hello-deps", "hello-py", "hello-py-deps"] {
                // Twice: by a new worker, and by one that has served before.
                for _ in 0..<2 {
                    let answer = try await server.http.invoke(id, #"{"name":"World"}"#)
                    #expect(answer.status == 200)
                    #expect(answer.text == #"{"message":"Hello, World!"}"#, "\(id)")
                    #expect(answer.headers["content-type"] == "application/json")
                }
            }
        }
    }

    @Test func `Every answer carries a request id: the caller's if it can be used, else a new one`() async throws {
        let context = [
            TestFunction.js("id", "exports.handler = (event, context) => context.awsRequestId ?? context.requestId"),
            .python("id-py", "def handler(event, context): return context.aws_request_id"),
        ]
        try await Server.with(context) { server in
            let uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/
            for (method, path) in [
                ("POST", "/invoke/id"), ("POST", "/invoke/id-py"), ("GET", "/health"), ("POST", "/invoke/nobody"),
                ("GET", "/invoke/id"), ("GET", "/nothing"), ("POST", "/invoke/!"), ("GET", "/"),
            ] {
                let given = try await server.http.send(method, path, headers: ["X-Request-Id": "call-1.a/b"])
                #expect(given.headers["x-request-id"] == "call-1.a/b", "\(method) \(path)")
                let made = try await server.http.send(method, path)
                let id = made.headers["x-request-id"] ?? ""
                #expect(id.wholeMatch(of: uuid) != nil, "\(method) \(path): \(id)")
                if made.status >= 400 { try #expect(made.json["requestId"] == .string(id), "\(made.text)") }
                if path.hasPrefix("/invoke/id"), made.status == 200 {
                    #expect(made.text == "\"\(id)\"", "the handler knows it")
                }
                for unusable in ["with space", "a\"b", String(repeating: "x", count: 129), "ä"] {
                    let replaced = try await RawHTTP.exchange(
                        port: server.port,
                        RawHTTP.request(method, path, headers: ["X-Request-Id: \(unusable)"], body: []))
                    #expect(replaced.headers["x-request-id"]?.wholeMatch(of: uuid) != nil, "\(unusable)")
                }
            }
        }
    }

    @Test func `An empty body is an empty event`() async throws {
        try await Server.with(TestFunction.echo) { server in
            for id in ["echo", "echo-py"] {
                for request in [
                    RawHTTP.request("POST", "/invoke/\(id)"), RawHTTP.request("POST", "/invoke/\(id)", body: []),
                ] {
                    let answer = try await RawHTTP.exchange(port: server.port, request)
                    #expect(answer.status == 200)
                    #expect(answer.text == "{}")
                }
            }
        }
    }

    @Test func `Text of all languages survives the way there and back`() async throws {
        let event = #"{"text":"Grüße, 世界 \ud83d\udc23 🐣 \u0000\u2028","list":[1,2.5,-0.125,true,null,{"":[]}]}"#
        try await Server.with(TestFunction.echo) { server in
            for id in ["echo", "echo-py"] {
                let answer = try await server.http.invoke(id, event)
                try #expect(answer.json == JSONValue(json: Array(event.utf8)), "\(id): \(answer.text)")
            }
        }
    }

    @Test func `Bodies of five megabytes survive the way there and back, chunked or not`() async throws {
        let event = "\"" + String(repeating: "0123456789äöü🐣", count: 250_000) + "\""
        #expect(event.utf8.count > 5_000_000)
        try await Server.with(TestFunction.echo) { server in
            for id in ["echo", "echo-py"] {
                let answer = try await server.http.invoke(id, event)
                #expect(answer.status == 200)
                #expect(answer.body == Data(event.utf8), "\(id)")
                let chunks = Self.chunked(Array(event.utf8))
                let request = RawHTTP.request("POST", "/invoke/\(id)", headers: ["Transfer-Encoding: chunked"]) + chunks
                let chunked = try await RawHTTP.exchange(port: server.port, request)
                #expect(chunked.body == Data(event.utf8), "\(id), chunked")
            }
        }
    }

    @Test func `A function that is uploaded, changed or deleted is seen by the next request`() async throws {
        try await Server.with { server in
            try await #expect(server.http.invoke("live").status == 404)
            for version in 1...3 {
                try await server.workspace.upload(.js("live", "exports.handler = () => \(version)"))
                try await #expect(server.http.invoke("live").text == "\(version)")
            }
            try await server.workspace.upload(.python("live", "def handler(e): return 'python now'"))
            try await #expect(server.http.invoke("live").text == "\"python now\"")
            try server.workspace.directory.write(
                #"{"id":"live","languageId":"js","functionName":"handler","jsEvalAsModule":false,"sourceCode":"exports.handler = () => 'by hand'","dependencies":{}}"#,
                to: ".faas/functions/live.json")
            try await #expect(server.http.invoke("live").text == "\"by hand\"")
            try await #expect(server.workspace.faas("delete", "live").exit == .code(0))
            let gone = try await server.http.invoke("live")
            #expect(gone.status == 404)
            #expect(gone.errorType == "FunctionNotFound")
        }
    }

    @Test func `Several requests on one connection are answered in order`() async throws {
        try await Server.with(TestFunction.echo) { server in
            let answers = try await onThread {
                let connection = try RawConnection(port: server.port)
                return try (0..<20).map { number in
                    try connection.send(
                        RawHTTP.request(
                            "POST", "/invoke/echo\(number.isMultiple(of: 2) ? "" : "-py")",
                            body: Array("\(number)".utf8)))
                    return try connection.readAnswer().text
                }
            }
            #expect(answers == (0..<20).map { "\($0)" })
        }
    }

    static func chunked(_ bytes: [UInt8], size: Int = 100_000) -> [UInt8] {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            let chunk = bytes[start..<min(start + size, bytes.count)]
            text += Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + Array("\r\n".utf8)
        }
        return text + Array("0\r\n\r\n".utf8)
    }
}
