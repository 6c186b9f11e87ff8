/// Which documents are accepted.
public enum JSONSyntax: Hashable, Sendable {
    /// RFC 8259, and nothing else.
    case strict
    /// JSONC, for files that people write: also `//` and `/* */` comments, a comma after the last element or member,
    /// and a UTF-8 byte order mark.
    case withComments
}

/// One step through a document.
struct JSONEvent {
    enum Kind {
        case beginArray
        case beginObject
        /// The name of a member; the events of its value follow.
        case name(String)
        /// Anything but an array or an object.
        case scalar(JSONValue)
        /// The array or object begun last is complete.
        case end
    }

    let kind: Kind
    /// Where its first byte is in the document.
    let offset: Int
}

/// Walks through a JSON document, event by event. It does not call itself: what is open is kept in a list, so a
/// document cannot exhaust the stack.
struct JSONEventReader {
    private enum Container {
        case array
        case object(lastName: String)

        var closingBrace: UInt8 {
            switch self {
            case .array: UInt8(ascii: "]")
            case .object: UInt8(ascii: "}")
            }
        }
    }

    private enum Expectation {
        case value
        case elementOrEnd
        case name
        case nameOrEnd
        /// After a value: a comma, the end of what contains it, or the end of the document.
        case separatorOrEnd
    }

    private let syntax: JSONSyntax
    private let maximumDepth: Int
    private var scanner: JSONScanner
    private var open: [Container] = []
    private var expectation = Expectation.value

    init(_ document: [UInt8], syntax: JSONSyntax, maximumDepth: Int = JSONValue.maximumDepth) {
        self.syntax = syntax
        self.maximumDepth = maximumDepth
        scanner = JSONScanner(document, syntax: syntax)
    }

    /// The next event; nil at the end of a complete document.
    mutating func next() throws(JSONError) -> JSONEvent? {
        if scanner.offset == 0 { try scanner.skipByteOrderMark() }
        try scanner.skipSpace()
        if case .separatorOrEnd = expectation {
            guard let container = open.last else {
                guard scanner.current == nil else { throw scanner.unexpected("expected nothing more after the value") }
                return nil
            }
            guard scanner.current == UInt8(ascii: ",") else { return try readEnd(of: container) }
            scanner.offset += 1
            try scanner.skipSpace()
            expectation =
                switch (container, syntax) {
                case (.array, .strict): .value
                case (.array, .withComments): .elementOrEnd
                case (.object, .strict): .name
                case (.object, .withComments): .nameOrEnd
                }
            if syntax == .strict, scanner.current == container.closingBrace {
                throw scanner.error("a comma is not allowed before '\(Unicode.Scalar(container.closingBrace))'")
            }
        }
        switch (expectation, scanner.current) {
        case (.elementOrEnd, UInt8(ascii: "]")), (.nameOrEnd, UInt8(ascii: "}")): return closeContainer()
        case (.name, _), (.nameOrEnd, _): return try readName()
        default: return try readValue()
        }
    }

    // MARK: Structure

    private mutating func readEnd(of container: Container) throws(JSONError) -> JSONEvent {
        guard scanner.current == container.closingBrace else {
            switch container {
            case .array: throw scanner.unexpected("expected ',' or ']' after the element")
            case .object(let name):
                throw scanner.unexpected("expected ',' or '}' after the member \(doubleQuoted(name))")
            }
        }
        return closeContainer()
    }

    private mutating func closeContainer() -> JSONEvent {
        open.removeLast()
        expectation = .separatorOrEnd
        return consume(.end)
    }

    private mutating func openContainer(_ container: Container) throws(JSONError) -> JSONEvent {
        guard open.count < maximumDepth else {
            throw scanner.error("more than \(maximumDepth) arrays and objects inside each other")
        }
        open.append(container)
        switch container {
        case .array:
            expectation = .elementOrEnd
            return consume(.beginArray)
        case .object:
            expectation = .nameOrEnd
            return consume(.beginObject)
        }
    }

    /// The event of the next byte, which is then behind.
    private mutating func consume(_ kind: JSONEvent.Kind) -> JSONEvent {
        defer { scanner.offset += 1 }
        return JSONEvent(kind: kind, offset: scanner.offset)
    }

    private mutating func readName() throws(JSONError) -> JSONEvent {
        guard scanner.current == .quotationMark else {
            throw scanner.unexpected("expected the name of a member in double quotes")
        }
        let start = scanner.offset
        let name = try scanner.readString()
        try scanner.skipSpace()
        guard scanner.current == UInt8(ascii: ":") else {
            throw scanner.unexpected("expected ':' after the name \(doubleQuoted(name))")
        }
        scanner.offset += 1
        open[open.count - 1] = .object(lastName: name)
        expectation = .value
        return JSONEvent(kind: .name(name), offset: start)
    }

    // MARK: Values

    private mutating func readValue() throws(JSONError) -> JSONEvent {
        let start = scanner.offset
        let scalar: JSONValue
        guard let first = scanner.current else { throw scanner.unexpected("expected a value") }
        switch first {
        case UInt8(ascii: "["): return try openContainer(.array)
        case UInt8(ascii: "{"): return try openContainer(.object(lastName: ""))
        case .quotationMark: scalar = .string(try scanner.readString())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): scalar = try scanner.readNumber()
        case UInt8(ascii: "t") where scanner.skip("true"): scalar = .bool(true)
        case UInt8(ascii: "f") where scanner.skip("false"): scalar = .bool(false)
        case UInt8(ascii: "n") where scanner.skip("null"): scalar = .null
        default: throw scanner.unexpected("expected a value")
        }
        expectation = .separatorOrEnd
        return JSONEvent(kind: .scalar(scalar), offset: start)
    }
}

/// A name as it stands in a document, for messages: cut if it is long, control characters escaped.
private func doubleQuoted(_ name: String) -> String { "\"\(quoted(name).dropFirst().dropLast())\"" }
