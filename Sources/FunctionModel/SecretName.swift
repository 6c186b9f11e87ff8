/// The name of a secret, which is also the name of the variable that a function finds it in.
public enum SecretName {
    public static let maximumLength = 128

    /// Whether a text is a letter or `_`, and then at most 127 letters, digits and `_`.
    public static func isValid(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= maximumLength else { return false }
        return !isDigit(first) && text.utf8.allSatisfy { isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "_") }
    }

    /// What is wrong with a text that is not a name.
    package static func problem(with text: String) -> String {
        "\(quoted(text)) is not the name of a secret; use at most \(maximumLength) letters, digits and '_', and begin "
            + "with a letter or '_'"
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}

/// There is no secret of that name.
public struct SecretNotFound: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .caller }
    public let name: String
    public init(name: String) { self.name = name }
    public var message: String { "There is no secret with the name \(quoted(name))." }
}
