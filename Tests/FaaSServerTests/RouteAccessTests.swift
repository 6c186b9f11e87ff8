import Access
import DataPlane
import FunctionModel
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOEmbedded
import Telemetry
import Testing

@testable import ControlPlane
@testable import FunctionService

/// Which routes a caller may use, without a socket.
@Suite struct RouteAccessTests {
    private static let health = ServiceHealth(
        workers: 0, idleWorkers: 0, retiredWorkers: 0, retiredWorkerCounts: [:], evictedReadyWorkers: 0,
        invocationsEndedForMemory: 0, sandbox: "off", controlGroups: .init(name: "", state: "", detail: ""),
        languages: [], memoryBytes: 0, memoryLimit: 0, functionsInMemory: 0, pool: PoolUse())
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func status(
        _ access: AccessControl, _ method: HTTPRequest.Method, _ path: String, _ authorization: String? = nil,
        address: String = "127.0.0.1"
    ) async throws -> Int {
        let channel = EmbeddedChannel()
        try await channel.connect(to: SocketAddress(ipAddress: address, port: 1)).get()
        var head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: path)
        head.headerFields[.authorization] = authorization
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer()))
        let context = FunctionRequestContext(source: .init(channel: channel, logger: logger))
        let response = try await Routes(health: { health }, access: access, logger: logger).router().buildResponder()
            .respond(to: request, context: context)
        return response.status.code
    }

    @Test func `Health is open, its report needs a scope, and everything else a token`() async throws {
        let (token, secret) = try Token.make(name: "a", scopes: [.read], lifetimeSeconds: nil, now: 0)
        let (other, otherSecret) = try Token.make(name: "b", scopes: [.deploy], lifetimeSeconds: nil, now: 0)
        let access = AccessControl(tokens: [token, other])
        let (reader, deployer) = ("Bearer \(secret.text)", "Bearer \(otherSecret.text)")
        #expect(try await Self.status(access, .get, "/health") == 200)
        #expect(try await Self.status(access, .post, "/health") == 405)
        #expect(try await Self.status(access, .get, "/health?verbose") == 401)
        #expect(try await Self.status(access, .get, "/health?verbose", deployer) == 403)
        #expect(try await Self.status(access, .get, "/health?verbose", reader) == 200)
        for path in ["/", "/nothing", "/invoke/hello", "/invoke", "/%68ealth/x"] {
            #expect(try await Self.status(access, .get, path) == 401, "\(path)")
            #expect(try await Self.status(access, .get, path, "Bearer wrong") == 401, "\(path)")
        }
        #expect(try await Self.status(access, .get, "/nothing", reader) == 404)
        #expect(try await Self.status(access, .get, "/invoke/hello", reader) == 405)
        #expect(try await Self.status(access, .post, "/invoke", reader) == 403)
    }

    @Test func `Without tokens, programs on this machine may use every route, and others none`() async throws {
        let access = AccessControl()
        #expect(try await Self.status(access, .get, "/health?verbose") == 200)
        #expect(try await Self.status(access, .get, "/nothing") == 404)
        #expect(try await Self.status(access, .get, "/health", address: "10.0.0.1") == 200)
        #expect(try await Self.status(access, .get, "/health?verbose", address: "10.0.0.1") == 401)
        #expect(try await Self.status(access, .get, "/nothing", address: "10.0.0.1") == 401)
    }
}
