import Foundation
import FunctionModel
import TestSupport
import Testing

/// Tokens, scopes, secrets: with the real command and a real server.
@Suite struct AccessTests {
    private static let page = TestFunction.js(
        "page",
        "exports.handler = event => { if (event.fail || event.rawPath === '/fail') throw new Error('inner detail'); "
            + "return { statusCode: 200, headers: { 'x-seen': String(event.headers?.authorization ?? 'none') }, "
            + "body: JSON.stringify({ direct: event.direct ?? false, ip: event.requestContext?.http?.sourceIp }) } }"
    ).answeringHTTP()

    private func token(_ workspace: Workspace, _ scopes: String...) async throws -> (
        id: String, headers: [String: String]
    ) {
        let arguments = ["token", "create", "test", "--json"] + scopes.flatMap { ["--scope", $0] }
        let result = try await Program.run(
            Binaries.faas.path, arguments, in: workspace.directory.path, environment: Workspace.environment)
        try #require(result.exit == .code(0), "\(result.errorOutput)")
        let json = try result.json
        return (
            try #require(json["id"]?.stringValue),
            ["Authorization": "Bearer \(try #require(json["token"]?.stringValue))"]
        )
    }

    @Test func `The first token closes a running server, and the last one opens it again`() async throws {
        try await Server.with([.hello]) { server in
            #expect(try await server.http.invoke("hello", #"{"name":"Ada"}"#).status == 200)
            let (id, headers) = try await token(server.workspace, "invoke:hello")
            try await waitUntil("the server sees the token", within: .seconds(5)) {
                try await server.http.invoke("hello").status == 401
            }
            for name in ["hello", "missing"] {
                let refused = try await server.http.invoke(name)
                #expect(refused.status == 401)
                #expect(refused.errorType == "Unauthorized")
                #expect(refused.headers["www-authenticate"] == "Bearer realm=\"faas\"")
                #expect(refused.errorMessage?.contains(name) == false)
                #expect(try await server.http.invoke(name, headers: ["Authorization": "Bearer x"]).status == 401)
            }
            let answer = try await server.http.invoke("hello", #"{"name":"Ada"}"#, headers: headers)
            #expect(answer.text == #"{"message":"Hello, Ada!"}"#)
            #expect(try await server.http.invoke("missing", headers: headers).status == 403)
            #expect(try await server.http.get("/health").status == 200)
            #expect(try await server.http.get("/health?verbose").status == 401)
            #expect(try await server.http.send("GET", "/health?verbose", headers: headers).status == 403)
            #expect(try await server.http.get("/nothing").status == 401)

            let list = try await server.workspace.faas("token", "list")
            #expect(list.output.contains("- \(id) 'test' [invoke:hello], does not expire"))
            #expect(!list.output.contains("faas_"))
            #expect(try await server.workspace.faas("token", "revoke", id).exit == .code(0))
            try await waitUntil("the server has no token", within: .seconds(5)) {
                try await server.http.invoke("hello", #"{"name":"Ada"}"#).status == 200
            }
        }
    }

    @Test func `A public function needs no token, and shows its failures only to those who may read`() async throws {
        try await Workspace.with([Self.page.public()]) { workspace in
            let reader = try await token(workspace, "read").headers
            let caller = try await token(workspace, "invoke").headers
            try await Server.with(in: workspace) { server in
                let page = try await server.http.get("/http/page/")
                #expect(page.status == 200)
                try #expect(page.json == ["direct": false, "ip": "127.0.0.1"])
                let seen = try await server.http.send("GET", "/http/page/", headers: caller)
                #expect(seen.headers["x-seen"] == "none", "the function does not get the token")
                let other = try await server.http.send("GET", "/http/page/", headers: ["Authorization": "Basic YTpi"])
                #expect(other.headers["x-seen"] == "Basic YTpi")

                let hidden = try await server.http.get("/http/page/fail")
                #expect(hidden.status == 500)
                #expect(hidden.errorType == "InternalError")
                guard case .object(let members) = try hidden.json else { throw TestFailure("not an object") }
                #expect(members.keys.sorted() == ["error", "errorType", "requestId"])
                #expect(!hidden.text.contains("inner detail"))
                let shown = try await server.http.send("GET", "/http/page/fail", headers: reader)
                #expect(shown.errorMessage == "inner detail")

                // The function logs an error's stack, for example. That is for those who may read too.
                for (headers, hasLines) in [([:], false), (caller, false), (reader, true)] {
                    let answer = try await server.http.send(
                        "GET", "/http/page/", headers: headers.merging(["X-Log-Tail": "true"]) { $1 })
                    #expect((answer.headers["x-log-tail"] != nil) == hasLines)
                }

                #expect(try await server.http.invoke("page").status == 401, "its event could be forged")
                let forged = try await server.http.invoke("page", #"{"direct":false,"rawPath":"/"}"#, headers: caller)
                let body = try forged.json["body"]?.stringValue
                #expect(body?.contains(#""direct":true"#) == true)
                let failed = try await server.http.invoke("page", #"{"fail":true}"#, headers: caller)
                #expect(failed.errorMessage == "inner detail", "/invoke keeps its table")
            }
        }
    }

    @Test func `An address of other machines needs a token or a flag`() async throws {
        try await Workspace.with { workspace in
            let refused = try await workspace.faas("serve", "--host", "0.0.0.0", "--port", "0")
            #expect(refused.exit == .code(1))
            #expect(refused.errorOutput.contains("--insecure") && refused.errorOutput.contains("faas token create"))
            try await Server.with(in: workspace, arguments: ["--host", "0.0.0.0", "--insecure"]) { server in
                let status = try await server.http.get("/nothing").status
                #expect(status == 404)
            }
            _ = try await token(workspace, "read")
            try await Server.with(in: workspace, arguments: ["--host", "0.0.0.0"]) { server in
                let status = try await server.http.get("/nothing").status
                #expect(status == 401)
            }
        }
    }

    @Test func `A trusted proxy says which client it is`() async throws {
        try await Workspace.with([Self.page.public()]) { workspace in
            let forwarded = ["X-Forwarded-For": "10.0.0.1, 203.0.113.9"]
            try await Server.with(in: workspace) { server in
                let answer = try await server.http.send("GET", "/http/page/", headers: forwarded)
                try #expect(answer.json["ip"] == "127.0.0.1")
            }
            try await Server.with(in: workspace, arguments: ["--trusted-proxy", "127.0.0.0/8"]) { server in
                let answer = try await server.http.send("GET", "/http/page/", headers: forwarded)
                try #expect(answer.json["ip"] == "203.0.113.9")
                #expect(try await server.http.get("/health?verbose").status == 401, "it is not a local program")
            }
            let wrong = try await workspace.faas("serve", "--trusted-proxy", "proxy.example")
            #expect(wrong.exit == .code(64) && wrong.errorOutput.contains("--trusted-proxy"))
        }
    }

    @Test func `Tokens and secrets are managed over HTTP by tokens with the scope`() async throws {
        try await Server.with([
            TestFunction.js("reads", "exports.handler = () => process.env.KEY").reading(secrets: "KEY")
        ]) {
            server in
            func send(
                _ method: String, _ path: String, _ token: String?, _ body: String? = nil
            ) async throws -> HTTPAnswer {
                try await server.http.send(
                    method, path, headers: token.map { ["Authorization": "Bearer \($0)"] } ?? [:],
                    body: body.map { Data($0.utf8) })
            }
            func make(_ scope: String, _ token: String?) async throws -> (id: String, token: String) {
                let answer = try await send("POST", "/tokens", token, #"{"name":"t","scopes":["\#(scope)"]}"#)
                #expect(answer.status == 201, "\(answer.text)")
                let json = try answer.json
                let id = try #require(json["id"]?.stringValue)
                #expect(answer.headers["location"] == "/tokens/\(id)")
                return (id, try #require(json["token"]?.stringValue))
            }
            let admin = try await make("admin", nil).token
            #expect(try await send("GET", "/tokens", nil).status == 401, "at once")
            let deployer = try await make("deploy", admin)
            let reader = try await make("read", admin)
            for (method, path) in [("GET", "/tokens"), ("POST", "/tokens"), ("DELETE", "/tokens/x"), ("GET", "/audit")]
            {
                #expect(try await send(method, path, deployer.token, "").status == 403, "\(method) \(path)")
                #expect(try await send(method, path, "faas_wrong", "").status == 401, "\(method) \(path)")
            }
            #expect(try await send("PUT", "/secrets/KEY", reader.token, "v").status == 403)
            #expect(try await send("PUT", "/secrets/KEY", deployer.token, "hidden-value").status == 204)
            #expect(try await send("PUT", "/secrets/1", deployer.token, "v").status == 400)
            #expect(
                try await send("PUT", "/secrets/KEY", deployer.token, String(repeating: "x", count: 70_000)).status
                    == 413)
            #expect(try await send("GET", "/secrets", deployer.token).status == 403)
            let secrets = try await send("GET", "/secrets", reader.token)
            #expect(secrets.text.contains(#""name":"KEY""#) && !secrets.text.contains("hidden-value"))
            try await waitUntil("the function has the secret", within: .seconds(5)) {
                try await send("POST", "/invoke/reads", admin, "{}").text == #""hidden-value""#
            }
            for body in [
                "", "[]", "{}", #"{"name":"a","scopes":["write"]}"#, #"{"name":"a","scopes":"read"}"#,
                #"{"name":"a","scopes":["read"],"expires":1}"#, #"{"name":"a","scopes":["read"],"expiresInSeconds":0}"#,
                #"{"name":"a","scopes":["read"],"expiresInSeconds":"1"}"#, #"{"name":"a","scopes":[]}"#,
            ] {
                let answer = try await send("POST", "/tokens", admin, body)
                #expect(answer.status == 400 && answer.errorType == "InvalidRequest", "\(body): \(answer.text)")
            }
            #expect(try await send("DELETE", "/tokens/\(deployer.id)", admin).status == 204)
            #expect(try await send("DELETE", "/tokens/\(deployer.id)", admin).status == 404)
            #expect(try await send("PUT", "/secrets/KEY", deployer.token, "v").status == 401, "at once")
            let list = try await send("GET", "/tokens", admin)
            guard case .array(let tokens) = try list.json else { throw TestFailure("not an array") }
            #expect(tokens.count == 2 && !list.text.contains("faas_") && !list.text.contains("hash"))
            let audit = try await send("GET", "/audit?limit=2", admin)
            guard case .array(let entries) = try audit.json else { throw TestFailure("not an array") }
            #expect(entries.map { $0["action"]?.stringValue } == ["revoke-token", "set-secret"])
            #expect(entries.last?["actor"]?.stringValue == "token:\(deployer.id)")
            #expect(try await send("GET", "/audit?limit=0", admin).status == 400)
        }
    }

    @Test func `Functions are deployed and seen over HTTP with the scope, within the quota`() async throws {
        try await Workspace.with([.hello]) { workspace in
            let (deployerID, deployer) = try await token(workspace, "deploy")
            let reader = try await token(workspace, "read").headers
            let other = try await token(workspace, "invoke:hello").headers
            try await Server.with(in: workspace, arguments: ["--max-functions", "2"]) { server in
                func deploy(_ id: String, _ headers: [String: String]) async throws -> HTTPAnswer {
                    let manifest = #"{"id":"\#(id)","languageId":"js","source":"exports.handler = () => 1"}"#
                    return try await server.http.send(
                        "POST", "/functions?check=false", headers: headers, body: Data(manifest.utf8))
                }
                for path in ["/functions", "/functions/hello", "/functions/missing", "/functions/hello/versions"] {
                    let (none, less) = (
                        try await server.http.get(path).status,
                        try await server.http.send("GET", path, headers: other).status
                    )
                    #expect(none == 401 && less == 403, "\(path)")
                }
                let seen = try await server.http.send("GET", "/functions/hello", headers: reader)
                #expect(seen.status == 200)
                for headers in [reader, other] {
                    let refused = try await deploy("one", headers)
                    #expect(refused.status == 403)
                }
                let anonymous = try await deploy("one", [:])
                #expect(anonymous.status == 401)
                let first = try await deploy("one", deployer)
                #expect(first.status == 201, "\(first.text)")
                let second = try await deploy("two", deployer)
                #expect(second.status == 507 && second.errorType == "QuotaExceeded", "\(second.text)")
                let deleted = try await server.http.send("DELETE", "/functions/one", headers: deployer)
                #expect(deleted.status == 204)
                let third = try await deploy("two", deployer)
                #expect(third.status == 201)
            }
            let audit = try await workspace.faas("audit").output
            for entry in ["deploy one", "delete one", "deploy two"] {
                #expect(audit.contains("token:\(deployerID) \(entry)"), "\(audit)")
            }
        }
    }

    @Test func `The audit log names who uploaded and deleted a function`() async throws {
        try await Workspace.with([.hello]) { workspace in
            #expect(try await workspace.faas("delete", "hello").exit == .code(0))
            #expect(try await workspace.faas("delete", "hello").exit == .code(1))
            let lines = try await workspace.faas("audit").output.split(separator: "\n")
            try #require(lines.count == 2, "\(lines)")
            #expect(lines[0].contains(" \(NSUserName()) deploy hello (version 1, revision "))
            #expect(lines[1].hasSuffix(" \(NSUserName()) delete hello"))
        }
    }

    // MARK: Secrets

    @Test(arguments: [
        TestFunction.js("reads", "exports.handler = () => process.env.API_KEY"),
        TestFunction.python("reads", "import os\ndef handler(event): return os.environ['API_KEY']"),
    ])
    func `A function gets its secret, a running server sees a new value, and no listing has it`(
        function: TestFunction
    ) async throws {
        try await Server.with([function.reading(secrets: "API_KEY")]) { server in
            let workspace = server.workspace
            let missing = try await server.http.invoke("reads")
            #expect(missing.status == 500)
            #expect(missing.errorType == "SecretNotSet")
            #expect(missing.errorMessage?.contains("faas secret set API_KEY") == true)

            let (first, second) = ("first-hidden-value", "second-hidden-value")
            #expect(try await workspace.faas("secret", "set", "API_KEY", input: first + "\n").exit == .code(0))
            let answer = try await server.http.invoke("reads")
            #expect(answer.text == "\"\(first)\"")
            #expect(try await workspace.faas("invoke", "reads").output == "\"\(first)\"\n")
            #expect(try await workspace.faas("secret", "set", "API_KEY", input: second).exit == .code(0))
            try await waitUntil("the server sees the new value", within: .seconds(5)) {
                try await server.http.invoke("reads").text == "\"\(second)\""
            }

            for arguments in [
                ["list", "--json"], ["secret", "list"], ["secret", "list", "--json"], ["audit"], ["prune"],
            ] {
                let result = try await Program.run(
                    Binaries.faas.path, arguments, in: workspace.directory.path, environment: Workspace.environment)
                #expect(result.exit == .code(0))
                #expect(!(result.output + result.errorOutput).contains("hidden-value"), "\(arguments)")
            }
            #expect(try await workspace.faas("audit").output.contains("set-secret API_KEY"))
            #expect(!server.program.errorOutput.contains("hidden-value"))
            let stored = try String(
                contentsOfFile: workspace.directory.path(".faas/functions/reads.json"), encoding: .utf8)
            #expect(!stored.contains("hidden-value"))

            #expect(try await workspace.faas("secret", "delete", "API_KEY").exit == .code(0))
            try await waitUntil("the server has no value", within: .seconds(5)) {
                try await server.http.invoke("reads").status == 500
            }
        }
    }

    @Test func `What cannot be a token or a secret is refused with the reason`() async throws {
        try await Workspace.with { workspace in
            for (arguments, reason) in [
                (["token", "create", "a", "--scope", "write"], "Unknown scope"),
                (["token", "create", "a", "--scope", "invoke:a b"], "Invalid function id"),
                (["token", "create", "", "--scope", "read"], "A token's name"),
                (["token", "create", "a"], "--scope"),
                (["token", "create", "a", "--scope", "read", "--expires", "soon"], "--expires"),
                (["token", "create", "a", "--scope", "read", "--expires", "0d"], "--expires"),
                (["token", "create", "a", "--scope", "read", "--expires", "999999999d"], "lifetime"),
                (["token", "revoke", "nothing"], "There is no token"),
                (["secret", "set", "1KEY"], "not the name of a secret"), (["secret", "set", "KEY"], "0 bytes"),
                (["secret", "delete", "KEY"], "There is no secret"),
            ] {
                let result = try await Program.run(
                    Binaries.faas.path, arguments, in: workspace.directory.path, environment: Workspace.environment)
                #expect(result.exit != .code(0), "\(arguments)")
                #expect(result.errorOutput.contains(reason), "\(arguments): \(result.errorOutput)")
            }
            #expect(!FileManager.default.fileExists(atPath: workspace.directory.path(".faas")), "nothing was made")
        }
    }
}
