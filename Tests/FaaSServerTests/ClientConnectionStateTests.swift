import FunctionModel
import NIOCore
import NIOHTTP1
import Testing

@testable import DataPlane

/// The rules of a connection, with a clock moved by hand.
@Suite struct ClientConnectionStateTests {
    private var state = ClientConnectionState()
    private var now: Int64 = 0

    init() { state.started(now: now) }

    private static func head(
        _ method: HTTPMethod = .POST, _ version: HTTPVersion = .http1_1, _ headers: HTTPHeaders = [:]
    ) -> HTTPRequestHead {
        var headers = headers
        if version == .http1_1, !headers.contains(name: "Host") { headers.add(name: "Host", value: "localhost") }
        return HTTPRequestHead(version: version, method: method, uri: "/invoke/a", headers: headers)
    }

    private mutating func receive(
        _ method: HTTPMethod = .POST, _ version: HTTPVersion = .http1_1, _ headers: HTTPHeaders = [:]
    ) {
        #expect(state.received(Self.head(method, version, headers)) == .pass)
        #expect(state.receivedEnd() == true)
    }

    private mutating func tick(seconds: Int64 = 2, unsentBytes: Int = 0) -> ClientConnectionState.TickAction {
        now += seconds * 1_000_000_000
        return state.tick(now: now, unsentBytes: unsentBytes)
    }

    // MARK: Keeping and closing

    @Test mutating func `A connection is kept, and its responses are written as they are`() {
        for _ in 0..<3 {
            receive()
            #expect(state.writesHead(isOurs: true) == .write)
            #expect(state.writesBody() == .write)
            #expect(state.writesEnd() == .write)
            #expect(!state.isLeaving)
        }
    }

    @Test(arguments: [
        (HTTPVersion.http1_1, HTTPHeaders([("Connection", "close")])), (.http1_0, HTTPHeaders()),
        (.http1_1, HTTPHeaders([("Connection", "Upgrade"), ("Upgrade", "h2c")])),
    ])
    mutating func `The last response says so, and then the output is closed`(
        version: HTTPVersion, headers: HTTPHeaders
    ) {
        receive(.POST, version, headers)
        #expect(state.writesHead(isOurs: true) == .announce(isLast: true))
        #expect(state.writesEnd() == .writeAndLeave)
        #expect(state.received(Self.head()) == .drop, "later input is ignored")
        #expect(state.receivedBody(bytes: 1) == false)
        #expect(state.receivedEnd() == false)
        #expect(state.writesHead(isOurs: true) == .fail)
        #expect(state.writesBody() == .fail)
        #expect(state.writesEnd() == .fail)
    }

    @Test mutating func `An HTTP/1.0 client that wants to keep its connection is told that it may`() {
        receive(.POST, .http1_0, ["Connection": "keep-alive"])
        #expect(state.writesHead(isOurs: true) == .announce(isLast: false))
        #expect(state.writesEnd() == .write)
    }

    @Test mutating func `A response to HEAD loses its body, and the next one does not`() {
        receive(.HEAD)
        receive(.GET)
        #expect(state.writesHead(isOurs: true) == .write)
        #expect(state.writesBody() == .drop)
        #expect(state.writesEnd() == .write)
        #expect(state.writesHead(isOurs: true) == .write)
        #expect(state.writesBody() == .write)
        #expect(state.writesEnd() == .write)
    }

    @Test mutating func `Many requests sent together are answered by what each asks for`() {
        for number in 0..<500 { receive(number.isMultiple(of: 3) ? .HEAD : .GET) }
        receive(.GET, .http1_1, ["Connection": "close"])
        for number in 0..<500 {
            #expect(state.writesHead(isOurs: true) == .write, "\(number)")
            #expect(state.writesBody() == (number.isMultiple(of: 3) ? .drop : .write))
            #expect(state.writesEnd() == .write)
        }
        #expect(state.writesHead(isOurs: true) == .announce(isLast: true))
        #expect(state.writesEnd() == .writeAndLeave)
    }

    // MARK: 100 Continue

    private static let waiting: HTTPHeaders = ["Expect": "100-Continue", "Content-Length": "5"]

    @Test mutating func `100 Continue is sent once, when the body is wanted`() {
        _ = state.received(Self.head(.POST, .http1_1, Self.waiting))
        #expect(state.bodyIsWanted() == true)
        #expect(state.bodyIsWanted() == false)
        _ = state.receivedBody(bytes: 5)
        _ = state.receivedEnd()
        #expect(state.writesHead(isOurs: true) == .write, "the connection is kept")
    }

    @Test mutating func `A client that sends its body already gets no 100 Continue`() {
        _ = state.received(Self.head(.POST, .http1_1, Self.waiting))
        _ = state.receivedBody(bytes: 1)
        #expect(state.bodyIsWanted() == false)
    }

    @Test mutating func `A client that waits for 100 Continue and gets a final response is disconnected`() {
        _ = state.received(Self.head(.POST, .http1_1, Self.waiting))
        #expect(state.writesHead(isOurs: true) == .announce(isLast: true))
        #expect(state.writesEnd() == .writeAndLeave)
    }

    @Test mutating func `An HTTP/1.0 client is sent no 100 Continue`() {
        _ = state.received(Self.head(.POST, .http1_0, Self.waiting))
        #expect(state.bodyIsWanted() == false)
    }

    // MARK: Early responses

    @Test(arguments: [(64 << 10, false), ((64 << 10) + 1, true)])
    mutating func `After an early response a short rest is read, and a long one ends the connection`(
        length: Int, isLast: Bool
    ) {
        _ = state.received(Self.head(.POST, .http1_1, ["Content-Length": "\(length)"]))
        #expect(state.writesHead(isOurs: true) == (isLast ? .announce(isLast: true) : .write))
        #expect(state.writesEnd() == (isLast ? .writeAndLeave : .write))
    }

    @Test mutating func `After an early response to a chunked body the connection ends`() {
        _ = state.received(Self.head(.POST, .http1_1, ["Transfer-Encoding": "chunked"]))
        #expect(state.writesHead(isOurs: true) == .announce(isLast: true))
    }

    // MARK: Half-closed connections

    @Test mutating func `A client that ends its sending is probed while its response is made`() {
        receive()
        #expect(state.inputEnded() == .writeContinue)
        #expect(state.writesHead(isOurs: true) == .write)
        #expect(state.inputEnded() == .none, "a response is the probe")
    }

    @Test mutating func `An HTTP/1.0 client that ends its sending has disconnected`() {
        receive(.POST, .http1_0)
        #expect(state.inputEnded() == .close)
    }

    @Test mutating func `The end of an idle connection's input, or in the middle of a request, needs no probe`() {
        #expect(state.inputEnded() == .none)
        _ = state.received(Self.head(.POST, .http1_1, ["Content-Length": "5"]))
        #expect(state.inputEnded() == .none)
    }

    // MARK: Bytes that are not HTTP

    @Test mutating func `Malformed bytes after a valid request are refused after its response`() {
        receive()
        #expect(state.failed(HTTPParserError.invalidMethod) == true)
        #expect(state.writesHead(isOurs: true) == .write)
        #expect(state.writesEnd() == .write)
        #expect(state.writesHead(isOurs: false) == .drop, "Hummingbird's response")
        #expect(state.writesBody() == .drop)
        #expect(state.writesEnd() == .refuse(.parser(.invalidMethod)), "ours")
        #expect(state.isLeaving)
    }

    @Test mutating func `A request that goes wrong in its middle has one response, and it is the last`() {
        _ = state.received(Self.head(.POST, .http1_1, ["Content-Length": "5"]))
        #expect(state.failed(HTTPParserError.invalidEOFState) == true)
        #expect(state.writesHead(isOurs: true) == .announce(isLast: true))
        #expect(state.writesEnd() == .writeAndLeave)
        #expect(state.failed(HTTPParserError.invalidMethod) == false, "later errors are ignored")
    }

    @Test mutating func `A request that goes wrong after its response is refused without a second one`() {
        _ = state.received(Self.head(.POST, .http1_1, ["Content-Length": "5"]))
        _ = state.writesHead(isOurs: true)
        #expect(state.writesEnd() == .write)
        #expect(state.failed(HTTPParserError.invalidEOFState) == true)
        #expect(state.writesHead(isOurs: false) == .drop)
        #expect(state.writesEnd() == .leave)
    }

    // MARK: Time

    @Test mutating func `A body has ten seconds, and one more for each 64 KiB that arrived`() {
        _ = state.received(Self.head(.POST, .http1_1, ["Content-Length": "1000000"]))
        for _ in 0..<4 { #expect(tick() == .none) }
        _ = state.receivedBody(bytes: 2 * (64 << 10))
        for _ in 0..<2 { #expect(tick() == .none) }
        #expect(tick() == .bodyIsTooSlow, "at the first tick after twelve seconds")
        #expect(state.writesHead(isOurs: true) == .announce(isLast: true))
        #expect(tick() == .none, "once")
    }

    @Test mutating func `A body that waits for an earlier response is not slow`() {
        receive()
        _ = state.received(Self.head(.POST, .http1_1, ["Content-Length": "5"]))
        for _ in 0..<100 { #expect(tick() == .none) }
    }

    @Test mutating func `The rest of a body after its response is slow too`() {
        _ = state.received(Self.head(.POST, .http1_1, ["Content-Length": "5"]))
        _ = state.writesHead(isOurs: true)
        _ = state.writesEnd()
        for _ in 0..<5 { #expect(tick() == .none) }
        #expect(tick() == .close)
    }

    @Test mutating func `A connection without a request is closed after a minute, and each request starts it anew`() {
        for _ in 0..<30 { #expect(tick() == .none) }
        receive()
        for _ in 0..<100 { #expect(tick() == .none, "a call may take long") }
        _ = state.writesHead(isOurs: true)
        _ = state.writesEnd()
        for _ in 0..<30 { #expect(tick() == .none) }
        #expect(tick() == .close)
    }

    @Test mutating func `A client that reads nothing is disconnected after half a minute, and a slow reader is not`() {
        for step in 0..<40 { #expect(tick(unsentBytes: 1_000_000 - step) == .none, "reads one byte") }
        for _ in 0..<16 { #expect(tick(unsentBytes: 900_000) == .none) }
        #expect(tick(unsentBytes: 900_000) == .close)
    }

    // MARK: The end

    @Test mutating func `A close waits until everything has been sent, unless the server's grace period is over`() {
        #expect(state.closeMustWait(input: false, isConnected: true, unsentBytes: 1) == true)
        #expect(state.closeMustWait(input: false, isConnected: true, unsentBytes: 0) == false)
        #expect(state.closeMustWait(input: false, isConnected: false, unsentBytes: 1) == false)
        #expect(state.closeMustWait(input: true, isConnected: true, unsentBytes: 1) == false)
        #expect(state.closeMustWait(input: false, isConnected: true, unsentBytes: 1) == false, "cancelled before")
    }

    @Test mutating func `Input after the output has ended is ignored`() {
        state.outputEnded()
        #expect(state.received(Self.head()) == .drop)
    }

    // MARK: Framing

    @Test(arguments: [
        (HTTPVersion.http1_1, [("Host", "a"), ("Host", "a")], "more than one Host"),
        (.http1_0, [("Host", "a"), ("host", "b")], "more than one Host"),
        (.http1_1, [("Host", "a"), ("Origin", "http://a"), ("Origin", "http://b")], "more than one Origin"),
        (.http1_0, [("Transfer-Encoding", "chunked")], "HTTP/1.0"),
        (.http1_1, [("Host", "a"), ("Transfer-Encoding", "gzip, chunked")], "'chunked'"),
        (.http1_1, [("Host", "a"), ("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")], "'chunked'"),
        (.http1_1, [("Host", "a"), ("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "gzip")], "'chunked'"),
    ])
    mutating func `A head that others could understand in another way ends the connection`(
        version: HTTPVersion, headers: [(String, String)], reason: String
    ) {
        guard case .fail(let error) = state.received(Self.head(.POST, version, HTTPHeaders(headers))) else {
            Issue.record("it is accepted")
            return
        }
        #expect(error.message.contains(reason))
        #expect(state.failed(error) == true)
        #expect(state.receivedBody(bytes: 1) == false)
        #expect(state.receivedEnd() == false)
        #expect(state.received(Self.head()) == .drop)
        #expect(state.writesHead(isOurs: false) == .drop)
        #expect(state.writesEnd() == .refuse(.request(error)))
        #expect(state.isLeaving)
    }

    @Test mutating func `A request without Host is refused, but not in HTTP 1.0`() {
        let head = HTTPRequestHead(version: .http1_0, method: .GET, uri: "/")
        #expect(state.received(head) == .pass)
        #expect(state.receivedEnd() == true)
        #expect(
            state.received(HTTPRequestHead(version: .http1_1, method: .GET, uri: "/"))
                == .fail(InvalidRequest("The request has no Host header.")))
    }

    @Test mutating func `A chunked body in the smallest chunks is accepted, and endless extensions are not`() {
        #expect(state.received(Self.head(.POST, .http1_1, ["Transfer-Encoding": "Chunked"])) == .passChunked)
        #expect(state.received(total: 1000) == nil)
        for count in 1...100_000 {
            #expect(state.receivedBody(bytes: 1) == true)
            if state.received(total: 1000 + 6 * count) != nil {
                Issue.record("refused at \(count)")
                return
            }
        }
        #expect(state.receivedEnd() == true)
        #expect(state.received(total: 100_000_000) == nil, "no body is arriving")

        #expect(state.received(Self.head(.POST, .http1_1, ["Transfer-Encoding": "chunked"])) == .passChunked)
        #expect(state.received(total: 1000) == nil)
        #expect(state.received(total: 17_000) == nil)
        #expect(state.received(total: 18_000) != nil)
        #expect(state.received(total: 19_000) == nil, "once")
        #expect(state.receivedBody(bytes: 1) == false)
    }
}
