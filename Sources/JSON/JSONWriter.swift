extension JSONValue {
    /// The value as a JSON document in UTF-8. Members are sorted by name, so that a value always makes the same
    /// document.
    ///
    /// A double prints so that it reads back as the same double, and never as an integer (`1.0`). Infinities and NaN,
    /// which JSON does not have, become `null`.
    /// - Parameter pretty: One line for each element and member, indented by two spaces; otherwise no space at all.
    public func jsonBytes(pretty: Bool = false) -> [UInt8] {
        var writer = JSONWriter(isPretty: pretty)
        writer.write(self)
        return writer.bytes
    }

    /// The document of ``jsonBytes(pretty:)`` as text.
    public func jsonText(pretty: Bool = false) -> String {
        String(decoding: jsonBytes(pretty: pretty), as: UTF8.self)
    }
}

private struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private let isPretty: Bool
    private var depth = 0

    init(isPretty: Bool) { self.isPretty = isPretty }

    // It may recurse: a value is never deeper than its own destruction, which recurses too, can go.
    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: append("null")
        case .bool(let flag): append(flag ? "true" : "false")
        case .integer(let number): append(String(number))
        case .number(let number): append(number.isFinite ? number.description : "null")
        case .string(let text): writeText(text)
        case .array(let elements):
            writeList("[", elements, "]") { $0.write($1) }
        case .object(let members):
            let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            writeList("{", sorted, "}") { writer, member in
                writer.writeText(member.key)
                writer.append(writer.isPretty ? ": " : ":")
                writer.write(member.value)
            }
        }
    }

    private mutating func writeList<Item>(
        _ opening: String, _ items: [Item], _ closing: String, writeItem: (inout JSONWriter, Item) -> Void
    ) {
        append(opening)
        depth += 1
        for (index, item) in items.enumerated() {
            if index > 0 { append(",") }
            startLine()
            writeItem(&self, item)
        }
        depth -= 1
        if !items.isEmpty { startLine() }
        append(closing)
    }

    private mutating func startLine() {
        guard isPretty else { return }
        bytes.append(.lineFeed)
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
    }

    private mutating func writeText(_ text: String) { JSONText.append(text, to: &bytes) }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }
}

/// The form of a text in a JSON document, for callers that write documents themselves.
package enum JSONText {
    /// Adds `text` with its quotation marks, escaped.
    package static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(.quotationMark)
        var text = text
        text.withUTF8 { utf8 in
            var unwritten = utf8[...]
            while let index = unwritten.firstIndex(where: { $0 < 0x20 || $0 == .quotationMark || $0 == .backslash }) {
                bytes.append(contentsOf: unwritten[..<index])
                appendEscape(utf8[index], to: &bytes)
                unwritten = unwritten[(index + 1)...]
            }
            bytes.append(contentsOf: unwritten)
        }
        bytes.append(.quotationMark)
    }

    private static func appendEscape(_ byte: UInt8, to bytes: inout [UInt8]) {
        switch byte {
        case .quotationMark: bytes += "\\\"".utf8
        case .backslash: bytes += "\\\\".utf8
        case .lineFeed: bytes += "\\n".utf8
        case .carriageReturn: bytes += "\\r".utf8
        case UInt8(ascii: "\t"): bytes += "\\t".utf8
        default:
            let digits = String(byte, radix: 16)
            bytes += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8
        }
    }
}
