import Foundation
import FunctionModel
import TestSupport
import Testing

/// What clients may do with a connection, and what becomes of it.
@Suite(.serialized) struct HTTPConnectionTests {
    private static let sleeps = TestFunction.js(
        "sleeps", "exports.handler = ms => new Promise(resolve => setTimeout(() => resolve('slept'), ms))",
        timeoutMillis: 60_000)

    // MARK: HEAD

    @Test func `An answer to HEAD has no body, and the connection lives on`() async throws {
        try await Server.with([.hello]) { server in
            for (path, status) in [("/health", 200), ("/nothing", 404), ("/invoke/hello", 405), ("/invoke", 405)] {
                let (head, health) = try await onThread {
                    let client = try Client(port: server.port)
                    try client.send(RawHTTP.request("HEAD", path))
                    let head = try client.readHead()
                    try client.send(RawHTTP.request("GET", "/health", headers: ["Connection: close"]))
                    return (head, try client.readToEnd())
                }
                #expect(head.hasPrefix("HTTP/1.1 \(status) "), "\(head)")
                #expect(!head.lowercased().contains("content-length: 0\r\n"), "\(head)")
                #expect(health.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(path): \(health)")
            }
        }
    }

    // MARK: Clients that go

    @Test(arguments: ["js", "python"], ["HTTP/1.1", "HTTP/1.0"])
    func `The call of a client that has gone is ended`(language: String, version: String) async throws {
        try await Server.with([.endless(language, timeoutMillis: 60_000)], arguments: ["--workers-per-function", "1"]) {
            server in
            for withReset in [false, true] {
                let client = try Client(port: server.port)
                try client.send(
                    Array("POST /invoke/endless \(version)\r\nHost: localhost\r\nContent-Length: 4\r\n\r\ntrue".utf8))
                let worker = try await server.waitUntilBusy(language)
                client.close(withReset: withReset)
                try await waitUntilAllEnded([worker])
                try await #expect(server.http.invoke("endless", "false").text == "\"answer\"")
            }
        }
    }

    @Test func `A call that waits for a worker is forgotten when its client has gone`() async throws {
        let function = TestFunction.python(
            "writes", "def handler(path):\n  import time\n  time.sleep(1)\n  print('ran', path)\n  return path",
            timeoutMillis: 60_000)
        try await Server.with([function], arguments: ["--workers-per-function", "1"]) { server in
            async let first = server.http.invoke("writes", "1")
            try await Task.sleep(for: .milliseconds(300))
            let client = try Client(port: server.port)
            try client.send(RawHTTP.request("POST", "/invoke/writes", body: Array("2".utf8)))
            try await Task.sleep(for: .milliseconds(100))
            client.close(withReset: false)
            try await #expect(first.text == "1")
            try await #expect(server.http.invoke("writes", "3").text == "3")
            #expect(server.program.errorOutput.contains("ran 1"))
            #expect(!server.program.errorOutput.contains("ran 2"), "\(server.program.errorOutput)")
        }
    }

    @Test func `A client that only ends its sending has its answer, after a 100 Continue`() async throws {
        try await Server.with([Self.sleeps, .python("large", "def handler(e): return 'x' * 6_000_000")]) { server in
            let slept = try await onThread {
                let client = try Client(port: server.port)
                try client.send(RawHTTP.request("POST", "/invoke/sleeps", body: Array("500".utf8)))
                client.endSending()
                return try client.readToEnd()
            }
            #expect(slept.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "\(slept)")
            #expect(slept.hasSuffix("\r\n\r\n\"slept\""), "\(slept)")
            let large = try await onThread {
                let client = try Client(port: server.port)
                try client.send(RawHTTP.request("POST", "/invoke/large", body: []))
                client.endSending()
                return try client.readToEnd()
            }
            #expect(large.utf8.count > 6_000_000, "all of it: \(large.utf8.count) bytes")
        }
    }

    // MARK: Keeping and closing

    @Test func `Requests that are sent together are answered in order`() async throws {
        try await Server.with(TestFunction.echo + [Self.sleeps]) { server in
            let answers = try await onThread {
                let client = try Client(port: server.port)
                var bytes = RawHTTP.request("POST", "/invoke/sleeps", body: Array("200".utf8))
                for number in 0..<50 {
                    bytes += RawHTTP.request("POST", "/invoke/echo", body: Array("\"<\(number)>\"".utf8))
                }
                bytes += RawHTTP.request("POST", "/nothing", headers: ["Connection: close"], body: Array("{}".utf8))
                try client.send(bytes)
                return try client.readToEnd()
            }
            let order = answers.matches(of: /"<(\d+)>"/).map { String($0.1) }
            #expect(order == (0..<50).map { "\($0)" })
            #expect(answers.contains("\"NotFound\""))
        }
    }

    @Test(arguments: [
        ("HTTP/1.1", ["Connection: close"], "close"), ("HTTP/1.1", ["Connection: Close"], "close"),
        ("HTTP/1.0", [], "close"),
        ("HTTP/1.0", ["Connection: keep-alive"], "keep-alive"), ("HTTP/1.1", [], nil),
        // After it the decoder would read nothing more.
        ("HTTP/1.1", ["Connection: Upgrade", "Upgrade: h2c"], "close"),
    ])
    func `The last answer of a connection says so, and the server closes`(
        version: String, headers: [String], connection: String?
    )
        async throws
    {
        try await Server.with { server in
            let text = try await onThread {
                let client = try Client(port: server.port)
                let head = (["GET /health \(version)", "Host: localhost"] + headers + ["", ""]).joined(
                    separator: "\r\n")
                try client.send(Array(head.utf8))
                if connection == "close" { return try client.readToEnd(within: .seconds(10)) }
                let first = try client.readHead()
                try client.send(RawHTTP.request("GET", "/health", headers: ["Connection: close"]))
                return try first + client.readToEnd(within: .seconds(10))
            }
            let first = text.split(separator: "\r\n\r\n", maxSplits: 1)[0]
            #expect(first.contains("\r\nConnection: close") == (connection == "close"), "\(first)")
            #expect(first.contains("\r\nConnection: keep-alive") == (connection == "keep-alive"), "\(first)")
            #expect(text.hasSuffix("OK"))
        }
    }

    // MARK: 100 Continue

    @Test func `Who expects 100 Continue gets it if the body is wanted, and the final answer if not`() async throws {
        try await Server.with([.js("length", "exports.handler = event => event.length")]) { server in
            let answers = try await onThread {
                let client = try Client(port: server.port)
                var answers: [String] = []
                // Twice on one connection.
                for _ in 0..<2 {
                    try client.send(
                        RawHTTP.request(
                            "POST", "/invoke/length", headers: ["Expect: 100-continue", "Content-Length: 5"]))
                    answers.append(try client.readHead())
                    try client.send(Array("\"xyz\"".utf8))
                    answers.append(try client.readHead())
                    _ = try client.read(count: 1)
                }
                return answers
            }
            #expect(answers[0] == "HTTP/1.1 100 Continue\r\n\r\n")
            #expect(answers[1].hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answers[2] == "HTTP/1.1 100 Continue\r\n\r\n")
            #expect(answers[3].hasPrefix("HTTP/1.1 200 OK\r\n"))
            for (path, length, status) in [
                ("/invoke/length", 7 << 20, 413), ("/invoke/nobody", 5, 404), ("/nothing", 5, 404),
            ] {
                let refused = try await onThread {
                    let client = try Client(port: server.port)
                    try client.send(
                        RawHTTP.request("POST", path, headers: ["Expect: 100-continue", "Content-Length: \(length)"]))
                    return try client.readToEnd(within: .seconds(10))
                }
                #expect(refused.hasPrefix("HTTP/1.1 \(status) "), "\(refused)")
                #expect(refused.contains("\r\nConnection: close\r\n"), "\(refused)")
            }
        }
    }

    @Test func `curl sends five megabytes without waiting`() async throws {
        try await Server.with([.js("length", "exports.handler = event => event.length")]) { server in
            try server.workspace.directory.write(
                "\"" + String(repeating: "x", count: 5_000_000) + "\"", to: "event.json")
            let result = try await Program.run(
                "curl",
                [
                    "--silent", "--show-error", "--expect100-timeout", "20", "-H", "Expect: 100-continue", "-w",
                    " %{time_total}",
                    "--data-binary",
                    "@event.json", "http://127.0.0.1:\(server.port)/invoke/length",
                ], in: server.workspace.directory.path)
            let words = result.output.split(separator: " ")
            try #require(words.count == 2, "\(result.output) \(result.errorOutput)")
            #expect(words[0] == "5000000")
            #expect(Double(words[1])! < 10)
        }
    }

    // MARK: Bytes that are not HTTP

    @Test func `Bytes that are not HTTP get an error response, after the responses to earlier requests`()
        async throws
    {
        let uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/
        try await Server.with([Self.sleeps]) { server in
            for (bytes, status, errorType) in [
                ("POST /invoke/a HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "InvalidRequest"),
                ("POST /invoke/a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "InvalidRequest"),
                (
                    "POST /invoke/a HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
                    "InvalidRequest"
                ),
                ("BREW /pot HTTP/1.1\r\n\r\n", 400, "InvalidRequest"), ("GET\r\n\r\n", 400, "InvalidRequest"),
                ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "InvalidRequest"),
                ("GET / HTTP/1.1\r\nA: \(String(repeating: "x", count: 100_000))\r\n\r\n", 431, "HeadersTooLarge"),
                ("POST /invoke/sleeps HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, "InvalidRequest"),
            ] {
                let answer = try await onThread {
                    let connection = try RawConnection(port: server.port)
                    try connection.send(Array(bytes.utf8))
                    let answer = try connection.readAnswer()
                    guard try connection.readToEnd(within: .seconds(10)).isEmpty else {
                        throw TestFailure("more than one answer")
                    }
                    return answer
                }
                #expect(answer.status == status, "\(bytes.prefix(60)): \(answer.text)")
                #expect(answer.errorType == errorType, "\(answer.text)")
                #expect(answer.headers["x-request-id"]?.wholeMatch(of: uuid) != nil)
                try #expect(answer.json["requestId"]?.stringValue == answer.headers["x-request-id"])
                #expect(answer.headers["connection"] == "close")
                #expect(answer.headers["content-type"] == "application/json")
            }
            let both = try await onThread {
                let client = try Client(port: server.port)
                try client.send(
                    RawHTTP.request("POST", "/invoke/sleeps", body: Array("300".utf8)) + Array("BREW\r\n\r\n".utf8))
                return try client.readToEnd()
            }
            #expect(both.contains("\"slept\"HTTP/1.1 400 Bad Request\r\n"), "\(both)")
        }
    }

    @Test func `A body that goes wrong after its answer has no second one`() async throws {
        try await Server.with { server in
            let text = try await onThread {
                let client = try Client(port: server.port)
                try client.send(Array("POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n1".utf8))
                let head = try client.readHead()
                client.endSending()
                return try head + client.readToEnd()
            }
            #expect(text.matches(of: /HTTP\/1.1/).count == 1, "\(text)")
            #expect(text.hasPrefix("HTTP/1.1 404 "))
        }
    }

    // MARK: Too slow, too much

    @Test func `A body that does not arrive is 408 after ten seconds`() async throws {
        try await Server.with(TestFunction.echo) { server in
            let (answer, time) = try await onThread {
                let connection = try RawConnection(port: server.port)
                let start = ContinuousClock.now
                try connection.send(
                    RawHTTP.request("POST", "/invoke/echo", headers: ["Content-Length: 10"]) + Array("12".utf8))
                let answer = try connection.readAnswer()
                let time = ContinuousClock.now - start
                guard try connection.readToEnd(within: .seconds(10)).isEmpty else {
                    throw TestFailure("something followed")
                }
                return (answer, time)
            }
            #expect(answer.status == 408)
            #expect(answer.errorType == "RequestTimeout", "\(answer.text)")
            #expect(answer.headers["connection"] == "close")
            #expect(time > .seconds(9.9) && time < .seconds(16), "\(time)")
        }
    }

    @Test func `A body that is too large ends its connection, whether it comes or not`() async throws {
        try await Server.with(TestFunction.echo) { server in
            for headers in [["Content-Length: 7000000"], ["Transfer-Encoding: chunked"]] {
                let text = try await onThread {
                    let client = try Client(port: server.port)
                    try client.send(RawHTTP.request("POST", "/invoke/echo", headers: headers))
                    if headers[0].hasPrefix("T") {
                        try client.send(HTTPTests.chunked([UInt8](repeating: 0x31, count: (6 << 20) + 10)).dropLast(5))
                    }
                    return try client.readToEnd(within: .seconds(10))
                }
                #expect(text.hasPrefix("HTTP/1.1 413 "), "\(text)")
                #expect(text.contains("\r\nConnection: close\r\n"), "\(text)")
            }
        }
    }
}

/// A connection that can be ended in one direction, or reset. All calls block but the last two.
private final class Client: Sendable {
    private let socket: Int32

    init(port: Int) throws {
        socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw TestFailure("no connection to port \(port)") }
    }

    /// The descriptor is closed only here, so that its number is not reused before.
    deinit { Foundation.close(socket) }

    func send(_ bytes: some Collection<UInt8>) throws {
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw TestFailure("the server has closed") }
            sent += count
        }
    }

    func read(count: Int, within limit: Duration = .seconds(30)) throws -> String {
        var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, Int32(limit / .milliseconds(1))) == 1 else {
            throw TestFailure("nothing was received in time")
        }
        var buffer = [UInt8](repeating: 0, count: count)
        let received = recv(socket, &buffer, count, 0)
        guard received >= 0 else { throw TestFailure("the connection was reset") }
        return String(decoding: buffer[..<received], as: UTF8.self)
    }

    func readHead() throws -> String {
        var text = ""
        while !text.hasSuffix("\r\n\r\n") {
            let byte = try read(count: 1)
            guard !byte.isEmpty else { throw TestFailure("closed after: \(text)") }
            text += byte
        }
        return text
    }

    func readToEnd(within limit: Duration = .seconds(30)) throws -> String {
        var text = ""
        while true {
            let more = try read(count: 1 << 20, within: limit)
            if more.isEmpty { return text }
            text += more
        }
    }

    func endSending() { shutdown(socket, Int32(SHUT_WR)) }

    /// Closes the connection, though not the descriptor: as the end of a process does, or with a reset.
    func close(withReset: Bool) {
        if withReset {
            var linger = Foundation.linger(l_onoff: 1, l_linger: 0)
            setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Foundation.linger>.size))
        }
        // Another socket takes the number. The connection has no other descriptor, so it ends.
        let other = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        dup2(other, socket)
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        Foundation.close(other)
    }
}
