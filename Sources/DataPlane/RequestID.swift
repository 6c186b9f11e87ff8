import HTTPTypes
import Telemetry

/// The name of a request in responses, logs and the handler's context.
package enum RequestID {
    // The constant is a valid name.
    // swift-format-ignore: NeverForceUnwrap
    package static let headerName = HTTPField.Name("X-Request-Id")!

    /// Whether a client's request id can stand in a header and a log line as it is.
    package static func isUsable(_ text: String) -> Bool {
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

extension RequestIDs {
    /// The client's request id if it is usable, else a new one.
    package mutating func requestID(given: String?) -> String {
        if let given, RequestID.isUsable(given) { return given }
        return next()
    }
}
