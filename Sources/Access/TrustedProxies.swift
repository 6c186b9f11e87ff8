/// The proxies that may say which client a request comes from.
public struct TrustedProxies: Sendable {
    private let ranges: [AddressRange]

    /// None: `Forwarded` and `X-Forwarded-For` are not read.
    public static let none = TrustedProxies([])

    public init(_ ranges: [AddressRange]) { self.ranges = ranges }

    var isEmpty: Bool { ranges.isEmpty }

    func contains(_ address: IPAddress) -> Bool { ranges.contains { $0.contains(address) } }

    /// The client's address in a request that a trusted proxy has sent: the last address in the headers that is not a
    /// trusted proxy's. Addresses before it are what the client claims.
    ///
    /// - Parameters:
    ///   - forwarded: the `Forwarded` header, which counts if there is one (RFC 7239).
    ///   - xForwardedFor: the `X-Forwarded-For` header.
    /// - Returns: nil if the headers do not say it.
    func client(forwarded: String?, xForwardedFor: String?) -> String? {
        let addresses = forwarded.map(Self.addresses(forwarded:)) ?? xForwardedFor.map(Self.addresses(list:)) ?? []
        var client: String?
        for text in addresses.reversed() {
            guard let text, let address = IPAddress(text) else { break }
            client = Self.withoutPort(text)
            if !contains(address) { break }
        }
        return client
    }

    private static func addresses(list: String) -> [String?] {
        list.split(separator: ",", omittingEmptySubsequences: false).map { trimmed($0) }
    }

    /// nil stands for an element without an address.
    private static func addresses(forwarded: String) -> [String?] {
        forwarded.split(separator: ",", omittingEmptySubsequences: false).map { element in
            for pair in element.split(separator: ";") {
                let parts = pair.split(separator: "=", maxSplits: 1)
                guard parts.count == 2, trimmed(parts[0]).lowercased() == "for" else { continue }
                let value = trimmed(parts[1])
                return value.hasPrefix("\"") && value.hasSuffix("\"") ? String(value.dropFirst().dropLast()) : value
            }
            return nil
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        var text = text.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return String(text)
    }

    /// Only called with a text that is an address.
    private static func withoutPort(_ text: String) -> String {
        if text.first == "[" { return String(text.dropFirst().prefix { $0 != "]" }) }
        let colons = text.count { $0 == ":" }
        return colons == 1 ? String(text.prefix { $0 != ":" }) : text
    }
}
