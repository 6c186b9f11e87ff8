/// Which names of the server a request may use.
///
/// A page can give its own name the address of this machine (DNS rebinding): then its requests are same-origin for the
/// browser, and only the name in `Host` gives them away.
///
/// Works on bytes: it runs for every request.
public struct HostRule: Sendable {
    private let isChecked: Bool
    private let names: [String]

    /// Every name.
    public static let any = HostRule(allowedHosts: [], listensOnLoopback: false)

    /// On a loopback address the names of loopback and the allowed ones; on other addresses the same, if any is given,
    /// else every name.
    ///
    /// - Parameter allowedHosts: names as ``name(_:)`` returns them. Others are ignored.
    public init(allowedHosts: [String], listensOnLoopback: Bool) {
        isChecked = listensOnLoopback || !allowedHosts.isEmpty
        names = allowedHosts.compactMap(Self.name)
    }

    /// A host name or address in the form in which names are compared: lower case, no dot at its end, IPv6 in
    /// brackets. nil: the text is something else, or has a port.
    public static func name(_ text: String) -> String? {
        var name = text.lowercased()
        if name.utf8.first != UInt8(ascii: "["), name.utf8.count(where: { $0 == UInt8(ascii: ":") }) > 1 {
            name = "[\(name)]"
        }
        return name.withUTF8 { bytes -> String? in
            guard let host = host(UnsafeRawBufferPointer(bytes)), !host.isEmpty, !host.hasPort else { return nil }
            let isName = host.bytes.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                    UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ":"):
                    true
                default: false
                }
            }
            return isName ? String(decoding: host.bytes, as: UTF8.self) : nil
        }
    }

    /// Whether an IP address, without brackets, is one of this machine only.
    public static func isLoopback(address: String) -> Bool {
        var address = address
        return address.withUTF8 { bytes in
            let bytes = UnsafeRawBufferPointer(bytes)
            let mapped = isSame(bytes.prefix(7), "::ffff:") ? bytes.dropFirst(7) : bytes[...]
            return isLoopbackV4(mapped) || isSame(bytes[...], "::1")
        }
    }

    /// Whether a name or address to listen on is one of this machine only.
    public static func isLoopbackName(_ host: String) -> Bool {
        isLoopback(address: host) || host.lowercased() == "localhost" || host == "[::1]"
    }

    /// - Parameter authority: the value of `Host`, or the authority of a target.
    func allows(_ authority: String) -> Bool {
        guard isChecked else { return true }
        var authority = authority
        return authority.withUTF8 { bytes in
            guard let host = Self.host(UnsafeRawBufferPointer(bytes)) else { return false }
            if Self.isSame(host.bytes, "localhost") || Self.isLoopbackV4(host.bytes) || Self.isSame(host.bytes, "[::1]")
            {
                return true
            }
            return names.contains { name in
                var name = name
                return name.withUTF8 { Self.isSame(host.bytes, UnsafeRawBufferPointer($0)) }
            }
        }
    }

    private struct Host {
        let bytes: Slice<UnsafeRawBufferPointer>
        let hasPort: Bool

        var isEmpty: Bool { bytes.isEmpty }
    }

    /// An authority without its port and a dot at its end. nil: what follows the name is no port.
    private static func host(_ authority: UnsafeRawBufferPointer) -> Host? {
        let end: Int
        if authority.first == UInt8(ascii: "[") {
            guard let bracket = authority.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            end = bracket + 1
        } else {
            end = authority.firstIndex(of: UInt8(ascii: ":")) ?? authority.count
        }
        let port = authority[end...]
        if let colon = port.first {
            guard colon == UInt8(ascii: ":"), port.dropFirst().allSatisfy({ isDigit($0) }) else { return nil }
        }
        let name = authority[..<end]
        return Host(bytes: name.last == UInt8(ascii: ".") ? name.dropLast() : name, hasPort: !port.isEmpty)
    }

    /// Whether the bytes are an address of 127.0.0.0/8, four numbers as browsers write them.
    private static func isLoopbackV4(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
        var (numbers, number, digits) = (0, 0, 0)
        for byte in bytes {
            if isDigit(byte) {
                // A zero in front would make the number octal for some.
                guard digits == 0 || number > 0 else { return false }
                number = number * 10 + Int(byte - UInt8(ascii: "0"))
                digits += 1
                guard number <= 255 else { return false }
            } else {
                guard byte == UInt8(ascii: "."), digits > 0, numbers > 0 || number == 127 else { return false }
                (numbers, number, digits) = (numbers + 1, 0, 0)
            }
        }
        return numbers == 3 && digits > 0
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    static func isSame(_ bytes: Slice<UnsafeRawBufferPointer>, _ lowercase: StaticString) -> Bool {
        isSame(bytes, UnsafeRawBufferPointer(start: lowercase.utf8Start, count: lowercase.utf8CodeUnitCount))
    }

    /// Whether two texts are the same but for the case of their letters.
    static func isSame(_ bytes: Slice<UnsafeRawBufferPointer>, _ other: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count == other.count else { return false }
        var place = bytes.startIndex
        for expected in other {
            if lowercase(bytes[place]) != lowercase(expected) { return false }
            place += 1
        }
        return true
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }
}
