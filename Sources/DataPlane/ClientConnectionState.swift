import FunctionModel
import NIOHTTP1

/// What happens on a client's connection besides requests and responses. Pure: each method takes one event and returns
/// what to do; ``ClientConnectionHandler`` does it.
///
/// - Responses to HEAD have no body, whatever made them.
/// - `100 Continue` is sent when the body is wanted.
/// - A client that may have disconnected is probed.
/// - Bytes that are not HTTP get a response like any other error, after the responses to what came before them.
/// - The last response is announced and sent whole, and the client gets a moment to read it.
/// - Slow and silent clients are disconnected.
struct ClientConnectionState {
    /// Times in nanoseconds.
    struct Limits {
        /// How long a connection without a request may stay open.
        var idle: Int64 = 60_000_000_000
        /// How long a client may read nothing of what it is sent.
        var stall: Int64 = 30_000_000_000
        /// How long a body may take to arrive, however short it is.
        var body: Int64 = 10_000_000_000
        /// Bytes of a body that extend its time by one second.
        var bodyBytesPerSecond = 64 << 10
        /// The most bytes that may follow a response that came early. With more to come, the connection is closed.
        var unwantedBodyBytes = 64 << 10
        /// What may surround a chunked body: sizes of chunks, their extensions, trailers. For each byte of the body so
        /// many more bytes.
        var chunkOverhead = 16
        /// The same for a body without bytes.
        var leastChunkOverhead = 16 << 10
    }

    /// A request without a response.
    private struct Request {
        let version: HTTPVersion
        let isHead: Bool
        /// No request follows: the client asked for that, or wants a protocol that this server does not speak.
        var isLast: Bool
        var awaitsContinue: Bool
    }

    /// The request that is arriving.
    private struct Arrival {
        /// nil: chunked.
        let length: Int?
        var bytes = 0
        var nanos: Int64 = 0
        /// How many bytes the connection had received, if that is known.
        var start: Int?
    }

    /// What is wrong with bytes that are not a request.
    enum Refusal: Equatable {
        case parser(HTTPParserError)
        case request(InvalidRequest)

        init?(_ error: any Error) {
            switch error {
            case let error as HTTPParserError: self = .parser(error)
            case let error as InvalidRequest: self = .request(error)
            default: return nil
            }
        }

        var error: any Error {
            switch self {
            case .parser(let error): error
            case .request(let error): error
            }
        }
    }

    private enum Output {
        case none
        /// Between the head and the end of a response.
        case responding(isHead: Bool, isLast: Bool)
        /// Hummingbird's response to bytes that are not HTTP. Ours is sent instead.
        case replaced
    }

    private let limits: Limits
    private var unanswered = UnansweredRequests()
    private var arrival: Arrival?
    private var output = Output.none
    private var refusal: Refusal?
    /// A request was refused in its middle, so what follows is not understood.
    private var isBroken = false
    /// The last response has been written. Input is ignored from here on.
    private(set) var isLeaving = false
    /// The stopping server's grace period is over: Hummingbird closes the input when its task is cancelled.
    private var isCancelled = false
    private var idleNanos: Int64 = 0
    private var stallNanos: Int64 = 0
    private var unsentBytes = 0
    private var lastTick: Int64 = 0

    init(limits: Limits = Limits()) { self.limits = limits }

    // MARK: Requests

    enum ReceivedHead: Equatable {
        case pass
        /// The same for a chunked body: ``received(total:)`` is to be told of the connection's bytes.
        case passChunked
        case drop
        /// The connection ends with an error, after the responses to what came before.
        case fail(InvalidRequest)
    }

    mutating func received(_ head: HTTPRequestHead) -> ReceivedHead {
        guard !isLeaving, !isBroken else { return .drop }
        idleNanos = 0
        let facts = HeadFacts(head)
        if let fault = facts.fault(head.version) {
            isBroken = true
            return .fail(fault)
        }
        unanswered.append(
            Request(
                version: head.version, isHead: head.method == .HEAD,
                // After a request for another protocol the decoder reads nothing more.
                isLast: !head.isKeepAlive || head.method == .CONNECT || facts.hasUpgrade,
                awaitsContinue: facts.expectsContinue))
        arrival = Arrival(length: facts.isChunked ? nil : facts.contentLength ?? 0)
        return facts.isChunked ? .passChunked : .pass
    }

    /// How long the body that is arriving is, as its request's head says; 0: it does not say.
    var announcedBytes: Int { arrival?.length ?? 0 }

    /// How much of it is still to come.
    var missingBytes: Int { max(0, announcedBytes - (arrival?.bytes ?? 0)) }

    /// Returns whether the bytes are passed on.
    mutating func receivedBody(bytes: Int) -> Bool {
        guard !isLeaving, !isBroken else { return false }
        idleNanos = 0
        arrival?.bytes += bytes
        return true
    }

    /// Returns whether the end of the request is passed on.
    mutating func receivedEnd() -> Bool {
        guard !isLeaving, !isBroken else { return false }
        idleNanos = 0
        arrival = nil
        return true
    }

    /// The connection has received so many bytes, which have been decoded. Returns an error if there are too many
    /// between those of a chunked body: the decoder drops them, and would do so without end.
    mutating func received(total: Int) -> InvalidRequest? {
        guard !isLeaving, !isBroken, let arrival, arrival.length == nil else { return nil }
        guard let start = arrival.start else {
            self.arrival?.start = total - arrival.bytes
            return nil
        }
        let allowed = limits.leastChunkOverhead + limits.chunkOverhead * arrival.bytes
        guard total - start - arrival.bytes > allowed else { return nil }
        isBroken = true
        return InvalidRequest(
            "The chunks of the request's body have too much besides the body: extensions or trailers.")
    }

    /// A route or a call wants the body of the oldest request. Returns whether `100 Continue` is sent.
    mutating func bodyIsWanted() -> Bool {
        guard let request = unanswered.first, request.awaitsContinue else { return false }
        unanswered.updateFirst { $0.awaitsContinue = false }
        // A client that sends already does not wait.
        return arrival?.bytes == 0
    }

    /// Returns whether the error is passed on.
    mutating func failed(_ error: any Error) -> Bool {
        guard !isLeaving else { return false }
        if refusal == nil, let refused = Refusal(error) {
            refusal = refused
            // The rest of the request cannot be understood, nor can what follows it.
            if arrival != nil { unanswered.updateLast { $0.isLast = true } }
        }
        return true
    }

    // MARK: Clients that disconnect

    enum InputEndAction: Equatable {
        case none
        case writeContinue
        case close
    }

    /// The client sends nothing more. TCP does not tell whether it still reads. A client that disconnected answers
    /// bytes with a reset, which closes the connection; one that still reads must expect `100 Continue` at any time.
    mutating func inputEnded() -> InputEndAction {
        guard let request = unanswered.first, arrival == nil, case .none = output else { return .none }
        // An HTTP/1.0 client could not understand the probe. Most are proxies that have disconnected.
        return request.version == .http1_0 ? .close : .writeContinue
    }

    // MARK: Responses

    enum HeadAction: Equatable {
        case write
        /// Written with `Connection: close`, or `keep-alive` for an HTTP/1.0 client.
        case announce(isLast: Bool)
        /// Counts as written, and is not sent.
        case drop
        /// Fails: the output is closed.
        case fail
    }

    /// - Parameter isOurs: whether the response has a request id. Hummingbird's response to bytes that are not HTTP has
    ///   none.
    mutating func writesHead(isOurs: Bool) -> HeadAction {
        guard !isLeaving else { return .fail }
        idleNanos = 0
        if refusal != nil, !isOurs {
            output = .replaced
            return .drop
        }
        let request = unanswered.first
        var isLast = request?.isLast ?? true
        if request?.awaitsContinue == true {
            // The client may or may not send the body that is not wanted.
            isLast = true
        } else if unanswered.count == 1, let arrival {
            // The response comes before the end of the request, and the rest is not wanted.
            isLast = isLast || arrival.length.map { $0 - arrival.bytes > limits.unwantedBodyBytes } ?? true
        }
        output = .responding(isHead: request?.isHead == true, isLast: isLast)
        return isLast || request?.version == .http1_0 ? .announce(isLast: isLast) : .write
    }

    enum BodyAction: Equatable {
        case write
        case drop
        case fail
    }

    mutating func writesBody() -> BodyAction {
        guard !isLeaving else { return .fail }
        idleNanos = 0
        switch output {
        case .replaced, .responding(isHead: true, _): return .drop
        case .none, .responding: return .write
        }
    }

    enum EndAction: Equatable {
        case write
        /// Written, and then the output is closed.
        case writeAndLeave
        /// This response is sent instead, and then the output is closed.
        case refuse(Refusal)
        /// Nothing is sent. The output is closed.
        case leave
        case fail
    }

    mutating func writesEnd() -> EndAction {
        guard !isLeaving else { return .fail }
        idleNanos = 0
        defer { output = .none }
        switch output {
        case .replaced:
            isLeaving = true
            // A request that went wrong in its middle has had its response.
            if arrival == nil, let refusal { return .refuse(refusal) }
            return .leave
        case .responding(_, let isLast):
            unanswered.removeFirst()
            isLeaving = isLast
            return isLast ? .writeAndLeave : .write
        case .none: return .write
        }
    }

    // MARK: The end

    /// The output has been closed. What the client still sends is ignored.
    mutating func outputEnded() { isLeaving = true }

    /// Returns whether a close waits until everything written has been sent: NIO drops it when the client has ended
    /// its side, and when both sides are closed at once.
    mutating func closeMustWait(input: Bool, isConnected: Bool, unsentBytes: Int) -> Bool {
        if input { isCancelled = true }
        return !isCancelled && isConnected && unsentBytes > 0
    }

    // MARK: Time

    enum TickAction: Equatable {
        case none
        case close
        /// The body of the oldest request does not arrive: its response is an error.
        case bodyIsTooSlow
    }

    mutating func started(now: Int64) { lastTick = now }

    /// Called every few seconds. One timer for each connection costs a request nothing; times are late by up to its
    /// interval.
    mutating func tick(now: Int64, unsentBytes unsent: Int) -> TickAction {
        let elapsed = now - lastTick
        lastTick = now
        stallNanos = unsent > 0 && unsent >= unsentBytes ? stallNanos + elapsed : 0
        unsentBytes = unsent
        if stallNanos > limits.stall { return .close }

        // While an earlier response is made, the connection is not read: that the rest does not arrive is not the
        // client's fault.
        if let arrival, unanswered.count <= 1 {
            // The request may have begun just before this tick, so its time up to the last tick counts.
            self.arrival?.nanos += elapsed
            let allowed = limits.body + Int64(arrival.bytes / limits.bodyBytesPerSecond) * 1_000_000_000
            if arrival.nanos >= allowed {
                guard !unanswered.isEmpty else { return .close }
                unanswered.updateFirst { $0.isLast = true }
                self.arrival = nil
                return .bodyIsTooSlow
            }
        }

        // A head that does not end counts as no request.
        if unanswered.isEmpty, arrival == nil, unsent == 0 {
            idleNanos += elapsed
            if idleNanos > limits.idle { return .close }
        }
        return .none
    }

    /// The requests without a response, in order. Most connections have one at a time, which needs no allocation.
    private struct UnansweredRequests {
        private var oldest: Request?
        private var others: [Request] = []
        private var start = 0

        var first: Request? { oldest }
        var isEmpty: Bool { oldest == nil }
        var count: Int { oldest == nil ? 0 : 1 + others.count - start }

        mutating func append(_ request: Request) {
            if oldest == nil { oldest = request } else { others.append(request) }
        }

        mutating func removeFirst() {
            guard start < others.count else {
                oldest = nil
                return
            }
            oldest = others[start]
            start += 1
            // Many requests sent together: what has been answered is not kept.
            if start == others.count || start >= 64 {
                others.removeFirst(start)
                start = 0
            }
        }

        mutating func updateFirst(_ change: (inout Request) -> Void) {
            if var request = oldest {
                change(&request)
                oldest = request
            }
        }

        mutating func updateLast(_ change: (inout Request) -> Void) {
            if others.isEmpty { return updateFirst(change) }
            change(&others[others.count - 1])
        }
    }
}
