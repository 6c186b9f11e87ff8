/// What a function's result means to HTTP.
public enum ResponseShape: String, Sendable, CaseIterable, CustomStringConvertible {
    /// The body of the answer. The default.
    case json
    /// The whole answer: status, headers and body. Its event is the request then (docs/http.md).
    case http

    public var description: String { rawValue }
}
