import Foundation
import FunctionModel
import TestSupport
import Testing

/// Requests that no honest client sends.
@Suite(.serialized) struct HostileClientTests {
    private static let functions =
        TestFunction.echo + [
            TestFunction.js("site", "exports.handler = event => ({ statusCode: 200 })").answeringHTTP()
        ]

    /// Sends bytes on a connection of their own, and reads all until the server closes it.
    private func exchange(_ server: Server, _ bytes: some Collection<UInt8> & Sendable) async throws -> String {
        try await onThread {
            let connection = try RawConnection(port: server.port)
            try connection.send(bytes)
            return String(decoding: try connection.readToEnd(within: .seconds(20)), as: UTF8.self)
        }
    }

    private static let call = "POST /invoke/echo HTTP/1.1\r\n"

    @Test func `A request that another server could understand in another way is 400, and the connection closes`()
        async throws
    {
        let body = "\r\n\r\n1\r\n7\r\n0\r\n\r\n"
        let host = "Host: localhost\r\n"
        try await Server.with(Self.functions) { server in
            for (request, reason) in [
                (Self.call + "Content-Length: 1\r\n\r\n7", "no Host"),
                (Self.call + host + host + "Content-Length: 1\r\n\r\n7", "more than one Host"),
                (Self.call + host + "host: evil.example\r\nContent-Length: 1\r\n\r\n7", "more than one Host"),
                (Self.call + host + "Origin: http://localhost\r\nOrigin: null\r\nContent-Length: 1\r\n\r\n7", "Origin"),
                ("POST /invoke/echo HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked" + body, "HTTP/1.0"),
                (Self.call + host + "Transfer-Encoding: gzip, chunked" + body, "'chunked'"),
                (Self.call + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" + body, ""),
                (Self.call + host + "Transfer-Encoding: chunked, gzip" + body, ""),
                (Self.call + host + "Transfer-Encoding: identity" + body, ""),
                (Self.call + host + "Transfer-Encoding: chunked\r\nContent-Length: 1" + body, ""),
                (Self.call + host + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n7", ""),
                (Self.call + host + "Content-Length: -1\r\n\r\n7", ""),
                (Self.call + host + "Content-Length: +1\r\n\r\n7", ""),
                (Self.call + host + "Content-Length: 18446744073709551616\r\n\r\n7", ""),
                ("GET /health HTTP/1.1\r\n\r\n", "no Host"),
                ("GET /http/site HTTP/1.1\r\n" + host + host + "\r\n", "more than one Host"),
            ] {
                // What follows must not be taken for a request.
                let answer = try await exchange(
                    server, Array((request + Self.call + host + "Content-Length: 1\r\n\r\n8").utf8))
                #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(request): \(answer)")
                #expect(answer.components(separatedBy: "HTTP/1.1 ").count == 2, "one response: \(request): \(answer)")
                #expect(answer.lowercased().contains("connection: close"), "\(answer)")
                #expect(answer.contains("\"errorType\":\"InvalidRequest\""), "\(answer)")
                #expect(reason.isEmpty || answer.contains(reason), "\(request): \(answer)")
            }
            try await #expect(server.http.invoke("echo", "1").text == "1", "the server goes on")
        }
    }

    @Test func `A fault in a later request comes after the responses to those before it`() async throws {
        try await Server.with(Self.functions) { server in
            let good = Self.call + "Host: localhost\r\nContent-Length: 1\r\n\r\n7"
            let route = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let bad = Self.call + "Content-Length: 1\r\n\r\n8"
            for first in [good + good, route + good, good + route] {
                let answer = try await exchange(server, Array((first + bad + good).utf8))
                let statuses = answer.matches(of: /HTTP\/1\.1 (\d+)/).map { String($0.1) }
                #expect(statuses == ["200", "200", "400"], "\(answer)")
            }
        }
    }

    @Test func `A length beyond every number is refused and does not end the server`() async throws {
        try await Server.with(Self.functions) { server in
            for length in ["9223372036854775807", "9223372036854775808", "18446744073709551615"] {
                for (path, status) in [("/invoke/echo", 413), ("/http/site", 413), ("/nothing", 404), ("/health", 405)]
                {
                    let request = "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(length)\r\n\r\nxx"
                    let answer = try await exchange(server, Array(request.utf8))
                    #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(path) \(length): \(answer)")
                    #expect(answer.lowercased().contains("connection: close"), "\(answer)")
                }
            }
            try await #expect(server.http.invoke("echo", "1").text == "1", "the server goes on")
        }
    }

    @Test func `Extensions of chunks are accepted in small numbers, and bounded`() async throws {
        try await Server.with(Self.functions) { server in
            let head = "Host: localhost\r\nTransfer-Encoding: chunked\r\n"
            let small = Self.call + head + "Connection: close\r\n\r\n1;name=\"value\"\r\n7\r\n0\r\n\r\n"
            try await #expect(exchange(server, Array(small.utf8)).hasSuffix("\r\n\r\n7"))
            let extensions = String(repeating: "x", count: 200 << 10)
            for path in ["/invoke/echo", "/http/site"] {
                for body in ["1;\(extensions)\r\n7\r\n0\r\n\r\n", "1\r\n7\r\n0;\(extensions)\r\n\r\n"] {
                    let answer = try await exchange(
                        server, Array(("POST \(path) HTTP/1.1\r\n" + head + "\r\n" + body).utf8))
                    #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
                    #expect(answer.contains("chunks"), "\(answer)")
                }
            }
            // A path without a function does not wait for the body.
            let missing = try await exchange(
                server, Array(("POST /nothing HTTP/1.1\r\n" + head + "\r\n1;" + extensions).utf8))
            #expect(missing.hasPrefix("HTTP/1.1 404 "), "\(missing)")
            // A body of many small chunks, which have six bytes for each of its own.
            let text = "\"" + String(repeating: "x", count: 100_000) + "\""
            let tiny = text.map { "1\r\n\($0)\r\n" }.joined() + "0\r\n\r\n"
            let answer = try await exchange(server, Array((Self.call + head + "Connection: close\r\n\r\n" + tiny).utf8))
            #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.hasSuffix(text))
        }
    }

    @Test func `A server stops within its grace period even if its log is not read`() async throws {
        try await Workspace.with([
            .js(
                "loud",
                "exports.handler = () => { for (let i = 0; i < 200; i++) console.log('x'.repeat(1000)); return 1 }")
        ]) { workspace in
            // The shell holds both ends of the pipe that it gives the server as standard error.
            let script = """
                mkfifo log; exec 9<>log
                "$0" serve --port 0 --log-level debug 2>&9 &
                trap 'kill -TERM $!' TERM
                echo "pid $!"; wait $!; wait $!; echo "exit $?"
                """
            try await Program.with(
                "bash", ["-c", script, Binaries.faas.path], in: workspace.directory.path,
                environment: Workspace.environment
            ) { program in
                var found: Int?
                try await waitUntil("the server listens") {
                    found = program.output.firstMatch(of: /started on http:\/\/[^ ]*:(\d+)/).flatMap { Int($0.1) }
                    return found != nil
                }
                let port = try #require(found)
                for _ in 0..<5 {
                    let answer = try await RawHTTP.exchange(
                        port: port, RawHTTP.request("POST", "/invoke/loud", body: Array("{}".utf8)))
                    #expect(answer.status == 200, "a full pipe holds up no call")
                }
                let start = ContinuousClock.now
                program.send(SIGTERM)
                try await waitUntil("the server has ended", within: .seconds(15)) {
                    program.output.contains("exit 0")
                }
                #expect(ContinuousClock.now - start < .seconds(12))
            }
        }
    }
}
