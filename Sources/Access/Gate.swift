import Foundation
import FunctionModel

/// The facts of a request that decide what happens to it. Plain values: no socket, no HTTP library.
public struct RequestFacts: Sendable {
    /// The request's method, for example `POST`.
    public var method: String
    /// The request target as it was sent: a path with a query, or a whole URI.
    public var target: String
    /// The `Host` header.
    public var host: String?
    /// The `Origin` header.
    public var origin: String?
    /// The `Content-Length` header; nil: the body is chunked, or there is none.
    public var contentLength: Int?

    public init(
        method: String, target: String, host: String? = nil, origin: String? = nil, contentLength: Int? = nil
    ) {
        self.method = method
        self.target = target
        self.host = host
        self.origin = origin
        self.contentLength = contentLength
    }
}

/// Decides what happens to a request: a call of a function, a route of the control plane, or a refusal.
///
/// Pure, and in front of the fast path and the router. Each concern (Host, Origin, access) is one function here that
/// returns nil or a refusal. ``decide(_:)`` calls those that need only the request's head; access is decided with the
/// tokens there are (``AccessControl``), and for public functions with the function.
public struct Gate: Sendable {
    /// How a call is spelled in HTTP.
    public enum Dialect: Sendable, CaseIterable {
        /// `POST /invoke/{id}` or `/invoke/{id}@{version or alias}`: the body is the event.
        case invoke
        /// Any method of `/http/{id}/…`: the request is the event.
        case functionURL
    }

    /// A call of a function.
    public struct Call: Equatable, Sendable {
        public let dialect: Dialect
        public let function: FunctionID
        /// The version that the path names behind `@`; nil: the current one.
        public let version: FunctionQualifier?
        /// The part of the path behind the function's id, as it was sent: `/a/b` of `/http/{id}/a/b`.
        public let rest: Substring
        /// The origin of the page that makes the call, if it is not the server's own: the function has to allow it,
        /// with ``Gate/allowedOrigin(_:for:)``.
        public let foreignOrigin: String?
        /// The browser asks whether the page may make the call.
        public let isPreflight: Bool

        public var reference: FunctionReference { FunctionReference(function, version) }
    }

    public enum Decision: Sendable {
        case call(Call)
        /// The control plane's router answers, also with 404 and 405.
        case route
        /// The request gets this error as its response, in the dialect of the path.
        case refuse(Dialect, any FunctionError)
    }

    private let hosts: HostRule

    public init(hosts: HostRule = .any) { self.hosts = hosts }

    public func decide(_ facts: RequestFacts) -> Decision {
        let uri = RequestURI(facts.target)
        let authority = uri.authority ?? facts.host
        // Probes of load balancers use any name, and the response is no secret.
        if uri.isProbe, facts.method == "GET" || facts.method == "HEAD" { return .route }
        let isForeign = facts.origin.map { !OriginRule.isOwn($0, authority: authority) } ?? false
        let target = Target(uri, method: facts.method, isPreflight: isForeign && facts.method == "OPTIONS")
        if let refusal = refusal(ofHost: authority) { return .refuse(target?.dialect ?? .invoke, refusal) }
        let foreignOrigin = isForeign ? facts.origin : nil
        guard let target else {
            return foreignOrigin.map { .refuse(.invoke, OriginNotAllowed(origin: $0)) } ?? .route
        }
        do {
            let reference = try target.reference
            return .call(
                Call(
                    dialect: target.dialect, function: reference.id, version: reference.version, rest: target.rest,
                    foreignOrigin: foreignOrigin, isPreflight: target.isPreflight))
        } catch {
            return .refuse(target.dialect, foreignOrigin.map { OriginNotAllowed(origin: $0) } ?? error)
        }
    }

    /// HTTP/1.0 has no `Host`, and no browser speaks it.
    private func refusal(ofHost authority: String?) -> HostNotAllowed? {
        guard let authority, !hosts.allows(authority) else { return nil }
        return HostNotAllowed(host: authority)
    }

    // MARK: Access

    /// The token that the value of `Authorization` has; nil: it has none that is in the table.
    static func token(_ authorization: String, tokens: TokenTable) -> Token? {
        var authorization = authorization
        return authorization.withUTF8 { bytes in
            let scheme: StaticString = "bearer "
            let bytes = UnsafeRawBufferPointer(bytes)
            guard HostRule.isSame(bytes.prefix(scheme.utf8CodeUnitCount), scheme) else { return nil }
            let secret = bytes.dropFirst(scheme.utf8CodeUnitCount).drop { $0 == UInt8(ascii: " ") }
            return tokens.token(secret: UnsafeRawBufferPointer(rebasing: secret))
        }
    }

    /// Who makes a request that has this token.
    /// - Parameter now: seconds since 1970. Called only if the token expires some time.
    static func principal(_ token: Token, now: () -> Int64) -> Principal {
        guard token.expiresAt != nil, token.isExpired(now: now()) else { return .token(token) }
        return .anonymous(.expired)
    }

    /// Why the caller may not make a call, unless the function is public; nil: it may.
    public static func denial(of call: Call, for principal: Principal) -> AccessDenial? {
        principal.denial(of: .invokeFunction(call.function))
    }

    /// Whether every caller may call the function in this way. A caller of `/invoke` writes the whole event: for a
    /// function that answers HTTP, also what the host says of the client elsewhere. That needs a scope.
    public static func isPublic(_ function: Function, _ dialect: Dialect) -> Bool {
        function.definition.access == .public && (dialect == .functionURL || function.definition.response == .json)
    }

    /// Whether an `Authorization` header holds a token of this server: the function does not get it.
    public static func isToken(_ authorization: String) -> Bool {
        authorization.utf8.count >= TokenSecret.length && authorization.contains(TokenSecret.prefix)
    }

    /// The value of `Access-Control-Allow-Origin` in the response to a call by a page of another origin.
    public static func allowedOrigin(_ origin: String, for function: Function) throws(OriginNotAllowed) -> String {
        guard let answer = function.definition.cors.answer(to: origin) else {
            throw OriginNotAllowed(origin: origin, function: function.id)
        }
        return answer
    }
}

/// A request's target, cut into its parts. Works on bytes: finding characters takes several times as long.
private struct RequestURI {
    /// Of a target that is a whole URI, as proxies send it: host and port. It counts instead of `Host`.
    let authority: String?
    /// Without the query.
    let path: Substring.UTF8View
    let hasQuery: Bool

    init(_ target: String) {
        var text = Substring(target).utf8
        var authority: String?
        if text.first != UInt8(ascii: "/"), let scheme = target.range(of: "://") {
            let rest = target.utf8[scheme.upperBound...]
            text = rest.drop { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
            authority = String(Substring(rest[..<text.startIndex]))
        }
        self.authority = authority
        path = text.prefix { $0 != UInt8(ascii: "?") }
        hasQuery = path.endIndex != text.endIndex
    }

    /// With a query it reports more, so that is a route like any other.
    var isProbe: Bool {
        guard !hasQuery else { return false }
        let first = Self.segment(in: path)
        guard first.elementsEqual("health".utf8) || first.elementsEqual("ready".utf8) else { return false }
        return path[first.endIndex...].allSatisfy { $0 == UInt8(ascii: "/") }
    }

    /// The first segment that is not empty: repeated slashes count as one.
    static func segment(in path: Substring.UTF8View) -> Substring.UTF8View {
        path.drop { $0 == UInt8(ascii: "/") }.prefix { $0 != UInt8(ascii: "/") }
    }
}

/// The path of a call, cut into its parts.
private struct Target {
    let dialect: Gate.Dialect
    private let id: Substring
    let rest: Substring
    let isPreflight: Bool

    /// nil: the path is not that of a call.
    init?(_ uri: RequestURI, method: String, isPreflight: Bool) {
        let first = RequestURI.segment(in: uri.path)
        guard !first.isEmpty else { return nil }
        let second = RequestURI.segment(in: uri.path[first.endIndex...])
        guard !second.isEmpty else { return nil }
        let rest = uri.path[second.endIndex...]
        if first.elementsEqual("http".utf8) {
            dialect = .functionURL
            // The function answers OPTIONS like every other method.
            self.isPreflight = false
        } else if first.elementsEqual("invoke".utf8), method == "POST" || isPreflight,
            rest.allSatisfy({ $0 == UInt8(ascii: "/") })
        {
            dialect = .invoke
            self.isPreflight = isPreflight
        } else {
            return nil
        }
        id = Substring(second)
        self.rest = Substring(rest)
    }

    var reference: FunctionReference {
        get throws(InvalidRequest) {
            guard id.utf8.contains(UInt8(ascii: "%")) else { return try FunctionReference(String(id)) }
            guard let decoded = String(id).removingPercentEncoding else {
                throw InvalidRequest("The path is not percent-encoded text.")
            }
            return try FunctionReference(decoded)
        }
    }
}
