/// Which pages of other origins may call a function from a browser (Cross-Origin Resource Sharing).
public struct CORS: Hashable, Sendable {
    /// Origins, for example `https://app.example`; `*`: all. Default: none.
    public var allowOrigins: [String]

    public init(allowOrigins: [String] = []) { self.allowOrigins = allowOrigins }

    /// How many origins a manifest may name.
    public static let maximumOrigins = 100

    /// The value of `Access-Control-Allow-Origin` for a page of this origin; nil: it may not call the function.
    public func answer(to origin: String) -> String? {
        if allowOrigins.contains("*") { return "*" }
        return allowOrigins.contains { $0.lowercased() == origin.lowercased() } ? origin : nil
    }

    /// Whether a text can be in ``allowOrigins``: `*`, or scheme, host and perhaps port.
    public static func isOrigin(_ text: String) -> Bool {
        if text == "*" { return true }
        guard
            let match = text.wholeMatch(
                of: /([A-Za-z][A-Za-z0-9+.\-]*):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._\-]+)(:[0-9]{1,5})?/)
        else { return false }
        return match.1 != "file"
    }
}
