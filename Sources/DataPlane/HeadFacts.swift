import Access
import FunctionModel
import NIOHTTP1
import Telemetry

/// The headers that decide how a request is handled, found in one pass.
struct HeadFacts {
    /// The `X-Request-Id` header.
    private(set) var requestID: String?
    private(set) var host: String?
    private(set) var origin: String?
    /// `Authorization`, `Forwarded` and `X-Forwarded-For`.
    private(set) var credentials = AccessControl.Credentials()
    /// The `Content-Length` header.
    private(set) var contentLength: Int?
    private(set) var isChunked = false
    private var hosts = 0
    private var origins = 0
    private var codings = 0
    private var isCodingKnown = true
    /// The client asks for another protocol.
    private(set) var hasUpgrade = false
    /// The client waits for `100 Continue` before it sends the body.
    private(set) var expectsContinue = false
    /// The `traceparent` header, if there is exactly one.
    private(set) var traceparent: String?
    private var traceparents = 0
    /// The `tracestate` headers, joined.
    private(set) var tracestate: String?
    /// The client wants the call's log lines with its response.
    private(set) var wantsLogTail = false

    init(_ head: HTTPRequestHead) {
        for (name, value) in head.headers {
            // The length rules out most names before anything is compared.
            switch name.utf8.count {
            case 4 where Self.isSame(name, "host"):
                host = host ?? value
                hosts += 1
            case 6 where Self.isSame(name, "origin"):
                origin = origin ?? value
                origins += 1
            case 6 where Self.isSame(name, "expect"): expectsContinue = Self.isSame(value, "100-continue")
            case 7 where Self.isSame(name, "upgrade"): hasUpgrade = true
            case 10 where Self.isSame(name, "tracestate"): tracestate = tracestate.map { "\($0),\(value)" } ?? value
            case 10 where Self.isSame(name, "x-log-tail"): wantsLogTail = Self.isSame(value, "true")
            case 11 where Self.isSame(name, "traceparent"):
                traceparents += 1
                traceparent = traceparents == 1 ? value : nil
            case 12 where Self.isSame(name, "x-request-id"): requestID = requestID ?? value
            case 9 where Self.isSame(name, "forwarded"): Self.join(value, to: &credentials.forwarded)
            // Two of them are a value that is not a token.
            case 13 where Self.isSame(name, "authorization"): Self.join(value, to: &credentials.authorization)
            case 15 where Self.isSame(name, "x-forwarded-for"): Self.join(value, to: &credentials.xForwardedFor)
            // The decoder has checked it: what is left is a number too large for an Int.
            case 14 where Self.isSame(name, "content-length"):
                contentLength = Int(value).flatMap { $0 < 0 ? nil : $0 } ?? .max
            case 17 where Self.isSame(name, "transfer-encoding"):
                isChunked = true
                codings += 1
                isCodingKnown = Self.isSame(value, "chunked")
            default: break
            }
        }
        // HTTP/1.0 has no interim responses.
        if head.version == .http1_0 { expectsContinue = false }
    }

    /// Why the request is refused before anything is made of it: another server or proxy might understand it in another
    /// way. The decoder has checked the rest.
    func fault(_ version: HTTPVersion) -> InvalidRequest? {
        let isOld = version == .http1_0
        if hosts == 1 || hosts == 0 && isOld, codings == 0, origins <= 1 { return nil }
        if hosts == 0, !isOld { return InvalidRequest("The request has no Host header.") }
        if hosts > 1 { return InvalidRequest("The request has more than one Host header.") }
        if origins > 1 { return InvalidRequest("The request has more than one Origin header.") }
        if isOld { return InvalidRequest("The request is HTTP/1.0, which has no Transfer-Encoding.") }
        guard codings == 1, isCodingKnown else {
            return InvalidRequest("The request's Transfer-Encoding is not 'chunked', the only one that is supported.")
        }
        return nil
    }

    /// nil: the client gave none, or none that is valid.
    var trace: TraceContext? { traceparent.flatMap { TraceContext(traceparent: $0, tracestate: tracestate) } }

    func requestFacts(_ head: HTTPRequestHead) -> RequestFacts {
        RequestFacts(
            method: head.method.rawValue, target: head.uri, host: host, origin: origin, contentLength: contentLength)
    }

    /// Several headers of one name are one list.
    private static func join(_ value: String, to values: inout String?) {
        if values?.append(", \(value)") == nil { values = value }
    }

    /// Whether `text` is `lowercase` in any mixture of cases.
    private static func isSame(_ text: String, _ lowercase: StaticString) -> Bool {
        guard text.utf8.count == lowercase.utf8CodeUnitCount else { return false }
        var text = text
        return text.withUTF8 { bytes in
            for index in bytes.indices {
                let (byte, expected) = (bytes[index], lowercase.utf8Start[index])
                let isUppercase = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                if (isUppercase ? byte | 0x20 : byte) != expected { return false }
            }
            return true
        }
    }
}
