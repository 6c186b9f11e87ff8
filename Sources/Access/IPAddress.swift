import Glibc

/// An IPv4 or IPv6 address. An IPv4 address is its mapped IPv6 address, so that both spellings are the same.
public struct IPAddress: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    /// As an address is written in a header or by the system: `10.0.0.1`, `2001:db8::1`, `[2001:db8::1]`, the last two
    /// perhaps with `%zone`, the first and third perhaps with `:port`.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 100 else { return nil }
        var address = Substring(text)
        if address.first == "[" {
            guard let end = address.firstIndex(of: "]") else { return nil }
            guard Self.isPort(address[address.index(after: end)...]) else { return nil }
            address = address[address.index(after: address.startIndex)..<end]
        } else if let colon = address.firstIndex(of: ":"), !address[address.index(after: colon)...].contains(":") {
            guard Self.isPort(address[colon...]) else { return nil }
            address = address[..<colon]
        }
        address = address.prefix { $0 != "%" }
        var v4 = in_addr()
        if inet_pton(AF_INET, String(address), &v4) == 1 {
            self.init(high: 0, low: 0xffff << 32 | UInt64(UInt32(bigEndian: v4.s_addr)))
            return
        }
        var v6 = in6_addr()
        guard inet_pton(AF_INET6, String(address), &v6) == 1 else { return nil }
        let (high, low) = withUnsafeBytes(of: &v6) {
            (
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        self.init(high: high, low: low)
    }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty || text.first == ":" && text.dropFirst().allSatisfy { $0.isASCII && $0.isNumber }
    }

    var isV4: Bool { high == 0 && low >> 32 == 0xffff }

    /// The part that the owner of the address cannot choose freely: of IPv6 the first 64 bits.
    var network: IPAddress { isV4 ? self : IPAddress(high: high, low: 0) }

    /// - Parameter length: of the mapped address, from 0 to 128.
    fileprivate func prefix(_ length: Int) -> IPAddress {
        let mask = { (bits: Int) -> UInt64 in bits <= 0 ? 0 : bits >= 64 ? .max : ~(UInt64.max >> UInt64(bits)) }
        return IPAddress(high: high & mask(length), low: low & mask(length - 64))
    }
}

/// A range of addresses: `10.0.0.0/8`, or one address.
public struct AddressRange: Hashable, Sendable {
    private let start: IPAddress
    private let length: Int

    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        // Neither a port nor brackets: this is not an address of a header.
        guard !text.contains("["), let address = IPAddress(parts[0]),
            !(address.isV4 && parts[0].contains(":") && !parts[0].contains("::"))
        else { return nil }
        let most = address.isV4 ? 32 : 128
        var length = most
        if parts.count == 2 {
            guard let given = Int(parts[1]), (0...most).contains(given) else { return nil }
            length = given
        }
        self.length = address.isV4 ? length + 96 : length
        start = address.prefix(self.length)
    }

    public func contains(_ address: IPAddress) -> Bool { address.prefix(length) == start }
}
