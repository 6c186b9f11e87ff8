import Glibc

/// Tells an ES module from a script by what stands at its top level.
package enum ModuleSyntax {
    /// Whether the source has an `import` or `export` declaration, or `import.meta`.
    ///
    /// A scan of brackets, texts and comments, not a parser: what it cannot tell is taken for a script, and the engine
    /// says what is wrong with it.
    package static func isModule(_ source: String) -> Bool {
        var source = source
        return source.withUTF8 { bytes in
            // Most scripts have neither word anywhere.
            guard hasImportOrExport(bytes) else { return false }
            var scanner = Scanner(bytes)
            return scanner.findsDeclaration()
        }
    }

    /// Asked of each source that a library's caller gives, with each call: no slower than the C library finds a letter.
    private static func hasImportOrExport(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = bytes.baseAddress else { return false }
        var from = 2
        while from + 4 <= bytes.count, let found = memchr(start + from, Int32(UInt8(ascii: "p")), bytes.count - from) {
            let at = UnsafeRawPointer(found) - UnsafeRawPointer(start)
            guard at + 4 <= bytes.count else { return false }
            let word = (bytes[at - 2], bytes[at - 1], bytes[at + 1], bytes[at + 2], bytes[at + 3])
            let rest = (UInt8(ascii: "o"), UInt8(ascii: "r"), UInt8(ascii: "t"))
            // `exports` is what scripts have.
            let isWhole = at + 4 == bytes.count || !Scanner.isWord(bytes[at + 4])
            if isWhole, (word.2, word.3, word.4) == rest,
                (word.0, word.1) == (UInt8(ascii: "i"), UInt8(ascii: "m"))
                    || (word.0, word.1) == (UInt8(ascii: "e"), UInt8(ascii: "x"))
            {
                return true
            }
            from = at + 1
        }
        return false
    }
}

private struct Scanner {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    /// Open brackets; `$` for the `${` of a template.
    private var brackets: [UInt8] = []
    /// Whether a `/` would begin a regular expression, because an operand is expected.
    private var expectsOperand = true

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func findsDeclaration() -> Bool {
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"):
                position += 1
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "/"):
                skip { $0 != UInt8(ascii: "\n") }
            case UInt8(ascii: "#") where position == 0:
                skip { $0 != UInt8(ascii: "\n") }
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "*"):
                skipBlockComment()
            case UInt8(ascii: "/") where expectsOperand:
                skipRegularExpression()
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                skipText(byte)
                expectsOperand = false
            case UInt8(ascii: "`"):
                position += 1
                skipTemplate()
            case UInt8(ascii: "{"), UInt8(ascii: "("), UInt8(ascii: "["):
                position += 1
                brackets.append(byte)
                expectsOperand = true
            case UInt8(ascii: "}") where brackets.last == UInt8(ascii: "$"):
                position += 1
                brackets.removeLast()
                skipTemplate()
            case UInt8(ascii: "}"), UInt8(ascii: ")"), UInt8(ascii: "]"):
                position += 1
                _ = brackets.popLast()
                // After a block an operand follows more often than a division.
                expectsOperand = byte == UInt8(ascii: "}")
            case _ where Self.isWord(byte):
                if scanWord() { return true }
            default:
                position += 1
                expectsOperand = true
            }
        }
        return false
    }

    // MARK: Words

    /// Returns whether the word makes this a module.
    private mutating func scanWord() -> Bool {
        let start = position
        skip(while: Self.isWord)
        let word = UnsafeBufferPointer(rebasing: bytes[start..<position])
        let isMember =
            start > 0 && bytes[start - 1] == UInt8(ascii: ".") && !(start > 2 && bytes[start - 2] == UInt8(ascii: "."))
        expectsOperand = !isMember && Self.wordsBeforeOperands.contains { Self.equal(word, $0) }
        guard !isMember else { return false }
        let next = nextSignificant()
        if Self.equal(word, "import") {
            // `import(…)` is an expression that scripts have too.
            guard let next, next != UInt8(ascii: "(") else { return false }
            if next == UInt8(ascii: ".") { return true }
            return brackets.isEmpty && (Self.isWord(next) || "{*'\"".utf8.contains(next))
        }
        if Self.equal(word, "export") {
            return brackets.isEmpty && next.map { Self.isWord($0) || "{*@".utf8.contains($0) } == true
        }
        return false
    }

    /// The next byte that is neither space nor in a comment.
    private func nextSignificant() -> UInt8? {
        var ahead = self
        while let byte = ahead.peek() {
            if byte == UInt8(ascii: "/"), ahead.peek(1) == UInt8(ascii: "*") {
                ahead.skipBlockComment()
            } else if byte == UInt8(ascii: "/"), ahead.peek(1) == UInt8(ascii: "/") {
                ahead.skip { $0 != UInt8(ascii: "\n") }
            } else if byte == UInt8(ascii: " ") || (9...13).contains(byte) {
                ahead.position += 1
            } else {
                return byte
            }
        }
        return nil
    }

    private static let wordsBeforeOperands: [StaticString] = [
        "return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "do", "else", "instanceof", "await",
        "yield",
    ]

    private static func equal(_ word: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
        word.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    static func isWord(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "$") || byte >= 0x80
    }

    // MARK: Skipping

    private func peek(_ ahead: Int = 0) -> UInt8? {
        position + ahead < bytes.count ? bytes[position + ahead] : nil
    }

    private mutating func skip(while condition: (UInt8) -> Bool) {
        while let byte = peek(), condition(byte) { position += 1 }
    }

    private mutating func skipBlockComment() {
        position += 2
        while let byte = peek(), !(byte == UInt8(ascii: "*") && peek(1) == UInt8(ascii: "/")) { position += 1 }
        position += 2
    }

    private mutating func skipText(_ quote: UInt8) {
        position += 1
        while let byte = peek(), byte != quote, byte != UInt8(ascii: "\n") {
            position += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        position += 1
    }

    private mutating func skipRegularExpression() {
        position += 1
        var isInClass = false
        while let byte = peek(), byte != UInt8(ascii: "\n"), isInClass || byte != UInt8(ascii: "/") {
            if byte == UInt8(ascii: "[") { isInClass = true }
            if byte == UInt8(ascii: "]") { isInClass = false }
            position += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        position += 1
        expectsOperand = false
    }

    /// Up to the end of a template, or to the `${` in it.
    private mutating func skipTemplate() {
        while let byte = peek(), byte != UInt8(ascii: "`") {
            if byte == UInt8(ascii: "$"), peek(1) == UInt8(ascii: "{") {
                position += 2
                brackets.append(UInt8(ascii: "$"))
                expectsOperand = true
                return
            }
            position += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        position += 1
        expectsOperand = false
    }
}
