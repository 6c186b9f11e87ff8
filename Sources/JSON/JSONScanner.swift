/// Reads the pieces of a JSON document from its bytes, one after the other: texts, numbers, and what is between them.
struct JSONScanner {
    private let document: [UInt8]
    private let syntax: JSONSyntax
    /// Of the next byte.
    var offset = 0

    init(_ document: [UInt8], syntax: JSONSyntax) {
        self.document = document
        self.syntax = syntax
    }

    // MARK: Texts and numbers

    mutating func readString() throws(JSONError) -> String {
        let start = offset
        offset += 1
        var text = ""
        var runStart = offset
        while let byte = current {
            switch byte {
            case .quotationMark:
                let run = try decode(runStart..<offset)
                offset += 1
                // Nearly every string is a single run: it need not be copied.
                return text.isEmpty ? run : text + run
            case .backslash:
                text += try decode(runStart..<offset)
                text.unicodeScalars.append(try readEscape())
                runStart = offset
            case 0..<0x20:
                throw error("control characters in text must be escaped")
            default:
                offset += 1
            }
        }
        offset = start
        throw error("the closing quote is missing")
    }

    /// Reads `\n`, `\u00e9` and the like; a surrogate pair makes one scalar, and half of one U+FFFD.
    private mutating func readEscape() throws(JSONError) -> Unicode.Scalar {
        let start = offset
        offset += 1
        let letter = current
        offset += 1
        switch letter {
        case .quotationMark: return "\""
        case .backslash: return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            guard let first = readFourHexDigits() else {
                offset = start
                throw error("expected four hexadecimal digits after \\u")
            }
            if let scalar = Unicode.Scalar(first) { return scalar }
            let afterFirst = offset
            if UTF16.isLeadSurrogate(first), skip("\\u"), let second = readFourHexDigits(),
                UTF16.isTrailSurrogate(second)
            {
                let value = 0x10000 + (UInt32(first - 0xd800) << 10 | UInt32(second - 0xdc00))
                return Unicode.Scalar(value) ?? "\u{fffd}"
            }
            offset = afterFirst
            return "\u{fffd}"
        default:
            offset = start
            throw error("unknown escape: use one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u")
        }
    }

    private mutating func readFourHexDigits() -> UInt16? {
        guard document.count - offset >= 4 else { return nil }
        var value: UInt16 = 0
        for byte in document[offset..<offset + 4] {
            let digit =
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
                case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
                case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
                default: UInt8.max
                }
            guard digit < 16 else { return nil }
            value = value << 4 | UInt16(digit)
        }
        offset += 4
        return value
    }

    mutating func readNumber() throws(JSONError) -> JSONValue {
        let start = offset
        let isNegative = skip("-")
        let digitsStart = offset
        try skipDigits("after '-'")
        if document[digitsStart] == UInt8(ascii: "0"), offset > digitsStart + 1 {
            offset = start
            throw error("a number must not begin with 0")
        }
        var isWhole = true
        if skip(".") {
            isWhole = false
            try skipDigits("after the decimal point")
        }
        if skip("e") || skip("E") {
            isWhole = false
            if !skip("+") { skip("-") }
            try skipDigits("in the exponent")
        }
        let text = String(decoding: document[start..<offset], as: UTF8.self)
        if isWhole, let integer = Int64(text), !(integer == 0 && isNegative) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else {
            offset = start
            throw error("the number is too large")
        }
        return .number(number)
    }

    private mutating func skipDigits(_ place: String) throws(JSONError) {
        let start = offset
        while let byte = current, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { offset += 1 }
        if offset == start { throw unexpected("expected a digit \(place)") }
    }

    // MARK: Between values

    mutating func skipByteOrderMark() throws(JSONError) {
        guard document.starts(with: utf8ByteOrderMark) else { return }
        guard syntax == .withComments else { throw error("a byte order mark is not allowed") }
        offset += utf8ByteOrderMark.count
    }

    mutating func skipSpace() throws(JSONError) {
        while let byte = current {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), .lineFeed, .carriageReturn: offset += 1
            case UInt8(ascii: "/"): try skipComment()
            default: return
            }
        }
    }

    private mutating func skipComment() throws(JSONError) {
        guard syntax == .withComments else { throw error("comments are not allowed") }
        let start = offset
        if skip("//") {
            while let byte = current, byte != .lineFeed, byte != .carriageReturn { offset += 1 }
        } else if skip("/*") {
            while !skip("*/") {
                guard offset < document.count else {
                    offset = start
                    throw error("the end of the comment, '*/', is missing")
                }
                offset += 1
            }
        } else {
            throw error("expected a comment: '//' or '/*'")
        }
        _ = try decode(start..<offset)
    }

    // MARK: Bytes

    /// The next byte; nil at the end.
    var current: UInt8? { offset < document.count ? document[offset] : nil }

    /// Skips `text` if it comes next. `text` is ASCII.
    @discardableResult
    mutating func skip(_ text: StaticString) -> Bool {
        guard document.count - offset >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where document[offset + index] != text.utf8Start[index] { return false }
        offset += text.utf8CodeUnitCount
        return true
    }

    private func decode(_ range: Range<Int>) throws(JSONError) -> String {
        do {
            return String(copying: try UTF8Span(validating: document.span.extracting(range)))
        } catch {
            throw notUTF8(at: range.lowerBound + error.byteOffsets.lowerBound)
        }
    }

    // MARK: Errors

    func error(_ message: String, at offset: Int? = nil) -> JSONError {
        JSONError(message, at: JSONLocation(offset: offset ?? self.offset, in: document))
    }

    private func notUTF8(at offset: Int) -> JSONError { error("the text is not valid UTF-8", at: offset) }

    /// The error of a byte, or of an end, that nothing allows here.
    func unexpected(_ expectation: String) -> JSONError {
        guard let byte = current else { return error("\(expectation), but the document ends here") }
        if byte >= 0x80 {
            var decoder = UTF8()
            var rest = document[offset...].makeIterator()
            if case .error = decoder.decode(&rest) { return notUTF8(at: offset) }
        }
        return error(expectation)
    }
}
