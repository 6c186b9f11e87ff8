/// Which version of a function is meant: `hello`, `hello@3` or `hello@live`.
public struct FunctionReference: Hashable, Sendable, CustomStringConvertible {
    public let id: FunctionID
    /// nil: the current version.
    public let version: FunctionQualifier?

    public init(_ id: FunctionID, _ version: FunctionQualifier? = nil) {
        self.id = id
        self.version = version
    }

    /// - Throws: ``InvalidRequest`` that says what is wrong with `text`.
    public init(_ text: String) throws(InvalidRequest) {
        guard let at = text.utf8.firstIndex(of: UInt8(ascii: "@")) else {
            self.init(try FunctionID(text))
            return
        }
        self.init(
            try FunctionID(String(text[..<at])), try FunctionQualifier(String(text[text.utf8.index(after: at)...])))
    }

    public var description: String { version.map { "\(id)@\($0)" } ?? id.text }
}

/// What stands behind the `@` of a ``FunctionReference``.
public enum FunctionQualifier: Hashable, Sendable, CustomStringConvertible {
    case number(Int)
    case alias(String)

    public static let maximumAliasLength = 64

    /// - Throws: ``InvalidRequest`` if it is neither a version's number nor an alias's name.
    public init(_ text: String) throws(InvalidRequest) {
        if let number = Int(text), number > 0, text.utf8.first != UInt8(ascii: "+") {
            self = .number(number)
            return
        }
        guard Self.isAlias(text) else {
            throw InvalidRequest(
                "Invalid version \(quoted(text)): use a version's number, or an alias, which has at most "
                    + "\(Self.maximumAliasLength) letters, digits, '_' and '-' and begins with a letter.")
        }
        self = .alias(text)
    }

    /// Whether it may name an alias: it cannot be taken for a number.
    public static func isAlias(_ text: String) -> Bool {
        guard let first = text.utf8.first, first.isASCIILetter, text.utf8.count <= maximumAliasLength else {
            return false
        }
        return text.utf8.allSatisfy { $0.isASCIILetter || (48...57).contains($0) || $0 == 95 || $0 == 45 }
    }

    public var description: String {
        switch self {
        case .number(let number): "\(number)"
        case .alias(let name): name
        }
    }
}

extension UInt8 {
    fileprivate var isASCIILetter: Bool { (65...90).contains(self) || (97...122).contains(self) }
}
