import Access
import FunctionModel
import HostMemory
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Synchronization
import Testing

@testable import DataPlane

/// The fast path with a fake service, without sockets or threads.
@Suite struct InvokeHandlerTests {
    /// A service whose lookups and calls end when the test says so.
    private final class FakeService: InvocationService {
        let memory = ByteBudget(limit: 100 << 20)
        let function: Function
        private let state = Mutex(State())

        struct State {
            var lookups: [@Sendable (Result<Function, any Error>) -> Void] = []
            var answersAtOnce: Result<ByteBuffer, any Error>?
            var resolvesLater = false
            var calls: [FakeCall] = []
        }

        init(response: ResponseShape = .json) throws {
            var definition = FunctionDefinition(language: try Language(id: "js"), sourceCode: "")
            definition.response = response
            function = Function(id: try FunctionID("hello"), revision: "1", definition: definition)
        }

        func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

        var calls: [FakeCall] { state.withLock { $0.calls } }

        func resolve(
            _ reference: FunctionReference, on eventLoop: any EventLoop,
            _ completion: @escaping @Sendable (Result<Function, any Error>) -> Void
        ) {
            let isLater = state.withLock { state in
                if state.resolvesLater { state.lookups.append(completion) }
                return state.resolvesLater
            }
            if !isLater { completion(.success(function)) }
        }

        func finishLookups() {
            let lookups = state.withLock { state in
                defer { state.lookups = [] }
                return state.lookups
            }
            for lookup in lookups { lookup(.success(function)) }
        }

        func invocation(of function: Function, event: ByteBuffer, requestID: String, timeoutMillis: Int?)
            -> any InvocationHandle
        {
            state.withLock { state in
                let call = FakeCall(event: event, answer: state.answersAtOnce, memory: memory)
                state.calls.append(call)
                return call
            }
        }
    }

    private final class FakeCall: InvocationHandle {
        let event: ByteBuffer
        private let answer: Result<ByteBuffer, any Error>?
        private let memory: ByteBudget
        private let state = Mutex(State())

        private struct State {
            var completion: (@Sendable (Result<ByteBuffer, any Error>) -> Void)?
            var reservedBytes = 0
            var cancels = 0
        }

        init(event: ByteBuffer, answer: Result<ByteBuffer, any Error>?, memory: ByteBudget) {
            self.event = event
            self.answer = answer
            self.memory = memory
        }

        var cancels: Int { state.withLock { $0.cancels } }

        func start(reservedBytes: Int, _ completion: @escaping @Sendable (Result<ByteBuffer, any Error>) -> Void) {
            state.withLock { state in
                state.completion = completion
                state.reservedBytes = reservedBytes
            }
            if let answer { end(answer) }
        }

        func cancel() { state.withLock { $0.cancels += 1 } }

        func end(_ result: Result<ByteBuffer, any Error>) {
            let (completion, bytes) = state.withLock { ($0.completion, $0.reservedBytes) }
            memory.release(bytes)
            completion?(result)
        }
    }

    /// Work given to another thread. It runs when the test says so.
    private final class OtherThread: Sendable {
        private let work = Mutex<[@Sendable () -> Void]>([])

        var count: Int { work.withLock { $0.count } }

        func add(_ item: @escaping @Sendable () -> Void) { work.withLock { $0.append(item) } }

        func runAll() {
            let items = work.withLock { work in
                defer { work = [] }
                return work
            }
            for item in items { item() }
        }
    }

    private let service: FakeService
    private let channel = EmbeddedChannel()
    private let otherThread = OtherThread()

    init() throws {
        service = try FakeService(response: .http)
        let handler = InvokeHandler(
            service: service, gate: Gate(), access: AccessControl(isOpen: true),
            configuration: .init(defaultTimeoutMillis: 0, maximumEventBytes: 6 << 20, largestEventBytes: 63 << 20),
            offload: { [otherThread] work in otherThread.add(work) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try channel.pipeline.syncOperations.addHandlers([ClientConnectionHandler(), handler])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    private func send(_ uri: String, body: Int = 0) throws {
        try channel.writeInbound(
            HTTPServerRequestPart.head(
                HTTPRequestHead(
                    version: .http1_1, method: .POST, uri: uri,
                    headers: ["Host": "localhost", "Content-Length": "\(body)"])))
        if body > 0 {
            try channel.writeInbound(HTTPServerRequestPart.body(ByteBuffer(repeating: 0x61, count: body)))
        }
        try channel.writeInbound(HTTPServerRequestPart.end(nil))
    }

    /// The responses so far: status and size of the body.
    private func responses() throws -> [(status: UInt, bytes: ByteBuffer)] {
        channel.embeddedEventLoop.run()
        var found: [(status: UInt, bytes: ByteBuffer)] = []
        while let part = try channel.readOutbound(as: HTTPServerResponsePart.self) {
            switch part {
            case .head(let head): found.append((head.status.code, ByteBuffer()))
            case .body(.byteBuffer(let bytes)): found[found.count - 1].bytes.writeImmutableBuffer(bytes)
            default: break
            }
        }
        return found
    }

    // MARK: Access

    /// A channel whose server has one token.
    private func protectedChannel() throws -> (channel: EmbeddedChannel, bearer: String) {
        let (token, secret) = try Token.make(name: "test", scopes: [.invoke], lifetimeSeconds: nil, now: 0)
        let channel = EmbeddedChannel()
        let handler = InvokeHandler(
            service: service, gate: Gate(), access: AccessControl(tokens: [token]),
            configuration: .init(defaultTimeoutMillis: 0, maximumEventBytes: 6 << 20, largestEventBytes: 63 << 20),
            offload: { [otherThread] work in otherThread.add(work) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try channel.pipeline.syncOperations.addHandlers([ClientConnectionHandler(), handler])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return (channel, "Bearer \(secret.text)")
    }

    private func call(_ channel: EmbeddedChannel, _ headers: HTTPHeaders = [:]) throws {
        var all: HTTPHeaders = ["Host": "localhost", "Content-Length": "2"]
        all.add(contentsOf: headers)
        let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/http/hello/", headers: all)
        try channel.writeInbound(HTTPServerRequestPart.head(head))
        try channel.writeInbound(HTTPServerRequestPart.body(ByteBuffer(string: "{}")))
        try channel.writeInbound(HTTPServerRequestPart.end(nil))
    }

    private func statuses(_ channel: EmbeddedChannel) throws -> [UInt] {
        channel.embeddedEventLoop.run()
        var found: [UInt] = []
        while let part = try channel.readOutbound(as: HTTPServerResponsePart.self) {
            if case .head(let head) = part { found.append(head.status.code) }
        }
        return found
    }

    @Test func `A refusal comes at its time, however long the function was looked up`() throws {
        let (channel, bearer) = try protectedChannel()
        service.change { $0.answersAtOnce = .success(ByteBuffer(string: "1")) }
        for lookupMillis: Int64 in [0, 40, 99] {
            service.change { $0.resolvesLater = true }
            try call(channel)
            channel.embeddedEventLoop.advanceTime(by: .milliseconds(lookupMillis))
            service.finishLookups()
            channel.embeddedEventLoop.advanceTime(by: .milliseconds(99 - lookupMillis))
            try #expect(statuses(channel) == [], "after \(lookupMillis) ms")
            channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
            try #expect(statuses(channel) == [401])
        }
        // A slow one comes at the next multiple.
        try call(channel)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(130))
        service.finishLookups()
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(69))
        try #expect(statuses(channel) == [])
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        try #expect(statuses(channel) == [401])

        service.change { $0.resolvesLater = false }
        try call(channel, ["Authorization": bearer])
        try #expect(statuses(channel) == [200], "a token is not slowed down by others' attempts")
        #expect(service.calls.count == 1)
    }

    @Test func `What comes behind a refused call waits for its refusal`() throws {
        let (channel, bearer) = try protectedChannel()
        service.change { $0.answersAtOnce = .success(ByteBuffer(string: "1")) }
        try call(channel)
        try call(channel, ["Authorization": bearer])
        try #expect(statuses(channel) == [])
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(100))
        try #expect(statuses(channel) == [401, 200])
    }

    @Test func `A function does not see the token of its caller, and sees other credentials`() throws {
        let (channel, bearer) = try protectedChannel()
        service.change { $0.answersAtOnce = .success(ByteBuffer(string: "1")) }
        try call(
            channel,
            [
                "Authorization": bearer, "X-Other": "seen", "X-Forwarded-For": "claimed", "Forwarded": "for=claimed",
                "X-Real-IP": "claimed",
            ])
        let event = String(buffer: try #require(service.calls.last).event)
        #expect(event.contains("seen"))
        #expect(!event.lowercased().contains("authorization") && !event.contains("faas_"))
        #expect(!event.contains("claimed"), "a peer that is not a trusted proxy does not say who the client is")

        try send("/http/hello/")
        #expect(service.calls.count == 2, "the open server")
        try call(self.channel, ["Authorization": "Basic YTpi"])
        #expect(String(buffer: try #require(service.calls.last).event).contains("Basic YTpi"))
    }

    @Test(arguments: [
        ("", "{\"direct\":true}"), ("{}", "{\"direct\":true}"), (" { } ", " { \"direct\":true}"),
        ("{\"a\":1}\n", "{\"a\":1,\"direct\":true}"),
        ("{\"direct\":false}", "{\"direct\":false,\"direct\":true}"), ("[{}]", "[{}]"), ("\"{}\"", "\"{}\""),
        ("null", "null"), ("{", "{"), ("}", "}"), ("{\"a\":\"}", "{\"a\":\",\"direct\":true}"),
    ])
    func `An event that its caller has written is marked for a function that answers HTTP`(
        event: String, marked: String
    ) throws {
        #expect(String(buffer: DirectEvent.mark(ByteBuffer(string: event))) == marked)
        let original = ByteBuffer(string: event)
        _ = DirectEvent.mark(original)
        #expect(String(buffer: original) == event)
    }

    @Test func `A small event is made on the event loop, a large one on another thread`() throws {
        service.change { $0.answersAtOnce = .success(ByteBuffer(string: "1")) }
        try send("/http/hello/small", body: 1000)
        #expect(service.calls.count == 1)
        #expect(otherThread.count == 0)
        try #expect(responses().map(\.status) == [200])

        try send("/http/hello/large", body: 5 << 20)
        try send("/invoke/hello", body: 2)
        channel.embeddedEventLoop.run()
        #expect(otherThread.count == 1)
        #expect(service.calls.count == 1, "the call, and what came behind it, wait")
        #expect(service.memory.used >= 15 << 20, "the body and its JSON are reserved")
        otherThread.runAll()
        try #expect(responses().map(\.status) == [200, 200], "in order")
        #expect(service.calls.count == 3)
        #expect(service.calls[1].event.readableBytes > 5 << 20)
        #expect(service.memory.used == 0)
    }

    @Test func `A request without a body is an event too, where the request is the event`() throws {
        try send("/http/hello/a?b=c")
        try send("/invoke/hello")
        let event = try JSONValue(json: Array(#require(service.calls.first).event.readableBytesView))
        #expect(event["rawPath"]?.stringValue == "/a")
        #expect(event["rawQueryString"]?.stringValue == "b=c")
        #expect(event["isBase64Encoded"]?.boolValue == false)
    }

    @Test func `A large result of a function that answers HTTP is read on another thread`() throws {
        try send("/http/hello/")
        let body = String(repeating: "x", count: 1 << 20)
        service.calls[0].end(.success(ByteBuffer(string: #"{"statusCode":201,"body":"\#(body)"}"#)))
        try #expect(responses().isEmpty)
        #expect(otherThread.count == 1)
        otherThread.runAll()
        let found = try responses()
        #expect(found.map(\.status) == [201])
        #expect(found.first?.bytes.readableBytes == 1 << 20)
        #expect(service.memory.used == 0)
    }

    @Test func `A large result of invoke needs no other thread`() throws {
        try send("/invoke/hello", body: 2)
        service.calls[0].end(.success(ByteBuffer(repeating: 0x31, count: 1 << 20)))
        try #expect(responses().map(\.status) == [200])
        #expect(otherThread.count == 0)
        #expect(service.memory.used == 0)
    }

    @Test func `A result that is not a response is 502`() throws {
        try send("/http/hello/")
        service.calls[0].end(.success(ByteBuffer(string: #"{"statusCode":1}"#)))
        let found = try responses()
        #expect(found.map(\.status) == [502])
        #expect(found.first.map { String(buffer: $0.bytes) }?.contains(#""errorOrigin":"host""#) == true)
    }

    @Test func `A lookup may end later`() throws {
        service.change {
            $0.resolvesLater = true
            $0.answersAtOnce = .success(ByteBuffer(string: "1"))
        }
        try send("/invoke/hello", body: 10)
        try send("/invoke/hello", body: 20)
        #expect(service.calls.isEmpty)
        service.finishLookups()
        #expect(service.calls.map(\.event.readableBytes) == [10])
        service.finishLookups()
        #expect(service.calls.map(\.event.readableBytes) == [10, 20])
        try #expect(responses().map(\.status) == [200, 200])
        #expect(service.memory.used == 0)
    }

    @Test func `A client that disconnects cancels its call once`() throws {
        try send("/invoke/hello", body: 10)
        try channel.close().wait()
        #expect(service.calls[0].cancels == 1)
        #expect(service.memory.used == 10)
        service.calls[0].end(.failure(CancellationError()))
        channel.embeddedEventLoop.run()
        #expect(service.memory.used == 0)
    }

    @Test func `A client that disconnects while its event is made starts no call`() throws {
        try send("/http/hello/", body: 1 << 20)
        try channel.close().wait()
        otherThread.runAll()
        channel.embeddedEventLoop.run()
        #expect(service.calls.isEmpty)
        #expect(service.memory.used == 0)
    }

    @Test func `A client that disconnects while its response is read gets none, and the memory is released`() throws {
        try send("/http/hello/")
        service.calls[0].end(.success(ByteBuffer(string: #"{"body":"\#(String(repeating: "x", count: 1 << 20))"}"#)))
        channel.embeddedEventLoop.run()
        try channel.close().wait()
        otherThread.runAll()
        channel.embeddedEventLoop.run()
        #expect(service.memory.used == 0)
    }

    @Test func `A request without memory is 503 with Retry-After, and the next one is served`() throws {
        let taken = (100 << 20) - 1000
        #expect(service.memory.reserve(taken))
        try send("/invoke/hello", body: 2000)
        var head: HTTPResponseHead?
        while let part = try channel.readOutbound(as: HTTPServerResponsePart.self) {
            if case .head(let found) = part { head = found }
        }
        #expect(head?.status.code == 503)
        #expect(head?.headers["Retry-After"] == ["1"])
        #expect(service.memory.used == taken)
        service.memory.release(taken)
        service.change { $0.answersAtOnce = .success(ByteBuffer(string: "1")) }
        try send("/invoke/hello", body: 2000)
        try #expect(responses().map(\.status) == [200])
    }

    @Test func `Thousands of requests sent together that end at once do not nest`() throws {
        service.change { $0.resolvesLater = true }
        service.change { $0.answersAtOnce = .failure(ShuttingDown()) }
        for _ in 0..<5000 { try send("/invoke/hello") }
        service.change { $0.resolvesLater = false }
        service.finishLookups()
        try #expect(responses().map(\.status) == Array(repeating: 503, count: 5000))
    }
}
