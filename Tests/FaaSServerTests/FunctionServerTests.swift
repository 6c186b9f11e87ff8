import FileStorage
import Foundation
import FunctionModel
import FunctionService
import Logging
import NIOCore
import PolyglotFaaS
import TestSupport
import Testing

@testable import FaaSServer

@Suite(.serialized) struct FunctionServerTests {
    private func withServer<Result: Sendable>(
        _ change: (inout FunctionServer.Configuration) -> Void = { _ in },
        _ body: @escaping @Sendable (Int) async throws -> Result
    ) async throws -> Result {
        var configuration = FunctionServer.Configuration()
        configuration.port = 0
        change(&configuration)
        return try await running(Self.server(configuration), body)
    }
    private static func server(_ configuration: FunctionServer.Configuration) -> FunctionServer {
        var limits = FunctionRuntime.Configuration()
        limits.workerDirectory = "/nowhere"
        limits.spareWorkersPerLanguage = 0
        return FunctionServer(
            configuration: configuration,
            service: FunctionService(
                repository: FileFunctionRepository(dataDirectory: "/nowhere"),
                artifacts: FileArtifactStore(dataDirectory: "/nowhere"), configuration: limits),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test(arguments: [Int.min, -1, 0, 1, 1 << 31, 1 << 53, .max])
    func `A server takes any numbers`(number: Int) async throws {
        var configuration = FunctionServer.Configuration()
        configuration.port = number
        #expect((0...65535).contains(configuration.clamped().port))
        try await withServer {
            $0.defaultTimeoutMillis = number
            $0.maximumEventBytes = number
            $0.shutdownGraceSeconds = number
            $0.maximumConnections = number
        } _: { port in
            let status = try await onThread {
                let connection = try RawConnection(port: port)
                try connection.send(RawHTTP.request("GET", "/health"))
                return try connection.readAnswer().status
            }
            #expect(status == 200)
        }
    }

    @Test func `A connection beyond the limit gets 503 and is closed, and a free place is used again`() async throws {
        try await withServer {
            $0.maximumConnections = 3
        } _: { port in
            try await onThread {
                let health = RawHTTP.request("GET", "/health")
                var connections: [RawConnection] = []
                for _ in 0..<3 {
                    let connection = try RawConnection(port: port)
                    try connection.send(health)
                    try #expect(connection.readAnswer().status == 200)
                    connections.append(connection)
                }
                for _ in 0..<5 {
                    let refused = try RawConnection(port: port)
                    try refused.send(health)
                    let answer = try refused.readAnswer()
                    #expect(answer.status == 503)
                    let json = try JSONValue(json: Array(answer.body))
                    #expect(json["errorType"]?.stringValue == "Overloaded")
                    #expect(json["error"]?.stringValue?.contains("3 connections") == true)
                    #expect(answer.headers["retry-after"] == "1")
                    #expect(answer.headers["connection"] == "close")
                    #expect(json["requestId"]?.stringValue == answer.headers["x-request-id"])
                    try #expect(refused.readToEnd().isEmpty)
                }
                try connections[0].send(health)
                try #expect(connections[0].readAnswer().status == 200, "the others are not affected")
                connections.removeAll()
                let end = ContinuousClock.now + .seconds(20)
                while true {
                    let next = try RawConnection(port: port)
                    try next.send(health)
                    if try next.readAnswer().status == 200 { return }
                    guard ContinuousClock.now < end else { throw TestFailure("no place became free") }
                }
            }
        }
    }

    @Test func `With very many refusals connections are closed at once, and the server serves on`() async throws {
        try await withServer {
            $0.maximumConnections = 1
        } _: { port in
            try await onThread {
                let first = try RawConnection(port: port)
                try first.send(RawHTTP.request("GET", "/health"))
                try #expect(first.readAnswer().status == 200)
                let flood = try (0..<ConnectionLimit.maximumRefusals * 3).map { _ in try RawConnection(port: port) }
                for connection in flood { _ = connection.hasAnswer(within: .seconds(20)) }
                try first.send(RawHTTP.request("GET", "/health"))
                try #expect(first.readAnswer().status == 200)
            }
        }
    }

    @Test func `A taken port is a sentence`() async throws {
        let port = try await withServer { port in
            var configuration = FunctionServer.Configuration()
            configuration.port = port
            let error = await #expect(throws: ListenFailure.self) { try await Self.server(configuration).run() }
            #expect(error?.message.hasPrefix("The address 127.0.0.1:\(port) is in use.") == true)
            return port
        }
        #expect(port > 0)
    }

    @Test func `A host name that does not exist, and an address of another machine, are sentences`() async throws {
        for (host, sentence) in [
            ("no-such-host.invalid", "The host name 'no-such-host.invalid' cannot be resolved."),
            ("192.0.2.1", "The address 192.0.2.1 does not belong to this machine."),
        ] {
            var configuration = FunctionServer.Configuration()
            configuration.host = host
            configuration.isInsecure = true
            configuration.port = 0
            let error = await #expect(throws: ListenFailure.self) { try await Self.server(configuration).run() }
            #expect(error?.message == sentence)
        }
    }

    @Test(arguments: [
        (EADDRINUSE, "is in use"), (EACCES, "needs a privilege"), (EADDRNOTAVAIL, "does not belong to this machine"),
        (EMFILE, "Too many files"), (EIO, "cannot listen on a:1: Input/output error"),
    ])
    func `A failure to listen is told without names of functions`(code: Int32, text: String) {
        let failure = ListenFailure(IOError(errnoCode: code, reason: "bind(descriptor:ptr:bytes:)"), host: "a", port: 1)
        #expect(failure?.message.contains(text) == true)
        #expect(failure?.message.contains("descriptor") == false)
        #expect(ListenFailure(TestFailure("x"), host: "a", port: 1) == nil)
    }
}

/// Runs a server in this process, on a free port, while `body` runs.
func running<Result: Sendable>(
    _ server: FunctionServer, _ body: @escaping @Sendable (Int) async throws -> Result
) async throws -> Result {
    let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
    let running = Task {
        defer { continuation.finish() }
        try await server.run { continuation.yield($0) }
    }
    defer { running.cancel() }
    var port: Int?
    for await found in ports {
        port = found
        break
    }
    guard let port else {
        try await running.value
        throw TestFailure("the server ended at once")
    }
    let result = try await body(port)
    running.cancel()
    try await running.value
    return result
}
