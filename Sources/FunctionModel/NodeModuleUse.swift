import Glibc

/// Whether a script asks for what Node has built in, so that it has to be built: the engine has none of it.
package enum NodeModuleUse {
    /// The modules of Node's that functions can have, by their names without `node:`.
    package static let available: Set<String> = [
        "assert", "assert/strict", "async_hooks", "buffer", "console", "crypto", "events", "os", "path", "path/posix",
        "perf_hooks", "process", "querystring", "string_decoder", "timers", "timers/promises", "tty", "url", "util",
        "util/types",
    ]

    /// Whether the source has `require` of such a module with its name as a text, or uses the global `Buffer`.
    ///
    /// In a comment or a text it counts too: then the script is built, and does what it did. Asked of each source that
    /// a library's caller gives, with each call: no slower than the C library finds two rare letters.
    ///
    /// - Parameter own: names of the function's dependencies, which come first.
    static func isFound(in source: String, own: some Collection<String>) -> Bool {
        var source = source
        return source.withUTF8 { bytes in
            if isFound(UInt8(ascii: "B"), in: bytes, where: { isBuffer(bytes, at: $0) }) { return true }
            return isFound(UInt8(ascii: "q"), in: bytes) { at in
                guard let name = requiredName(bytes, at: at) else { return false }
                return available.contains(name.hasPrefix("node:") ? String(name.dropFirst(5)) : name)
                    && !own.contains(name)
            }
        }
    }

    private static func isFound(_ letter: UInt8, in bytes: UnsafeBufferPointer<UInt8>, where isMeant: (Int) -> Bool)
        -> Bool
    {
        guard let start = bytes.baseAddress else { return false }
        var from = 0
        while from < bytes.count, let found = memchr(start + from, Int32(letter), bytes.count - from) {
            let at = UnsafeRawPointer(found) - UnsafeRawPointer(start)
            if isMeant(at) { return true }
            from = at + 1
        }
        return false
    }

    /// `Buffer.`, and no member or longer word.
    private static func isBuffer(_ bytes: UnsafeBufferPointer<UInt8>, at: Int) -> Bool {
        guard has("Buffer.", bytes, at: at) else { return false }
        return at == 0 || !(isWord(bytes[at - 1]) || bytes[at - 1] == UInt8(ascii: "."))
    }

    /// The text in `require("…")` whose `q` is at this place.
    private static func requiredName(_ bytes: UnsafeBufferPointer<UInt8>, at: Int) -> String? {
        guard has("require", bytes, at: at - 2), at == 2 || !isWord(bytes[at - 3]) else { return nil }
        var position = at + 5
        func skipSpaces() {
            while position < bytes.count, bytes[position] == 32 || (9...13).contains(bytes[position]) { position += 1 }
        }
        skipSpaces()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "(") else { return nil }
        position += 1
        skipSpaces()
        guard position < bytes.count else { return nil }
        let quote = bytes[position]
        guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "`") else {
            return nil
        }
        // No name of Node's is longer.
        let rest = bytes[(position + 1)..<min(position + 32, bytes.count)]
        guard let end = rest.firstIndex(of: quote) else { return nil }
        return String(decoding: rest[..<end], as: UTF8.self)
    }

    private static func has(_ word: StaticString, _ bytes: UnsafeBufferPointer<UInt8>, at: Int) -> Bool {
        guard let start = bytes.baseAddress, at >= 0, at + word.utf8CodeUnitCount <= bytes.count else { return false }
        return memcmp(start + at, word.utf8Start, word.utf8CodeUnitCount) == 0
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "$") || byte >= 0x80
    }
}
