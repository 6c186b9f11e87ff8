import Access
import FunctionModel
import HostMemory
import NIOCore
import NIOHTTP1
import Telemetry

/// The order of requests on one connection: which are calls of functions, which pass through to the router, and what
/// waits for what. Pure: each method takes one event and returns one action; ``InvokeHandler`` carries it out.
///
/// A connection has one request in progress at a time, a call or one of the router's. Input that arrives meanwhile is
/// held in order; with much of it, the connection is read no further.
struct RequestSequence {
    /// A call as it was requested. An object, because it goes from state to state: that is one reference counted
    /// instead of six.
    final class Request: Sendable {
        let id: String
        let dialect: Gate.Dialect
        let rest: Substring
        let head: HTTPRequestHead
        let contentLength: Int?
        let expectsContinue: Bool
        /// The origin of the page that makes the call, if it is not the server's own.
        let foreignOrigin: String?
        let isPreflight: Bool
        /// What the response says in `Access-Control-Allow-Origin`; nil: nothing.
        let allowedOrigin: String?
        /// Why the caller may call only a public function; nil: it may call this one.
        let denial: AccessDenial?
        /// Whether the path names a version of the function.
        let namesVersion: Bool
        /// Whether the caller is told what failed in the function.
        let showsErrors: Bool
        /// The client's address, if it is not the peer's.
        let clientAddress: String?
        /// The trace that the client gave.
        let trace: TraceContext?
        /// Whether the response has the call's log lines: the client asked, and may see logs.
        let wantsLogTail: Bool

        init(
            id: String, dialect: Gate.Dialect, call: Gate.Call?, head: HTTPRequestHead, _ facts: HeadFacts,
            denial: AccessDenial?, showsErrors: Bool, showsLogs: Bool, clientAddress: String?
        ) {
            self.id = id
            self.dialect = dialect
            rest = call?.rest ?? ""
            self.head = head
            contentLength = facts.contentLength
            expectsContinue = facts.expectsContinue
            foreignOrigin = call?.foreignOrigin
            isPreflight = call?.isPreflight ?? false
            namesVersion = call?.version != nil
            allowedOrigin = nil
            self.denial = denial
            self.showsErrors = showsErrors
            self.clientAddress = clientAddress
            trace = facts.trace
            wantsLogTail = facts.wantsLogTail && showsLogs
        }

        /// The same request, with what the function allows.
        init(_ request: Request, allowedOrigin: String?, showsErrors: Bool) {
            id = request.id
            dialect = request.dialect
            rest = request.rest
            head = request.head
            contentLength = request.contentLength
            expectsContinue = request.expectsContinue
            foreignOrigin = request.foreignOrigin
            isPreflight = request.isPreflight
            denial = request.denial
            namesVersion = request.namesVersion
            clientAddress = request.clientAddress
            trace = request.trace
            wantsLogTail = request.wantsLogTail
            self.allowedOrigin = allowedOrigin
            self.showsErrors = showsErrors
        }
    }

    /// Input from the client's side.
    enum Input {
        case part(HTTPServerRequestPart)
        case error(any Error)
        case event(Any)
    }

    enum Action {
        case none
        case pass(Input)
        /// Find the function, then report ``resolved(_:)``.
        case resolve(FunctionReference)
        /// The client may send the body.
        case wantBody
        /// Call the function with this body, then report ``ended()``.
        case run(Request, Function, body: ByteBuffer)
        /// Tell the browser that the page may make the call. The rest of the request is dropped.
        case allow(Request)
        /// Answer with this error. The rest of the request is dropped.
        case refuse(Request, any Error)
        /// The caller may not make the call. Wait, however long the function was looked up, and then report
        /// ``denialIsDue()``.
        case deny(Request, AccessDenial)
    }

    private enum State {
        /// No call is in progress.
        case passing
        /// The function is looked up.
        case resolving(Request)
        /// The caller may not make the call, and is told so later.
        case denying(Request, AccessDenial)
        /// The body is arriving, into ``body``.
        case collecting(Request, Function)
        /// From the end of the body until the response.
        case running
        /// The response came before the end of the request. The rest is dropped.
        case discarding
        /// The client has disconnected.
        case closed
    }

    /// With this much input held, the connection is read no further.
    static let heldLimit = 16
    /// So much of an announced body is reserved before it is collected. The rest is reserved as it arrives: a client
    /// that announces much and sends nothing must not hold the memory of others.
    static let bytesAdmittedAtOnce = 1 << 20

    private let gate: Gate
    private let maximumEventBytes: Int
    private let largestEventBytes: Int
    private let memory: ByteBudget
    private let access: AccessControl
    /// The other end of the connection.
    var peer: AccessControl.Peer
    private var lastToken = AccessControl.LastToken()
    private let showsErrors: Bool
    private var requestIDs: RequestIDs
    private var state = State.passing
    /// The body that is arriving. Not part of the state: a second reference to it would make each part copy all parts
    /// before it.
    private(set) var body = ByteBuffer()
    /// Requests of the router that have no whole response yet.
    private var passedThrough = 0
    private var held: CircularBuffer<Input> = []
    private var isReadHeld = false
    private var isQuiescing = false
    /// The client does not read what it has been sent, so nothing new is started for it.
    private var isWritable = true
    /// Bytes of the memory budget that the call in progress has reserved.
    private(set) var reserved = 0

    /// - Parameter maximumEventBytes: the limit of functions that have none of their own.
    /// - Parameter largestEventBytes: the limit of all.
    /// - Parameter showsErrors: whether every caller is told what failed in a function.
    init(
        gate: Gate, access: AccessControl = AccessControl(isOpen: true), maximumEventBytes: Int,
        largestEventBytes: Int, memory: ByteBudget, showsErrors: Bool = false, requestIDs: RequestIDs = RequestIDs()
    ) {
        self.gate = gate
        self.access = access
        peer = access.peer(address: nil)
        self.showsErrors = showsErrors
        self.maximumEventBytes = maximumEventBytes
        self.largestEventBytes = largestEventBytes
        self.memory = memory
        self.requestIDs = requestIDs
    }

    // MARK: Input

    /// Takes input in, or holds it.
    mutating func arrived(_ input: Input) -> Action {
        guard held.isEmpty, !mustWait(input) else {
            held.append(input)
            return .none
        }
        return take(input)
    }

    /// Takes in what was held. nil: none, or it still has to wait. Call it again after each action.
    mutating func next() -> Action? {
        guard let input = held.first, !mustWait(input) else { return nil }
        held.removeFirst()
        return take(input)
    }

    private func mustWait(_ input: Input) -> Bool {
        switch (state, input) {
        case (.running, _), (.resolving, _), (.denying, _): true
        case (.passing, .part(.head(let head))) where passedThrough > 0 || !isWritable: isCall(head)
        default: false
        }
    }

    private func isCall(_ head: HTTPRequestHead) -> Bool {
        if case .route = gate.decide(HeadFacts(head).requestFacts(head)) { false } else { true }
    }

    private mutating func take(_ input: Input) -> Action {
        switch (state, input) {
        case (.passing, .part(.head(let head))): return begin(head, input)
        case (.collecting(let request, let function), .part(.body(let bytes))):
            return collect(request, function, bytes)
        case (.collecting(let request, let function), .part(.end)):
            state = .running
            defer { body = ByteBuffer() }
            return .run(request, function, body: body)
        case (.collecting(let request, _), .error(let error)): return refuse(request, error)
        case (.collecting, .event(let event as ChannelEvent)) where event == .inputClosed:
            // The end of the request will not come.
            body = ByteBuffer()
            releaseMemory()
            state = .passing
            return .pass(input)
        case (.discarding, .part(let part)):
            if case .end = part { state = .passing }
            return .none
        case (.closed, _): return .none
        default: return .pass(input)
        }
    }

    // MARK: A call

    private mutating func begin(_ head: HTTPRequestHead, _ input: Input) -> Action {
        let facts = HeadFacts(head)
        let decision = gate.decide(facts.requestFacts(head))
        if case .route = decision {
            passedThrough += 1
            return .pass(input)
        }
        let id = requestIDs.requestID(given: facts.requestID)
        let principal = access.principal(peer, facts.credentials.authorization, last: &lastToken)
        func request(_ dialect: Gate.Dialect, _ call: Gate.Call?) -> Request {
            Request(
                id: id, dialect: dialect, call: call, head: head, facts,
                denial: call.flatMap { Gate.denial(of: $0, for: principal) },
                showsErrors: showsErrors || dialect == .invoke || principal.has(.read),
                showsLogs: principal.has(.read),
                clientAddress: access.clientAddress(peer, facts.credentials))
        }
        switch decision {
        case .route: return .pass(input)
        case .refuse(let dialect, let error): return refuse(request(dialect, nil), error)
        case .call(let call):
            let request = request(call.dialect, call)
            if let origin = call.foreignOrigin, call.isPreflight, request.denial != nil {
                // A browser sends no token with this question. Every function gets the same response, and the call
                // itself is checked.
                state = .discarding
                return .allow(Request(request, allowedOrigin: origin, showsErrors: false))
            }
            state = .resolving(request)
            return .resolve(call.reference)
        }
    }

    /// Whether the function is looked up for a caller that may call it only if it is public.
    var isDenyingUnlessPublic: Bool { if case .resolving(let request) = state { request.denial != nil } else { false } }

    /// The time of a denial has come.
    mutating func denialIsDue() -> Action {
        guard case .denying(let request, let denial) = state else { return .none }
        return refuse(request, denial.error)
    }

    /// The function has been looked up.
    mutating func resolved(_ result: Result<Function, any Error>) -> Action {
        guard case .resolving(var request) = state else { return .none }
        if let denial = request.denial {
            // Everything else that is wrong would say whether the function exists.
            // That a version is public says nothing of today.
            guard !request.namesVersion, case .success(let function) = result,
                Gate.isPublic(function, request.dialect)
            else {
                state = .denying(request, denial)
                return .deny(request, denial)
            }
        }
        let function: Function
        do {
            if let origin = request.foreignOrigin { request = try Self.admit(origin, request, result) }
            function = try result.get()
            if !request.showsErrors, function.definition.errors == .detailed {
                request = Request(request, allowedOrigin: request.allowedOrigin, showsErrors: true)
            }
            if request.isPreflight {
                state = .discarding
                return .allow(request)
            }
            try request.dialect.conformer.check(function)
        } catch {
            return refuse(request, error)
        }
        let length = request.contentLength ?? 0
        let limit = limit(of: function)
        guard length <= limit else { return refuse(request, PayloadTooLarge(limit: limit)) }
        guard reserve(min(length, Self.bytesAdmittedAtOnce)) else { return refuse(request, Self.noMemory) }
        body = ByteBuffer()
        state = .collecting(request, function)
        return request.expectsContinue ? .wantBody : .none
    }

    /// The page of another origin learns of a function only what the function allows it to.
    private static func admit(_ origin: String, _ request: Request, _ result: Result<Function, any Error>) throws
        -> Request
    {
        do {
            return Request(
                request, allowedOrigin: try Gate.allowedOrigin(origin, for: try result.get()),
                showsErrors: request.showsErrors)
        } catch is FunctionNotFound {
            throw OriginNotAllowed(origin: origin)
        }
    }

    private func limit(of function: Function) -> Int {
        min(function.definition.limits.maxEventBytes ?? maximumEventBytes, largestEventBytes)
    }

    private mutating func collect(_ request: Request, _ function: Function, _ bytes: ByteBuffer) -> Action {
        let size = body.readableBytes + bytes.readableBytes
        let limit = limit(of: function)
        guard size <= limit else { return refuse(request, PayloadTooLarge(limit: limit)) }
        guard size <= reserved || reserve(size - reserved) else { return refuse(request, Self.noMemory) }
        if body.readableBytes == 0 {
            // Most bodies come in one piece, which is handed on unchanged.
            body = bytes
        } else {
            body.writeImmutableBuffer(bytes)
        }
        return .none
    }

    private mutating func refuse(_ request: Request, _ error: any Error) -> Action {
        body = ByteBuffer()
        releaseMemory()
        state = .discarding
        return .refuse(request, error)
    }

    /// The call's response is about to be written. Returns false if the client has disconnected: then it has none.
    mutating func ended() -> Bool {
        releaseMemory()
        guard case .running = state else { return false }
        state = .passing
        return true
    }

    // MARK: Memory

    static let noMemory = Overloaded("The host has no memory left for this request. Try again later.")

    /// Reserves memory for the call in progress, until its response. Returns false if the budget has none left.
    mutating func reserve(_ bytes: Int) -> Bool {
        guard memory.reserve(bytes) else { return false }
        reserved += bytes
        return true
    }

    /// Hands over what the call in progress has reserved: the runtime releases it with the call's outcome.
    mutating func handOverMemory() -> Int {
        defer { reserved = 0 }
        return reserved
    }

    private mutating func releaseMemory() {
        memory.release(reserved)
        reserved = 0
    }

    // MARK: The router

    /// The router's response has been written whole.
    mutating func routerResponseEnded() { passedThrough -= 1 }

    // MARK: Reading and writing

    /// Returns whether the connection is read now. If not, ``resumesReading()`` says when.
    mutating func mayRead() -> Bool {
        isReadHeld = held.count >= Self.heldLimit
        return !isReadHeld
    }

    mutating func resumesReading() -> Bool {
        guard isReadHeld, held.count < Self.heldLimit else { return false }
        isReadHeld = false
        return true
    }

    mutating func writabilityChanged(_ isWritable: Bool) { self.isWritable = isWritable }

    // MARK: The end

    mutating func quiesce() { isQuiescing = true }

    /// The server is stopping. Returns true once, when no call is in progress and nothing is held: then Hummingbird is
    /// told, which closes the connections that it knows to be idle. It knows nothing of calls.
    mutating func passesOnQuiesce() -> Bool {
        guard isQuiescing, held.isEmpty else { return false }
        switch state {
        case .resolving, .denying, .collecting, .running: return false
        case .passing, .discarding, .closed:
            isQuiescing = false
            return true
        }
    }

    /// The client has disconnected. Returns whether a call is in progress that must be cancelled. Memory that has not
    /// been handed over is kept until the call has ended: its event is still being made.
    mutating func disconnected() -> Bool {
        defer { state = .closed }
        held.removeAll()
        switch state {
        case .running: return true
        case .closed: return false
        case .passing, .resolving, .denying, .collecting, .discarding:
            body = ByteBuffer()
            releaseMemory()
            return false
        }
    }

    /// Whether a call waits for its outcome.
    var isRunning: Bool { if case .running = state { true } else { false } }
}
