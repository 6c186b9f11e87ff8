/// Reads fields from untrusted bytes, and checks every length against the bytes that are left.
///
/// It does not own the bytes, so it must not outlive the closure or call that lends them.
struct ByteReader {
    private var rest: UnsafeRawBufferPointer.SubSequence

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes[...] }

    mutating func readBytes(_ count: Int, _ field: String) throws(ProtocolError) -> UnsafeRawBufferPointer {
        guard count <= rest.count else { throw .truncated(field: field) }
        defer { rest = rest.dropFirst(count) }
        return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
    }

    mutating func readInteger<Number: FixedWidthInteger>(_ field: String) throws(ProtocolError) -> Number {
        Number(littleEndian: try readBytes(MemoryLayout<Number>.size, field).loadUnaligned(as: Number.self))
    }

    /// Reads text that follows its length in bytes (u32).
    mutating func readString(_ field: String) throws(ProtocolError) -> String {
        let length: UInt32 = try readInteger(field)
        return try decodeUTF8(try readBytes(Int(length), field), field)
    }

    /// The same, for a message that may have been cut within the text: returns the part that is there. An incomplete
    /// last character is replaced.
    mutating func readStringOrStart(_ field: String) throws(ProtocolError) -> (isWhole: Bool, text: String) {
        let length: UInt32 = try readInteger(field)
        if Int(length) <= rest.count { return (true, try decodeUTF8(try readBytes(Int(length), field), field)) }
        return (false, String(decoding: readRest(), as: UTF8.self))
    }

    /// The bytes not read yet.
    mutating func readRest() -> UnsafeRawBufferPointer {
        defer { rest = rest.suffix(0) }
        return UnsafeRawBufferPointer(rebasing: rest)
    }

    func expectEnd() throws(ProtocolError) {
        guard rest.isEmpty else { throw .trailingBytes(rest.count) }
    }
}

func decodeUTF8(_ bytes: UnsafeRawBufferPointer, _ field: String) throws(ProtocolError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalidUTF8(field: field) }
    return text
}

/// Writes what ``ByteReader`` reads.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    mutating func write(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func write(_ text: String) {
        var text = text
        text.withUTF8 {
            write(UInt32($0.count))
            bytes.append(contentsOf: $0)
        }
    }

    mutating func write(bytes more: [UInt8]) { bytes.append(contentsOf: more) }
}
