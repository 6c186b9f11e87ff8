/// Names of modules that a call has imported. They come from a process that has run a function, so they are checked
/// wherever they are read.
public struct ModuleNames: Equatable, Sendable {
    /// Valid names, at most ``maximumCount``, in the order in which they are to be imported.
    public let names: [String]
    /// Whether no worker of this function should learn more.
    public let areComplete: Bool

    /// More than the largest packages have.
    public static let maximumCount = 2000
    public static let longestName = 200
    /// The longest message, in bytes. Checked before the message is read.
    public static let maximumLength = 128 << 10

    /// Keeps the names that are valid, as many as there may be.
    public init(keeping names: some Sequence<String>, areComplete: Bool = false) {
        self.areComplete = areComplete
        var kept: [String] = []
        var length = 5
        for name in names where Self.isValid(name) {
            length += 4 + name.utf8.count
            guard kept.count < Self.maximumCount, length <= Self.maximumLength else { break }
            kept.append(name)
        }
        self.names = kept
    }

    /// - Throws: ``ProtocolError`` if the message is longer than it may be, or a name is not valid.
    public init(_ payload: UnsafeRawBufferPointer) throws(ProtocolError) {
        guard payload.count <= Self.maximumLength else {
            throw .frameTooLong(UInt64(payload.count), limit: Self.maximumLength)
        }
        var reader = ByteReader(payload)
        try self.init(from: &reader)
        try reader.expectEnd()
    }

    init(from reader: inout ByteReader) throws(ProtocolError) {
        let complete: UInt8 = try reader.readInteger("completeness")
        guard complete <= 1 else { throw .invalidValue(field: "completeness") }
        areComplete = complete == 1
        let count: UInt32 = try reader.readInteger("number of modules")
        guard count <= Self.maximumCount else { throw .invalidValue(field: "number of modules") }
        var names: [String] = []
        for _ in 0..<count {
            let name = try reader.readString("module name")
            guard Self.isValid(name) else { throw .invalidValue(field: "module name") }
            names.append(name)
        }
        self.names = names
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: encodedLength)
        write(to: &writer)
        return writer.bytes
    }

    var encodedLength: Int { names.reduce(5) { $0 + 4 + $1.utf8.count } }

    func write(to writer: inout ByteWriter) {
        writer.write(UInt8(areComplete ? 1 : 0))
        writer.write(UInt32(names.count))
        for name in names { writer.write(name) }
    }

    /// Whether a text is a dotted name: identifiers of ASCII letters, digits and `_`, with single dots between them.
    public static func isValid(_ name: String) -> Bool {
        guard name.utf8.count <= longestName else { return false }
        var isStart = true
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
                isStart = false
            case UInt8(ascii: "0")...UInt8(ascii: "9") where !isStart: break
            case UInt8(ascii: ".") where !isStart: isStart = true
            default: return false
            }
        }
        return !isStart
    }
}
