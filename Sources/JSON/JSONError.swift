/// Why bytes are not a JSON document, and where.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    public let message: String
    /// Counted from 1. A line ends with LF, CR or both.
    public let line: Int
    /// Counted from 1, in Unicode scalars; a byte order mark at the start does not count.
    public let column: Int

    public init(message: String, line: Int, column: Int) {
        self.message = message
        self.line = line
        self.column = column
    }

    init(_ message: String, at location: JSONLocation) {
        self.init(message: message, line: location.line, column: location.column)
    }

    /// For example: `line 3, column 5: expected ',' or '}' after the member "id"`
    public var description: String { "line \(line), column \(column): \(message)" }
}

/// A place in a document, as people and editors count.
package struct JSONLocation: Hashable, Sendable, CustomStringConvertible {
    package let line: Int
    package let column: Int

    /// Reads the document up to `offset`: make one only for a message.
    package init(offset: Int, in document: [UInt8]) {
        var line = 1
        var lineStart = document.starts(with: utf8ByteOrderMark) ? utf8ByteOrderMark.count : 0
        for index in 0..<min(offset, document.count) {
            let isCRLF =
                document[index] == .carriageReturn && index + 1 < document.count && document[index + 1] == .lineFeed
            if document[index] == .lineFeed || (document[index] == .carriageReturn && !isCRLF) {
                line += 1
                lineStart = index + 1
            }
        }
        self.line = line
        // Every scalar has exactly one byte that is not a continuation byte.
        self.column = 1 + document[lineStart..<max(offset, lineStart)].count { $0 & 0b1100_0000 != 0b1000_0000 }
    }

    package var description: String { "line \(line), column \(column)" }
}

package let utf8ByteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

extension UInt8 {
    static let lineFeed = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let quotationMark = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")
}
