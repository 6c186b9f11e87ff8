/// The name a function is deployed under: 1 to 128 of `A-Z a-z 0-9 . _ -`, the first a letter or a digit.
///
/// Text becomes an id here and nowhere else, so that an id can be a file name or a path segment as it is.
public struct FunctionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let text: String

    public static let maximumLength = 128

    /// - Throws: ``InvalidRequest`` that says what is wrong with `text`.
    public init(_ text: String) throws(InvalidRequest) {
        guard let first = text.utf8.first else { throw InvalidRequest("A function id must not be empty.") }
        guard text.utf8.count <= Self.maximumLength else {
            throw InvalidRequest(
                "A function id has at most \(Self.maximumLength) characters; this one has \(text.utf8.count).")
        }
        guard first.isASCIILetterOrDigit,
            text.utf8.allSatisfy({ $0.isASCIILetterOrDigit || ".-_".utf8.contains($0) })
        else {
            throw InvalidRequest(
                "Invalid function id \(quoted(text)): use letters, digits, '.', '_' and '-', and begin with a letter "
                    + "or a digit."
            )
        }
        self.text = text
    }

    public static func < (left: FunctionID, right: FunctionID) -> Bool { left.text < right.text }

    public var description: String { text }
}

extension UInt8 {
    fileprivate var isASCIILetterOrDigit: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
