import Foundation

/// A connection on which any bytes may be sent. All calls block: use them with ``onThread(_:)``.
public final class RawConnection: Sendable {
    private let socket: Int32

    public init(port: Int) throws {
        socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw TestFailure("no socket: \(String(cString: strerror(errno)))") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else {
            defer { Foundation.close(socket) }
            throw TestFailure("no connection to port \(port): \(String(cString: strerror(errno)))")
        }
    }

    deinit { Foundation.close(socket) }

    /// Sends all bytes. Stops without an error if the other side has closed or answered: its response can then be read.
    public func send(_ bytes: some Collection<UInt8>, within limit: Duration = .seconds(60)) throws {
        let end = ContinuousClock.now + limit
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            let ready = try wait(for: POLLIN | POLLOUT, until: end)
            if ready & POLLIN != 0 { return }
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count < 0 && errno != EAGAIN { return }
            sent += max(0, count)
        }
    }

    /// Waits for readable bytes. Returns false if none arrive in time.
    public func hasAnswer(within limit: Duration) -> Bool {
        (try? wait(for: POLLIN, until: ContinuousClock.now + limit)) != nil
    }

    /// Reads one response, by its length. Throws if it is incomplete or missing.
    public func readAnswer(withoutBody: Bool = false, within limit: Duration = .seconds(60)) throws -> HTTPAnswer {
        let end = ContinuousClock.now + limit
        var received = Data()
        while true {
            if let (answer, length) = try Self.parse(received, withoutBody: withoutBody) {
                guard length == received.count else {
                    throw TestFailure("more than one answer: \(String(decoding: received, as: UTF8.self))")
                }
                return answer
            }
            let more = try read(until: end)
            if more.isEmpty {
                throw TestFailure("the connection was closed after: \(String(decoding: received, as: UTF8.self))")
            }
            received += more
        }
    }

    /// Reads all bytes until the other side closes.
    public func readToEnd(within limit: Duration = .seconds(60)) throws -> Data {
        let end = ContinuousClock.now + limit
        var received = Data()
        while true {
            let more = try read(until: end)
            if more.isEmpty { return received }
            received += more
        }
    }

    /// Reads until what has been received is enough, and returns it.
    public func readText(within limit: Duration = .seconds(60), until isEnough: (String) -> Bool) throws -> String {
        let end = ContinuousClock.now + limit
        var received = Data()
        while true {
            let text = String(decoding: received, as: UTF8.self)
            if isEnough(text) { return text }
            let more = try read(until: end)
            if more.isEmpty { throw TestFailure("the connection was closed after: \(text)") }
            received += more
        }
    }

    private func read(until end: ContinuousClock.Instant) throws -> Data {
        try wait(for: POLLIN, until: end)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(socket, &buffer, buffer.count, 0)
        return Data(buffer[..<max(0, count)])
    }

    @discardableResult
    private func wait(for events: Int32, until end: ContinuousClock.Instant) throws -> Int32 {
        while true {
            let rest = end - ContinuousClock.now
            var entry = pollfd(fd: socket, events: Int16(events), revents: 0)
            let milliseconds = max(
                0, rest.components.seconds * 1000 + rest.components.attoseconds / 1_000_000_000_000_000)
            let count = poll(&entry, 1, Int32(milliseconds))
            if count > 0 { return Int32(entry.revents) }
            if count == 0 { throw TestFailure("nothing was received in time") }
        }
    }

    /// Parses the first response in `bytes`. Returns it and its length, or nil if it is incomplete.
    private static func parse(_ bytes: Data, withoutBody: Bool) throws -> (HTTPAnswer, length: Int)? {
        guard let end = bytes.range(of: Data("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        guard let status = lines[0].split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw TestFailure("no HTTP: \(lines[0])")
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        }
        let length = withoutBody || status == 204 ? 0 : headers["content-length"].flatMap { Int($0) }
        guard let length else { throw TestFailure("an answer without a length: \(lines)") }
        guard bytes.count >= end.upperBound + length else { return nil }
        return (
            HTTPAnswer(status: status, headers: headers, body: Data(bytes[end.upperBound..<end.upperBound + length])),
            end.upperBound + length
        )
    }
}

public enum RawHTTP {
    /// The bytes of a request.
    public static func request(_ method: String, _ path: String, headers: [String] = [], body: [UInt8]? = nil)
        -> [UInt8]
    {
        let length = body.map { ["Content-Length: \($0.count)"] } ?? []
        return Array(
            (["\(method) \(path) HTTP/1.1", "Host: localhost"] + headers + length + ["", ""]).joined(separator: "\r\n")
                .utf8)
            + (body ?? [])
    }

    /// Sends bytes on a new connection and reads one response.
    public static func exchange(port: Int, _ request: [UInt8], withoutBody: Bool = false) async throws -> HTTPAnswer {
        try await onThread {
            let connection = try RawConnection(port: port)
            try connection.send(request)
            return try connection.readAnswer(withoutBody: withoutBody)
        }
    }

    /// A port that is unused at this moment.
    public static func freePort() throws -> Int {
        let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        guard isBound else { throw TestFailure("no free port") }
        return Int(in_port_t(bigEndian: address.sin_port))
    }
}
