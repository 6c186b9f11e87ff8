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
/// Pure, and the same for the fast path and for the router. Each later concern (Host, Origin, token, scope, rate) is
/// one function here, called by ``decide(_:)``, that returns nil or a refusal.
public struct Gate: Sendable {
    /// How a call is spelled in HTTP.
    public enum Dialect: Sendable, CaseIterable {
        /// `POST /invoke/{id}`: the body is the event.
        case invoke
        /// Any method of `/http/{id}/…`: the request is the event.
        case functionURL
    }

    /// A call of a function.
    public struct Call: Equatable, Sendable {
        public let dialect: Dialect
        public let function: FunctionID
        /// The part of the path behind the function's id, as it was sent: `/a/b` of `/http/{id}/a/b`.
        public let rest: Substring
    }

    public enum Decision: Sendable {
        case call(Call)
        /// The control plane's router answers, also with 404 and 405.
        case route
        /// The request gets this error as its response, in the dialect of the path.
        case refuse(Dialect, any FunctionError)
    }

    public init() {}

    public func decide(_ facts: RequestFacts) -> Decision {
        guard let target = Target(facts) else { return .route }
        do {
            return .call(Call(dialect: target.dialect, function: try target.functionID, rest: target.rest))
        } catch {
            return .refuse(target.dialect, error)
        }
    }
}

/// The path of a call, cut into its parts. Works on bytes: finding characters takes several times as long.
private struct Target {
    let dialect: Gate.Dialect
    private let id: Substring
    let rest: Substring

    /// nil: the path is not that of a call.
    init?(_ facts: RequestFacts) {
        let path = Self.path(of: facts.target)
        let first = Self.segment(in: path)
        guard !first.isEmpty else { return nil }
        let second = Self.segment(in: path[first.endIndex...])
        guard !second.isEmpty else { return nil }
        let rest = path[second.endIndex...]
        if first.elementsEqual("http".utf8) {
            dialect = .functionURL
        } else if first.elementsEqual("invoke".utf8), facts.method == "POST",
            rest.allSatisfy({ $0 == UInt8(ascii: "/") })
        {
            dialect = .invoke
        } else {
            return nil
        }
        id = Substring(second)
        self.rest = Substring(rest)
    }

    var functionID: FunctionID {
        get throws(InvalidRequest) {
            guard id.utf8.contains(UInt8(ascii: "%")) else { return try FunctionID(String(id)) }
            guard let decoded = String(id).removingPercentEncoding else {
                throw InvalidRequest("The path is not percent-encoded text.")
            }
            return try FunctionID(decoded)
        }
    }

    /// The target's path without its query. Proxies may send a whole URI.
    private static func path(of target: String) -> Substring.UTF8View {
        var text = Substring(target).utf8
        if text.first != UInt8(ascii: "/"), let scheme = target.range(of: "://") {
            text = target.utf8[scheme.upperBound...].drop { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        }
        return text.prefix { $0 != UInt8(ascii: "?") }
    }

    /// The first segment that is not empty: repeated slashes count as one.
    private static func segment(in path: Substring.UTF8View) -> Substring.UTF8View {
        path.drop { $0 == UInt8(ascii: "/") }.prefix { $0 != UInt8(ascii: "/") }
    }
}
