import Foundation
import Synchronization
import TestSupport

/// What attempts try to reach: a file to read, a folder to change, listeners, a process to signal.
final class Canaries: Sendable {
    let directory: TemporaryDirectory
    let secret = "canary-\(UInt64.random(in: 0 ... .max))"
    let port: Int
    private let listeners: [Int32]
    let victim: RunningProgram

    var secretFile: String { directory.path("secret") }
    var folder: String { directory.path("open") }
    var socketPath: String { directory.path("socket") }
    var socketName: String { "faas-canary-\(port)" }

    static func with<Result>(_ body: (Canaries) async throws -> Result) async throws -> Result {
        try await TemporaryDirectory.with { directory in
            // The script writes a line for each signal. It ends by itself if the test does not end it.
            let script =
                "trap 'echo hit >>\(directory.path("hits"))' USR1 CONT TERM; : >\(directory.path("ready")); for i in "
                + "$(seq 6000); do sleep 0.1; done"
            return try await Program.with("/bin/sh", ["-c", script]) { victim in
                try await waitUntil("the victim runs") { directory.contains("ready") }
                let canaries = try Canaries(directory, victim)
                return try await body(canaries)
            }
        }
    }

    private init(_ directory: TemporaryDirectory, _ victim: RunningProgram) throws {
        self.directory = directory
        self.victim = victim
        try directory.write(secret, to: "secret")
        try directory.write("here", to: "open/there")
        for (name, mode) in [("", 0o755), ("secret", 0o644), ("open", 0o777), ("open/there", 0o666)] {
            chmod(directory.path(name), mode_t(mode))
        }
        let tcp = try Self.listen(AF_INET, SOCK_STREAM, Self.loopback(0))
        port = try Self.port(of: tcp)
        listeners = [
            tcp, try Self.listen(AF_INET, SOCK_DGRAM, Self.loopback(port)),
            try Self.listen(AF_UNIX, SOCK_STREAM, Self.local(directory.path("socket"), isName: false)),
            try Self.listen(AF_UNIX, SOCK_STREAM, Self.local("faas-canary-\(port)", isName: true)),
            try Self.listen(AF_UNIX, SOCK_DGRAM, Self.local(directory.path("socket.datagram"), isName: false)),
        ]
        for name in ["socket", "socket.datagram"] { chmod(directory.path(name), 0o777) }
    }

    deinit { for listener in listeners { close(listener) } }

    // MARK: What has happened

    /// Whether a listener was reached since the last call.
    func wereReached() -> Bool {
        var reached = false
        for listener in listeners {
            var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            while poll(&entry, 1, 50) > 0 {
                reached = true
                let connection = accept(listener, nil, nil)
                if connection >= 0 {
                    close(connection)
                } else {
                    var bytes = [UInt8](repeating: 0, count: 100)
                    recv(listener, &bytes, 100, 0)
                }
            }
        }
        return reached
    }

    /// The state of the open folder: names, contents, modes, times.
    func folderState() -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().map { name in
            var info = stat()
            lstat(folder + "/" + name, &info)
            return "\(name) \(info.st_mode) \(info.st_size) \(info.st_mtim.tv_sec)"
        }
    }

    func resetFolder() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            try FileManager.default.removeItem(atPath: folder + "/" + name)
        }
        try directory.write("here", to: "open/there")
        chmod(directory.path("open/there"), 0o666)
    }

    var victimHits: Int { (try? directory.read("hits").split(separator: "\n").count) ?? 0 }

    // MARK: Sockets

    private static func listen(_ family: Int32, _ type: __socket_type, _ address: [UInt8]) throws -> Int32 {
        let descriptor = socket(family, Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        let bound = address.withUnsafeBytes {
            bind(descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
        guard bound == 0 else { throw TestFailure("bind: \(String(cString: strerror(errno)))") }
        if type == SOCK_STREAM { Foundation.listen(descriptor, 10) }
        return descriptor
    }

    private static func loopback(_ port: Int) -> [UInt8] {
        [UInt8(AF_INET), 0, UInt8(port >> 8), UInt8(port & 255), 127, 0, 0, 1] + [UInt8](repeating: 0, count: 8)
    }

    private static func local(_ name: String, isName: Bool) -> [UInt8] {
        [UInt8(AF_UNIX), 0] + (isName ? [0] : []) + Array(name.utf8) + (isName ? [] : [0])
    }

    private static func port(of socket: Int32) throws -> Int {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
        }
        guard result == 0 else { throw TestFailure("getsockname") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
