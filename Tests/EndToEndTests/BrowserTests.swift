import FunctionModel
import TestSupport
import Testing

/// Requests that a page of another origin can make a browser send.
@Suite(.serialized) struct BrowserTests {
    private static let functions = [
        TestFunction.js("closed", "exports.handler = event => 'called'"),
        .js("open", "exports.handler = event => { if (event.fails) throw new Error('x'); return 'called' }")
            .allowing(origins: "https://app.example"),
        .js("public", "exports.handler = event => 1").allowing(origins: "*"),
        .js(
            "site",
            "exports.handler = event => ({ statusCode: 200, headers: event.rawPath == '/own' ? { 'access-control-allow-origin': 'https://own.example' } : {}, body: event.requestContext.http.method })"
        ).answeringHTTP().allowing(origins: "https://app.example"),
        .js("closed-site", "exports.handler = event => ({ statusCode: 200, body: 'called' })").answeringHTTP(),
    ]

    private func send(
        _ server: Server, _ method: String, _ path: String, host: String = "localhost", _ headers: String...,
        body: String? = nil
    ) async throws -> HTTPAnswer {
        let length = body.map { ["Content-Length: \($0.utf8.count)"] } ?? []
        let head = ["\(method) \(path) HTTP/1.1", "Host: \(host)"] + headers + length + ["", ""]
        return try await RawHTTP.exchange(
            port: server.port, Array((head.joined(separator: "\r\n") + (body ?? "")).utf8),
            withoutBody: method == "HEAD")
    }

    @Test func `A page whose name resolves to this machine reaches nothing but health`() async throws {
        try await Server.with(Self.functions, arguments: ["--allowed-host", "faas.example"]) { server in
            let attack = try await send(
                server, "POST", "/invoke/closed", host: "evil.example:\(server.port)",
                "Origin: http://evil.example:\(server.port)", "Content-Type: text/plain", body: "{}")
            #expect(attack.status == 403)
            #expect(attack.errorType == "HostNotAllowed")
            #expect(attack.errorMessage?.contains("'evil.example:\(server.port)'") == true, "\(attack.text)")
            #expect(attack.errorMessage?.contains("'--allowed-host'") == true, "\(attack.text)")
            for (method, path) in [
                ("GET", "/"), ("GET", "/health?verbose"), ("GET", "/http/site/"), ("OPTIONS", "/invoke/open"),
                ("POST", "http://evil.example/invoke/closed"),
            ] {
                let answer = try await send(server, method, path, host: "evil.example")
                #expect(answer.status == 403, "\(method) \(path)")
            }
            let absolute = try await send(server, "POST", "http://evil.example/invoke/closed", host: "localhost")
            #expect(absolute.status == 403)
            for host in ["evil.example", "localhost"] {
                try await #expect(send(server, "GET", "/health", host: host).text == "OK")
            }
            for host in ["localhost", "127.0.0.1:1", "[::1]", "FAAS.example.:99"] {
                try await #expect(send(server, "POST", "/invoke/closed", host: host, body: "{}").status == 200)
            }
        }
    }

    @Test func `On every address names are checked if one is given`() async throws {
        try await Server.with(Self.functions, arguments: ["--host", "0.0.0.0", "--insecure"]) { server in
            try await #expect(send(server, "POST", "/invoke/closed", host: "any.example", body: "{}").status == 200)
        }
        try await Server.with(arguments: ["--host", "0.0.0.0", "--insecure", "--allowed-host", "faas.example"]) {
            server in
            try await #expect(send(server, "GET", "/", host: "any.example").status == 403)
            try await #expect(send(server, "GET", "/", host: "faas.example").status == 404)
        }
    }

    @Test func `A page of another origin calls no function that does not allow it`() async throws {
        try await Server.with(Self.functions) { server in
            for (path, origin) in [
                ("/invoke/closed", "http://evil.example"), ("/invoke/closed", "null"),
                ("/invoke/closed", "http://localhost:1"),
                ("/invoke/open", "http://app.example"), ("/http/closed-site/", "http://evil.example"),
                ("/invoke/missing", "http://evil.example"),
            ] {
                let answer = try await send(
                    server, "POST", path, "Origin: \(origin)", "Content-Type: text/plain", body: "{}")
                #expect(answer.status == 403, "\(path) \(origin)")
                #expect(answer.errorType == "OriginNotAllowed")
                #expect(answer.errorMessage?.contains("'\(origin)'") == true, "\(answer.text)")
                #expect(answer.headers["access-control-allow-origin"] == nil)
            }
            for (method, path) in [
                ("GET", "/"), ("GET", "/health?verbose"), ("GET", "/invoke/open"), ("PUT", "/functions/a"),
            ] {
                try await #expect(send(server, method, path, "Origin: http://evil.example").status == 403)
            }
            try await #expect(send(server, "GET", "/health", "Origin: http://evil.example").status == 200)
            let own = try await send(
                server, "POST", "/invoke/closed", host: "localhost:\(server.port)",
                "Origin: http://localhost:\(server.port)", body: "{}")
            #expect(own.status == 200)
            #expect(own.headers["access-control-allow-origin"] == nil)
        }
    }

    @Test func `A page of an allowed origin calls the function and reads its responses, errors included`() async throws
    {
        try await Server.with(Self.functions) { server in
            for (event, status) in [("{}", 200), (#"{"fails":1}"#, 500), ("{", 400)] {
                let answer = try await send(
                    server, "POST", "/invoke/open", "Origin: https://app.example", body: event)
                #expect(answer.status == status)
                #expect(answer.headers["access-control-allow-origin"] == "https://app.example")
                #expect(answer.headers["vary"] == "Origin")
            }
            let all = try await send(server, "POST", "/invoke/public", "Origin: null", body: "{}")
            #expect(all.text == "1" && all.headers["access-control-allow-origin"] == "*")
        }
    }

    @Test func `A preflight is answered for an allowed origin, and the function that answers HTTP does it itself`()
        async throws
    {
        try await Server.with(Self.functions) { server in
            let ask = ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type, x-a"]
            let answer = try await send(
                server, "OPTIONS", "/invoke/open", "Origin: https://app.example", ask[0], ask[1], "Content-Length: 0")
            #expect(answer.status == 204)
            #expect(answer.headers["access-control-allow-origin"] == "https://app.example")
            #expect(answer.headers["access-control-allow-methods"] == "POST")
            #expect(answer.headers["access-control-allow-headers"] == "content-type, x-a")
            #expect(answer.headers["x-request-id"] != nil)
            try await #expect(
                send(server, "OPTIONS", "/invoke/closed", "Origin: https://app.example", ask[0]).status == 403)
            try await #expect(send(server, "OPTIONS", "/invoke/open", ask[0]).status == 405)
            let site = try await send(server, "OPTIONS", "/http/site/", "Origin: https://app.example", ask[0])
            #expect(site.text == "OPTIONS")
            #expect(site.headers["access-control-allow-origin"] == "https://app.example")
            let own = try await send(server, "GET", "/http/site/own", "Origin: https://app.example")
            #expect(own.headers["access-control-allow-origin"] == "https://own.example")
            try await #expect(
                send(server, "OPTIONS", "/http/closed-site/", "Origin: https://app.example", ask[0]).status == 403)
        }
    }
}
