import FunctionModel

/// Where a request comes from, as the browser says in `Origin`.
enum OriginRule {
    /// Whether a page of this origin is one of the server's own: its host and port are those of the request. `null`,
    /// the origin of sandboxed pages and local files, is not.
    static func isOwn(_ origin: String, authority: String?) -> Bool {
        guard var authority, let scheme = schemeEnd(origin) else { return false }
        var origin = origin
        return origin.withUTF8 { bytes in
            authority.withUTF8 { server in
                let bytes = UnsafeRawBufferPointer(bytes)
                let (page, server) = (bytes[(scheme + 3)...], UnsafeRawBufferPointer(server))
                guard !page.isEmpty else { return false }
                if HostRule.isSame(page, server) { return true }
                // Only one of the two may name the default port.
                let port: StaticString
                switch true {
                case HostRule.isSame(bytes[..<scheme], "http"): port = ":80"
                case HostRule.isSame(bytes[..<scheme], "https"): port = ":443"
                default: return false
                }
                return HostRule.isSame(
                    without(port, page), UnsafeRawBufferPointer(rebasing: without(port, server[...])))
            }
        }
    }

    private static func without(_ port: StaticString, _ authority: Slice<UnsafeRawBufferPointer>)
        -> Slice<UnsafeRawBufferPointer>
    {
        HostRule.isSame(authority.suffix(port.utf8CodeUnitCount), port)
            ? authority.dropLast(port.utf8CodeUnitCount) : authority
    }

    /// Where the `://` is.
    private static func schemeEnd(_ origin: String) -> Int? {
        var origin = origin
        return origin.withUTF8 { bytes in
            guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0, colon + 2 < bytes.count,
                bytes[colon + 1] == UInt8(ascii: "/"), bytes[colon + 2] == UInt8(ascii: "/")
            else { return nil }
            return colon
        }
    }
}

/// The request's host is not a name of the server.
public struct HostNotAllowed: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .caller }
    public let host: String
    public init(host: String) { self.host = host }
    public var message: String {
        "The server does not answer to the host \(quoted(host)). If that is a name of the server, start it with "
            + "'--allowed-host' and this name."
    }
}

/// The request comes from a page of another origin, which may not make it.
public struct OriginNotAllowed: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .caller }
    public let origin: String
    /// nil: the request calls no function.
    public let function: FunctionID?
    public init(origin: String, function: FunctionID? = nil) {
        self.origin = origin
        self.function = function
    }
    public var message: String {
        guard let function else { return "Pages of the origin \(quoted(origin)) may not use this path." }
        return "Pages of the origin \(quoted(origin)) may not call the function '\(function)'. Its manifest names the "
            + "origins that may: \"cors\": { \"allowOrigins\": […] }."
    }
}
