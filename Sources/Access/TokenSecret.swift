import Crypto

/// The text of a token, which only its owner has: `faas_`, 43 random letters and digits (256 bits), and 6 more that are
/// their checksum. Programs that search for leaked secrets know such a text by its beginning and its checksum.
public struct TokenSecret: Sendable {
    public let text: String

    static let prefix = "faas_"
    static let randomCount = 43
    static let checksumCount = 6
    static let length = prefix.utf8.count + randomCount + checksumCount
    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// A new secret.
    public init() {
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }

    init(using generator: inout some RandomNumberGenerator) {
        let random = (0..<Self.randomCount).map { _ in
            Self.digits[Int.random(in: 0..<Self.digits.count, using: &generator)]
        }
        text = Self.prefix + String(decoding: random + Self.checksum(random), as: UTF8.self)
    }

    public var hash: TokenHash { TokenHash(ofSecret: text) }

    /// Whether a text is a whole token, unchanged since it was made.
    public static func isValid(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == length, text.hasPrefix(prefix) else { return false }
        let random = bytes.dropFirst(prefix.utf8.count).prefix(randomCount)
        return random.allSatisfy(digits.contains) && checksum(random) == Array(bytes.suffix(checksumCount))
    }

    /// CRC-32 in base 62, most significant digit first.
    private static func checksum(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var remainder = ~UInt32(0)
        for byte in bytes {
            remainder ^= UInt32(byte)
            for _ in 0..<8 { remainder = remainder & 1 == 1 ? remainder >> 1 ^ 0xedb8_8320 : remainder >> 1 }
        }
        var rest = Int(~remainder)
        var text: [UInt8] = []
        for _ in 0..<checksumCount {
            text.append(digits[rest % digits.count])
            rest /= digits.count
        }
        return text.reversed()
    }
}

/// The SHA-256 of a token's secret: all that is stored of it. The secret has 256 random bits, so the hash needs no salt
/// and no slow function.
public struct TokenHash: Sendable {
    private let words: SIMD4<UInt64>

    public static let count = 32

    init(ofSecret secret: String) {
        var secret = secret
        self = secret.withUTF8 { TokenHash(ofSecret: UnsafeRawBufferPointer($0)) }
    }

    init(ofSecret bytes: UnsafeRawBufferPointer) {
        var hash = SHA256()
        hash.update(bufferPointer: bytes)
        words = hash.finalize().withUnsafeBytes { $0.loadUnaligned(as: SIMD4<UInt64>.self) }
    }

    /// A stored hash. nil: it has another length.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.count else { return nil }
        words = Array(bytes).withUnsafeBytes { $0.loadUnaligned(as: SIMD4<UInt64>.self) }
    }

    public var bytes: [UInt8] { withUnsafeBytes(of: words) { Array($0) } }

    /// A table's key. It shows nothing of the secret.
    var prefix: UInt64 { words.x }
}

extension TokenHash: Equatable {
    /// In constant time: how many bytes are the same cannot be measured.
    public static func == (left: TokenHash, right: TokenHash) -> Bool {
        let difference = left.words ^ right.words
        return difference.x | difference.y | difference.z | difference.w == 0
    }
}
