import HTTPTypes
import PolyglotFaaS

/// The name of a request in answers, logs and the handler's context.
package enum RequestID {
    package static let headerName = HTTPField.Name("X-Request-Id")!

    /// The caller's, if it can stand in a header and a log line as it is; else a new one.
    package static func from(_ given: String?) -> String {
        if let given, isUsable(given) { return given }
        return new()
    }

    package static func new() -> String { RequestIDs.make() }

    private static func isUsable(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "-_.:/+=@".utf8.contains(byte)
                }
            }
    }
}
