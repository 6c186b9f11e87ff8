import Access
import FunctionModel
import HostMemory
import NIOCore
import NIOHTTP1
import Testing

@testable import DataPlane

/// The order of requests on a connection, without one.
@Suite struct RequestSequenceTests {
    private let memory = ByteBudget(limit: 10_000)
    private var sequence: RequestSequence

    init() {
        sequence = RequestSequence(
            gate: Gate(), maximumEventBytes: 1000, largestEventBytes: 5000, memory: memory)
    }

    private static func function(
        maxEventBytes: Int? = nil, response: ResponseShape = .json, access: FunctionAccess = .private
    ) throws -> Function {
        var definition = FunctionDefinition(language: try Language(id: "js"), sourceCode: "")
        definition.access = access
        definition.limits.maxEventBytes = maxEventBytes
        definition.response = response
        return Function(id: try FunctionID("hello"), revision: "1", definition: definition)
    }

    private static func head(_ uri: String = "/invoke/hello", _ headers: HTTPHeaders = [:]) -> RequestSequence.Input {
        .part(.head(HTTPRequestHead(version: .http1_1, method: .POST, uri: uri, headers: headers)))
    }

    private static func body(_ count: Int) -> RequestSequence.Input {
        .part(.body(ByteBuffer(repeating: 0x31, count: count)))
    }

    private static var end: RequestSequence.Input { .part(.end(nil)) }

    /// An action in words, for comparison.
    private static func text(_ action: RequestSequence.Action?) -> String {
        switch action {
        case nil: "nil"
        case RequestSequence.Action.none?: "none"
        case .pass(.part(.head(let head))): "pass \(head.uri)"
        case .pass(.part(.body)): "pass body"
        case .pass(.part(.end)): "pass end"
        case .pass(.error): "pass error"
        case .pass(.event): "pass event"
        case .resolve(let id): "resolve \(id)"
        case .wantBody: "want body"
        case .run(_, _, let body): "run \(body.readableBytes)"
        case .allow: "allow"
        case .refuse(_, let error as any FunctionError): "refuse \(error.errorType)"
        case .refuse(_, let error): "refuse \(type(of: error))"
        case .deny(_, let denial): "deny \(denial.error.errorType)"
        }
    }

    private mutating func arrive(_ input: RequestSequence.Input) -> String { Self.text(sequence.arrived(input)) }
    private mutating func next() -> String { Self.text(sequence.next()) }

    private mutating func resolve(maxEventBytes: Int? = nil) throws -> String {
        Self.text(sequence.resolved(.success(try Self.function(maxEventBytes: maxEventBytes))))
    }

    private mutating func startCall(bytes: Int = 2) throws {
        #expect(arrive(Self.head("/invoke/hello", ["Content-Length": "\(bytes)"])) == "resolve hello")
        try #expect(resolve() == "none")
        #expect(arrive(Self.body(bytes)) == "none")
        #expect(arrive(Self.end) == "run \(bytes)")
    }

    // MARK: Order

    @Test mutating func `A call runs when its body is whole`() throws {
        try startCall()
        #expect(sequence.ended() == true)
        try startCall()
        #expect(sequence.ended() == true)
    }

    @Test mutating func `A body in pieces arrives whole`() throws {
        _ = arrive(Self.head("/invoke/hello", ["Transfer-Encoding": "chunked"]))
        _ = try resolve()
        for _ in 0..<5 { #expect(arrive(Self.body(7)) == "none") }
        #expect(arrive(Self.end) == "run 35")
    }

    @Test mutating func `A body in many parts is not copied for each of them`() throws {
        sequence = RequestSequence(
            gate: Gate(), maximumEventBytes: 1 << 20, largestEventBytes: 1 << 20, memory: ByteBudget(limit: 1 << 20))
        #expect(arrive(Self.head()) == "resolve hello")
        try #expect(resolve() == "none")
        var places: Set<UnsafeRawPointer?> = []
        var moves = 0
        for _ in 0..<20_000 {
            #expect(arrive(Self.body(3)) == "none")
            let place = sequence.body.withVeryUnsafeBytes { UnsafeRawPointer($0.baseAddress) }
            if places.insert(place).inserted { moves += 1 }
        }
        // The buffer doubles when it is full.
        #expect(moves < 32)
        #expect(arrive(Self.end) == "run 60000")
    }

    @Test mutating func `An announced body reserves a part of its length, and the rest as it arrives`() throws {
        let budget = ByteBudget(limit: 64 << 20)
        sequence = RequestSequence(
            gate: Gate(), maximumEventBytes: 8 << 20, largestEventBytes: 8 << 20, memory: budget)
        #expect(arrive(Self.head("/invoke/hello", ["Content-Length": "\(4 << 20)"])) == "resolve hello")
        try #expect(resolve() == "none")
        #expect(budget.used == 1 << 20)
        for _ in 0..<4 { #expect(arrive(Self.body(1 << 20)) == "none") }
        #expect(budget.used == 4 << 20)
    }

    @Test mutating func `Everything behind a call in progress is held, in order`() throws {
        try startCall()
        for input in [Self.head("/a"), Self.end, Self.head(), Self.end] { #expect(arrive(input) == "none") }
        #expect(arrive(.error(HTTPParserError.invalidMethod)) == "none")
        #expect(next() == "nil")
        #expect(sequence.ended() == true)
        #expect(next() == "pass /a")
        #expect(next() == "pass end")
        #expect(next() == "nil", "the call waits for the router's response")
        sequence.routerResponseEnded()
        #expect(next() == "resolve hello")
        #expect(next() == "nil")
        try #expect(resolve() == "none")
        #expect(next() == "run 0")
        #expect(next() == "nil")
        #expect(sequence.ended() == true)
        #expect(next() == "pass error")
    }

    @Test mutating func `The parts of a request whose function is looked up are held`() throws {
        _ = arrive(Self.head("/invoke/hello", ["Content-Length": "3"]))
        #expect(arrive(Self.body(3)) == "none")
        #expect(arrive(Self.end) == "none")
        #expect(arrive(Self.head("/a")) == "none")
        #expect(next() == "nil")
        try #expect(resolve() == "none")
        #expect(next() == "none")
        #expect(next() == "run 3")
        #expect(next() == "nil")
    }

    @Test mutating func `A router's request behind another of the router's is not held`() {
        #expect(arrive(Self.head("/a")) == "pass /a")
        #expect(arrive(Self.end) == "pass end")
        #expect(arrive(Self.head("/b")) == "pass /b")
        #expect(arrive(Self.end) == "pass end")
        #expect(arrive(Self.head()) == "none", "a call is")
        sequence.routerResponseEnded()
        #expect(next() == "nil")
        sequence.routerResponseEnded()
        #expect(next() == "resolve hello")
    }

    @Test mutating func `A connection with much held input is read no further until it has been taken in`() throws {
        try startCall()
        #expect(sequence.mayRead() == true)
        for _ in 0..<RequestSequence.heldLimit / 2 {
            _ = arrive(Self.head("/a"))
            _ = arrive(Self.end)
        }
        #expect(sequence.mayRead() == false)
        #expect(sequence.resumesReading() == false)
        #expect(sequence.ended() == true)
        while next() != "nil" {}
        #expect(sequence.resumesReading() == true)
        #expect(sequence.resumesReading() == false, "once")
    }

    @Test mutating func `A client that does not read its responses starts no further call`() throws {
        try startCall()
        sequence.writabilityChanged(false)
        #expect(sequence.ended() == true)
        #expect(arrive(Self.head()) == "none")
        #expect(next() == "nil")
        sequence.writabilityChanged(true)
        #expect(next() == "resolve hello")
    }

    // MARK: Refusals

    @Test mutating func `A refused request is read to its end, and the next one is served`() throws {
        #expect(arrive(Self.head("/invoke/%")) == "refuse InvalidRequest")
        #expect(arrive(Self.body(1)) == "none")
        #expect(arrive(Self.end) == "none")
        _ = arrive(Self.head("/invoke/hello"))
        #expect(Self.text(sequence.resolved(.failure(FunctionNotFound(id: "hello")))) == "refuse FunctionNotFound")
        #expect(arrive(Self.end) == "none")
        try startCall()
    }

    @Test mutating func `A function that does not answer HTTP is not called by http`() throws {
        _ = arrive(Self.head("/http/hello/"))
        try #expect(resolve() == "refuse InvalidRequest")
        _ = arrive(Self.end)
        _ = arrive(Self.head("/http/hello/"))
        try #expect(Self.text(sequence.resolved(.success(Self.function(response: .http)))) == "none")
    }

    @Test(arguments: [(1000, nil, true), (1001, nil, false), (1001, 2000, true), (11, 10, false), (5001, 9000, false)])
    mutating func `A function's own limit replaces the server's, up to what a worker takes`(
        length: Int, own: Int?, isAccepted: Bool
    ) throws {
        _ = arrive(Self.head("/invoke/hello", ["Content-Length": "\(length)"]))
        try #expect(resolve(maxEventBytes: own) == (isAccepted ? "none" : "refuse PayloadTooLarge"))
        _ = sequence.disconnected()
        #expect(memory.used == 0)
    }

    @Test mutating func `A chunked body is refused when it passes the limit`() throws {
        _ = arrive(Self.head("/invoke/hello", ["Transfer-Encoding": "chunked"]))
        _ = try resolve()
        #expect(arrive(Self.body(1000)) == "none")
        #expect(memory.used == 1000)
        #expect(arrive(Self.body(1)) == "refuse PayloadTooLarge")
        #expect(memory.used == 0)
        #expect(arrive(Self.body(1)) == "none")
        #expect(arrive(Self.end) == "none")
    }

    @Test mutating func `100 Continue is asked for when the body is admitted, and not before`() throws {
        _ = arrive(Self.head("/invoke/hello", ["Content-Length": "9", "Expect": "100-continue"]))
        try #expect(resolve() == "want body")
        _ = sequence.disconnected()
        var other = RequestSequence(gate: Gate(), maximumEventBytes: 1, largestEventBytes: 1, memory: memory)
        _ = other.arrived(Self.head("/invoke/hello", ["Content-Length": "9", "Expect": "100-continue"]))
        try #expect(Self.text(other.resolved(.success(Self.function()))) == "refuse PayloadTooLarge")
    }

    @Test mutating func `A slow or malformed body is answered with its error`() throws {
        _ = arrive(Self.head("/invoke/hello", ["Content-Length": "9"]))
        _ = try resolve()
        #expect(arrive(.error(BodyTooSlow())) == "refuse BodyTooSlow")
        #expect(memory.used == 0)
    }

    @Test mutating func `A client that ends its sending in the middle of a body gets no call`() throws {
        _ = arrive(Self.head("/invoke/hello", ["Content-Length": "9"]))
        _ = try resolve()
        #expect(arrive(.event(ChannelEvent.inputClosed)) == "pass event")
        #expect(memory.used == 0)
    }

    // MARK: Access

    /// A sequence on a server that has one token, with these scopes.
    private mutating func protect(_ scopes: Scope...) throws -> String {
        let (token, secret) = try Token.make(name: "test", scopes: scopes, lifetimeSeconds: nil, now: 0)
        sequence = RequestSequence(
            gate: Gate(), access: AccessControl(tokens: [token]), maximumEventBytes: 1000, largestEventBytes: 5000,
            memory: memory)
        return "Bearer \(secret.text)"
    }

    @Test(arguments: [
        ("/invoke/hello", "Unauthorized"), ("/http/hello/", "Unauthorized"), ("/http/hello/?x", "Unauthorized"),
    ])
    mutating func `Without a token, a function that is there and one that is not get the same refusal`(
        uri: String, error: String
    ) throws {
        _ = try protect(.read)
        let notFound = FunctionNotFound(id: "hello")
        let results: [Result<Function, any Error>] = [
            .success(try Self.function()), .success(try Self.function(response: .http)), .failure(notFound),
            .failure(Overloaded("full")), .failure(CancellationError()),
        ]
        for result in results {
            #expect(arrive(Self.head(uri, ["Content-Length": "1000000"])) == "resolve hello")
            #expect(sequence.isDenyingUnlessPublic)
            #expect(Self.text(sequence.resolved(result)) == "deny \(error)")
            #expect(arrive(Self.body(1000)) == "none", "the body is not read before the refusal")
            #expect(Self.text(sequence.denialIsDue()) == "refuse \(error)")
            #expect(Self.text(sequence.denialIsDue()) == "none", "once")
            while next() != "nil" {}
            #expect(arrive(Self.end) == "none")
        }
        #expect(memory.used == 0)
    }

    @Test mutating func `A token for other functions is refused alike, whether the function is there or not`() throws {
        let bearer = try protect(.invokeFunction(FunctionID("other")), .read)
        let headers: HTTPHeaders = ["Authorization": bearer]
        for result in [.success(try Self.function()), .failure(FunctionNotFound(id: "hello"))]
            as [Result<Function, any Error>]
        {
            #expect(arrive(Self.head("/invoke/hello", headers)) == "resolve hello")
            #expect(Self.text(sequence.resolved(result)) == "deny InsufficientScope")
            #expect(Self.text(sequence.denialIsDue()) == "refuse InsufficientScope")
            #expect(arrive(Self.end) == "none")
        }
        #expect(arrive(Self.head("/invoke/other", headers)) == "resolve other")
        #expect(!sequence.isDenyingUnlessPublic)
        #expect(Self.text(sequence.resolved(.failure(FunctionNotFound(id: "other")))) == "refuse FunctionNotFound")
    }

    @Test mutating func `A public function needs no token, and its caller may have any other`() throws {
        _ = try protect(.read)
        for headers in [[:], ["Authorization": "Bearer of the function's own"]] as [HTTPHeaders] {
            #expect(arrive(Self.head("/invoke/hello", headers)) == "resolve hello")
            #expect(Self.text(sequence.resolved(.success(try Self.function(access: .public)))) == "none")
            #expect(arrive(Self.end) == "run 0")
            #expect(sequence.ended() == true)
        }
        #expect(arrive(Self.head("/invoke/hello@1")) == "resolve hello@1")
        #expect(Self.text(sequence.resolved(.success(try Self.function(access: .public)))) == "deny Unauthorized")
        #expect(Self.text(sequence.denialIsDue()) == "refuse Unauthorized")
        #expect(arrive(Self.end) == "none")
        #expect(arrive(Self.head("/invoke/hello")) == "resolve hello")
        let page = try Self.function(response: .http, access: .public)
        #expect(Self.text(sequence.resolved(.success(page))) == "deny Unauthorized", "its event could be forged")
    }

    @Test mutating func `A client that disconnects before its refusal gets none`() throws {
        _ = try protect(.read)
        _ = arrive(Self.head())
        #expect(try resolve() == "deny Unauthorized")
        #expect(sequence.disconnected() == false)
        #expect(Self.text(sequence.denialIsDue()) == "none")
    }

    @Test mutating func `A browser's question before a call says nothing of the function`() throws {
        _ = try protect(.read)
        let question = HTTPRequestHead(
            version: .http1_1, method: .OPTIONS, uri: "/invoke/hello",
            headers: ["Host": "a", "Origin": "https://app.example"])
        guard case .allow(let request) = sequence.arrived(.part(.head(question))) else {
            Issue.record("not allowed")
            return
        }
        #expect(request.allowedOrigin == "https://app.example")
        #expect(arrive(Self.end) == "none")
    }

    @Test mutating func `Only a caller with the scope, or the manifest, sees what failed in a function for pages`()
        throws
    {
        func showsErrors(_ headers: HTTPHeaders, _ errors: ErrorDetail) throws -> Bool? {
            var function = try Self.function(response: .http, access: .public).definition
            function.errors = errors
            _ = sequence.arrived(Self.head("/http/hello", headers))
            _ = sequence.resolved(
                .success(Function(id: try FunctionID("hello"), revision: "1", definition: function)))
            guard case .run(let request, _, _) = sequence.arrived(Self.end) else { return nil }
            _ = sequence.ended()
            return request.showsErrors
        }
        let reader = try protect(.read)
        #expect(try showsErrors(["Authorization": reader], .brief) == true)
        #expect(try showsErrors([:], .brief) == false)
        #expect(try showsErrors([:], .detailed) == true)
        let caller = try protect(.invoke)
        #expect(try showsErrors(["Authorization": caller], .brief) == false)
    }

    // MARK: Memory

    @Test mutating func `A body is reserved at once by its length, and released once, when the call has ended`() throws
    {
        _ = arrive(Self.head("/invoke/hello", ["Content-Length": "600"]))
        #expect(memory.used == 0)
        _ = try resolve()
        #expect(memory.used == 600)
        _ = arrive(Self.body(600))
        _ = arrive(Self.end)
        #expect(sequence.reserve(1200) == true)
        #expect(memory.used == 1800)
        #expect(sequence.ended() == true)
        #expect(memory.used == 0)
        _ = sequence.disconnected()
        #expect(sequence.ended() == false)
        #expect(memory.used == 0)
    }

    @Test mutating func `A body that does not fit the budget is refused, announced or chunked`() throws {
        #expect(memory.reserve(9500))
        _ = arrive(Self.head("/invoke/hello", ["Content-Length": "501"]))
        try #expect(resolve() == "refuse Overloaded")
        _ = arrive(Self.end)
        _ = arrive(Self.head("/invoke/hello", ["Transfer-Encoding": "chunked"]))
        _ = try resolve()
        #expect(arrive(Self.body(500)) == "none")
        #expect(arrive(Self.body(1)) == "refuse Overloaded")
        #expect(memory.used == 9500)
    }

    @Test mutating func `A call of a client that disconnects keeps its memory until it has ended`() throws {
        try startCall(bytes: 700)
        #expect(sequence.disconnected() == true, "the call is to be cancelled")
        #expect(memory.used == 700)
        #expect(sequence.ended() == false, "there is no response")
        #expect(memory.used == 0)
        #expect(sequence.disconnected() == false)
    }

    @Test mutating func `A client that disconnects before its call releases the memory at once`() throws {
        _ = arrive(Self.head("/invoke/hello", ["Content-Length": "600"]))
        _ = try resolve()
        #expect(sequence.disconnected() == false)
        #expect(memory.used == 0)
        try #expect(resolve() == "none", "a late lookup changes nothing")
        #expect(arrive(Self.head()) == "none")
    }

    // MARK: Stopping

    @Test mutating func `A stopping server's connection is told when its calls have ended and nothing is held`() throws
    {
        try startCall()
        _ = arrive(Self.head("/a"))
        _ = arrive(Self.end)
        sequence.quiesce()
        #expect(sequence.passesOnQuiesce() == false)
        #expect(sequence.ended() == true)
        #expect(sequence.passesOnQuiesce() == false)
        while next() != "nil" {}
        #expect(sequence.passesOnQuiesce() == true)
        #expect(sequence.passesOnQuiesce() == false, "once")
    }

    // MARK: Request ids

    @Test mutating func `A usable request id is kept, and another one is replaced`() {
        for (given, isKept) in [("call-1.a/b", true), ("a b", false), ("", false), ("a\nb", false), ("ä", false)] {
            guard case .refuse(let request, _) = sequence.arrived(Self.head("/invoke/%", ["X-Request-Id": given]))
            else {
                Issue.record("not refused")
                return
            }
            #expect((request.id == given) == isKept)
            #expect(request.id.utf8.count == (isKept ? given.utf8.count : 36))
            _ = sequence.arrived(Self.end)
        }
    }
}
