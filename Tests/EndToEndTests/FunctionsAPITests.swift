import Foundation
import FunctionModel
import TestSupport
import Testing

/// Functions over HTTP, as `curl` sees them.
@Suite struct FunctionsAPITests {
    private func js(_ source: String, id: String? = nil, extra: [String: JSONValue] = [:]) -> Data {
        var members: [String: JSONValue] = ["languageId": "js", "source": .string(source)]
        members["id"] = id.map { .string($0) }
        members.merge(extra) { $1 }
        return Data(JSONValue.object(members).jsonBytes())
    }

    private func json(_ answer: HTTPAnswer) throws -> [String: JSONValue] {
        guard case .object(let members) = try JSONValue(json: Array(answer.body)) else {
            throw TestFailure("not an object: \(answer.text)")
        }
        return members
    }

    private func list(_ answer: HTTPAnswer) throws -> [JSONValue] {
        guard case .array(let elements) = try JSONValue(json: Array(answer.body)) else {
            throw TestFailure("not an array: \(answer.text)")
        }
        return elements
    }

    private func ids(_ answer: HTTPAnswer) throws -> [JSONValue?] {
        try list(answer).map { if case .object(let members) = $0 { members["id"] } else { nil } }
    }

    @Test func `A function is created, called, read, replaced, rolled back and deleted`() async throws {
        try await Server.with { server in
            let http = server.http
            let created = try await http.send(
                "POST", "/functions", body: js("exports.handler = () => 'one'", id: "hello"))
            #expect(created.status == 201, "\(created.text)")
            #expect(created.headers["location"] == "/functions/hello")
            let members = try json(created)
            // The shape of GraalFaaS.
            #expect(members["id"] == "hello" && members["languageId"] == "js" && members["functionName"] == "handler")
            #expect(members["jsEvalAsModule"] == false && members["dependencies"] == [] && members["version"] == 1)
            try await #expect(http.invoke("hello").text == #""one""#)

            let again = try await http.send("POST", "/functions", body: js("1", id: "hello"))
            #expect(again.status == 409 && again.text.contains("FunctionExists"))

            let tag = try #require(created.headers["etag"])
            let second = js("exports.handler = () => 'two'", extra: ["timeoutMillis": 700, "env": ["KEY": "secret"]])
            let replaced = try await http.send("PUT", "/functions/hello", headers: ["If-Match": tag], body: second)
            #expect(replaced.status == 200, "\(replaced.text)")
            try await #expect(http.invoke("hello").text == #""two""#)
            try await #expect(http.invoke("hello@1").text == #""one""#)
            let stale = try await http.send("PUT", "/functions/hello", headers: ["If-Match": tag], body: second)
            #expect(stale.status == 412 && stale.text.contains("PreconditionFailed"))
            let absent = try await http.send("PUT", "/functions/hello", headers: ["If-None-Match": "*"], body: second)
            #expect(absent.status == 412)

            let read = try await http.get("/functions/hello?source=true")
            #expect(read.headers["etag"] == replaced.headers["etag"])
            let function = try json(read)
            #expect(function["sourceCode"] == "exports.handler = () => 'two'")
            #expect(function["settings"] == ["timeoutMillis": 700, "env": ["KEY"]])
            #expect(!read.text.contains("secret"))
            guard case .object(let limits) = function["limits"] else { throw TestFailure("no limits: \(read.text)") }
            #expect(limits["timeoutMillis"] == ["value": 700, "from": "function"])
            #expect(limits["memoryMB"] == ["value": 128, "from": "host"])
            try await #expect(json(http.get("/functions/hello"))["sourceCode"] == nil)

            let versions = try list(await http.get("/functions/hello/versions"))
            #expect(versions.count == 2)
            let rolled = try await http.send("POST", "/functions/hello/rollback")
            #expect(rolled.status == 200 && rolled.headers["etag"] == tag)
            try await #expect(http.invoke("hello").text == #""one""#)
            let forwards = try await http.send(
                "POST", "/functions/hello/rollback", body: Data(#"{"version": 2}"#.utf8))
            #expect(try json(forwards)["version"] == 2)
            try await #expect(http.invoke("hello").text == #""two""#)

            let deleted = try await http.send("DELETE", "/functions/hello")
            #expect(deleted.status == 204 && deleted.body.isEmpty)
            for path in ["/functions/hello", "/functions/hello/versions", "/functions/hello/aliases"] {
                try await #expect(http.get(path).status == 404)
            }
            for id in ["hello", "hello@1"] { try await #expect(http.invoke(id).status == 404) }
        }
    }

    @Test func `An alias leads calls to a version, and each change of it is seen by the next call`() async throws {
        try await Server.with { server in
            let http = server.http
            for number in 1...3 {
                let body = js("exports.handler = () => \(number)")
                try await #expect([200, 201].contains(http.send("PUT", "/functions/f", body: body).status))
            }
            try await #expect(http.invoke("f@live").status == 404)
            for (body, expected) in [
                (#"{"version": 1}"#, "1"), (#"{"version": 2}"#, "2"),
                (#"{"version": 1, "canary": {"version": 3, "percent": 100}}"#, "3"),
            ] {
                let set = try await http.send("PUT", "/functions/f/aliases/live", body: Data(body.utf8))
                #expect(set.status == 200, "\(set.text)")
                try await #expect(http.invoke("f@live").text == expected)
            }
            try await #expect(list(http.get("/functions/f/aliases")).count == 1)
            for (body, status) in [
                (#"{"version": 9}"#, 404), (#"{"version": 0}"#, 400), (#"{}"#, 400), ("", 400),
                (#"{"version": 1, "canary": {"version": 2, "percent": 101}}"#, 400), (#"{"versoin": 1}"#, 400),
            ] {
                let answer = try await http.send("PUT", "/functions/f/aliases/live", body: Data(body.utf8))
                #expect(answer.status == status, "\(body): \(answer.text)")
            }
            try await #expect(
                http.send("PUT", "/functions/f/aliases/9x", body: Data(#"{"version":1}"#.utf8)).status == 400)
            try await #expect(http.invoke("f@live").text == "3")
            try await #expect(http.send("DELETE", "/functions/f/aliases/live").status == 204)
            try await #expect(http.invoke("f@live").status == 404)
            try await #expect(http.send("DELETE", "/functions/f/aliases/live").status == 404)
        }
    }

    @Test func `Without an id the server makes one, a UUID of version 7`() async throws {
        try await Server.with { server in
            let created = try await server.http.send("POST", "/functions", body: js("exports.handler = () => 1"))
            #expect(created.status == 201)
            guard case .string(let id) = try json(created)["id"] else { throw TestFailure("no id: \(created.text)") }
            #expect(id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
            try await #expect(server.http.invoke(id).text == "1")
        }
    }

    @Test func `The list is an array of all functions, or of a page with a link to the next one`() async throws {
        try await Server.with { server in
            let http = server.http
            try await #expect(http.get("/functions").text == "[]")
            for id in ["c", "a", "b"] {
                _ = try await http.send("POST", "/functions?check=false", body: js("exports.handler = () => 1", id: id))
            }
            try await #expect(ids(http.get("/functions")) == ["a", "b", "c"])
            let first = try await http.get("/functions?limit=2")
            #expect(try ids(first) == ["a", "b"])
            let link = try #require(first.headers["link"]?.firstMatch(of: /<(.*)>; rel="next"/)?.1)
            let second = try await http.get(String(link))
            #expect(try ids(second) == ["c"])
            #expect(second.headers["link"] == nil)
            for query in ["limit=0", "limit=x", "limit=1001", "after=%2F"] {
                try await #expect(http.get("/functions?\(query)").status == 400)
            }
        }
    }

    @Test func `A function that does not load is refused with file, line and column, unless it is not to be checked`()
        async throws
    {
        try await Server.with { server in
            let http = server.http
            let broken = js("\nexports.handler = () => { return", id: "broken")
            let refused = try await http.send("POST", "/functions", body: broken)
            #expect(refused.status == 422, "\(refused.text)")
            let members = try json(refused)
            #expect(members["errorType"] == "LoadError" && members["line"] != nil)
            let module = js("import x from './y.js'\nexport const handler = () => x;;; const", id: "module")
            try await #expect(http.send("POST", "/functions", body: module).status == 422)
            let python = JSONValue.object(["id": "p", "languageId": "python", "source": "def other(e): pass"])
            let noHandler = try await http.send("POST", "/functions", body: Data(python.jsonBytes()))
            #expect(noHandler.status == 422 && noHandler.text.contains("HandlerNotFound"), "\(noHandler.text)")
            try await #expect(http.get("/functions").text == "[]", "nothing was stored")
            try await #expect(http.send("POST", "/functions?check=false", body: broken).status == 201)
            let log = server.program.errorOutput
            #expect(!log.contains("load-check"), "a check is no call: \(log)")
        }
    }

    @Test func `A check loads the function and does not call its handler`() async throws {
        try await Server.with { server in
            for (language, source) in [
                ("js", "exports.handler = () => { throw new Error('called') }"),
                ("python", "def handler(event): raise Exception('called')"),
            ] as [(JSONValue, JSONValue)] {
                let body = JSONValue.object(["id": "f", "languageId": language, "source": source])
                let answer = try await server.http.send("PUT", "/functions/f", body: Data(body.jsonBytes()))
                #expect([200, 201].contains(answer.status), "\(answer.text)")
            }
        }
    }

    @Test func `A check is not bounded by the timeout of calls`() async throws {
        try await Server.with { server in
            let body = JSONValue.object([
                "id": "slow", "languageId": "python", "timeoutMillis": 20,
                "source": "import time\ntime.sleep(0.5)\ndef handler(event): return 1",
            ])
            let answer = try await server.http.send("POST", "/functions", body: Data(body.jsonBytes()))
            #expect(answer.status == 201, "\(answer.text)")
        }
    }

    @Test func `A manifest that reads files of the server is refused`() async throws {
        try await Server.with { server in
            for field in [
                #""sourceFile": "/etc/passwd""#, #""sourceDir": "/etc""#,
                #""source": "1", "dependencies": {"x": {"file": "/etc/passwd"}}"#,
            ] {
                let body = Data(#"{"id": "x", "languageId": "python", \#(field)}"#.utf8)
                let answer = try await server.http.send("POST", "/functions", body: body)
                #expect(answer.status == 400 && answer.text.contains("is not allowed here"), "\(answer.text)")
            }
        }
    }

    @Test func `Bad requests are answered with what is wrong`() async throws {
        try await Server.with { server in
            let http = server.http
            for (method, path, body, status, text) in [
                ("POST", "/functions", "", 400, "has no body"),
                ("POST", "/functions", "{", 400, "line 1"),
                ("POST", "/functions", #"{"id": "a b", "languageId": "js", "source": "1"}"#, 400, "function id"),
                ("POST", "/functions?check=maybe", "{}", 400, "must be true or false"),
                ("PUT", "/functions/a", #"{"id": "b", "languageId": "js", "source": "1"}"#, 400, "the path's"),
                ("PUT", "/functions/%20", "{}", 400, "function id"),
                ("GET", "/functions/none", nil, 404, "FunctionNotFound"),
                ("DELETE", "/functions/none", nil, 404, "FunctionNotFound"),
                ("POST", "/functions/none/rollback", nil, 404, "FunctionNotFound"),
                ("PATCH", "/functions/none", nil, 405, "Method Not Allowed"),
            ] as [(String, String, String?, Int, String)] {
                let answer = try await http.send(method, path, body: body.map { Data($0.utf8) })
                #expect(answer.status == status && answer.text.contains(text), "\(method) \(path): \(answer.text)")
            }
            let zip = try await http.send(
                "POST", "/functions", headers: ["Content-Type": "application/zip"], body: Data("PK".utf8))
            #expect(zip.status == 415)
            let large = try await http.send("POST", "/functions", body: Data(repeating: 32, count: 17 << 20))
            #expect(large.status == 413)
            let page = try await http.send(
                "POST", "/functions", headers: ["Origin": "http://evil.example"], body: js("1", id: "x"))
            #expect(page.status == 403, "a page of another origin deploys nothing")
        }
    }

    @Test func `Deployments at the same time that expect one revision: one is made`() async throws {
        try await Server.with { server in
            let http = server.http
            let created = try await http.send("POST", "/functions", body: js("exports.handler = () => 0", id: "f"))
            let tag = try #require(created.headers["etag"])
            let made = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 1...8 {
                    let body = js("exports.handler = () => \(number)")
                    group.addTask {
                        try await http.send(
                            "PUT", "/functions/f?check=false", headers: ["If-Match": tag], body: body
                        ).status
                    }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(made.count { $0 == 200 } == 1 && made.count { $0 == 412 } == 7, "\(made)")
        }
    }
}
