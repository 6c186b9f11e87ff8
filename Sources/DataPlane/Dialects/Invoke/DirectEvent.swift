import NIOCore

/// The event of a function that answers HTTP, sent to `/invoke/{id}` by a caller that has made it. It looks as the host's
/// own events do, and may say anything of the client and its headers. So it is marked: `direct` is true.
enum DirectEvent {
    private static let member = "\"direct\":true"

    /// Adds the mark to a JSON object, behind its other members: of two with one name, the last counts. An empty body is
    /// the event `{}`. What is not an object does not look like an event of the host.
    static func mark(_ event: ByteBuffer) -> ByteBuffer {
        let bytes = event.readableBytesView
        guard let first = bytes.firstIndex(where: { !isSpace($0) }) else { return ByteBuffer(string: "{\(member)}") }
        guard bytes[first] == UInt8(ascii: "{"), let last = bytes.lastIndex(where: { !isSpace($0) }), last > first,
            bytes[last] == UInt8(ascii: "}")
        else { return event }
        let isEmpty = bytes[(first + 1)..<last].allSatisfy(isSpace)
        var marked = event
        marked.moveWriterIndex(to: last)
        marked.writeString("\(isEmpty ? "" : ",")\(member)}")
        return marked
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
}
