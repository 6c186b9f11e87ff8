import FunctionModel
import Testing

@testable import Access

@Suite struct TokenTests {
    private static func make(
        _ scopes: [Scope] = [.invoke], lifetimeSeconds: Int64? = nil
    ) throws -> (token: Token, secret: TokenSecret) {
        try Token.make(name: "test", scopes: scopes, lifetimeSeconds: lifetimeSeconds, now: 1000)
    }

    // MARK: Scopes

    @Test(arguments: ["admin", "deploy", "invoke", "read", "invoke:hello", "invoke:a.b_c-1"])
    func `A scope has a text`(text: String) throws { #expect(try Scope(text).text == text) }

    @Test(arguments: ["", "Admin", "invoke:", "invoke: a", "invoke:../x", "write", "admin "])
    func `Other texts are refused with the scopes there are`(text: String) {
        #expect(throws: InvalidRequest.self) { try Scope(text) }
    }

    @Test func `Admin includes every scope, invoke that of each function, and no other includes another`() throws {
        let scopes: [Scope] = try ["admin", "deploy", "invoke", "read", "invoke:a", "invoke:b"].map { try Scope($0) }
        for scope in scopes {
            for needed in scopes {
                let isIncluded =
                    scope == needed || scope == .admin || scope == .invoke && needed.text.hasPrefix("invoke:")
                #expect(scope.includes(needed) == isIncluded, "\(scope) \(needed)")
            }
        }
    }

    // MARK: Secrets

    @Test func `A secret begins with faas_ and ends with its checksum`() {
        for _ in 0..<100 {
            let secret = TokenSecret().text
            #expect(secret.wholeMatch(of: /faas_[0-9A-Za-z]{49}/) != nil)
            #expect(TokenSecret.isValid(secret))
            // A scanner compares the last six characters with the CRC-32 of those between.
            var bytes = Array(secret.utf8)
            let index = Int.random(in: 5..<bytes.count)
            bytes[index] = bytes[index] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
            #expect(!TokenSecret.isValid(String(decoding: bytes, as: UTF8.self)))
        }
        for text in ["", "faas_", String(repeating: "x", count: 54), "faas_" + String(repeating: "ä", count: 49)] {
            #expect(!TokenSecret.isValid(text))
        }
    }

    @Test func `The checksum is the CRC-32 that everyone computes`() {
        // Not 0, which the standard library rejects again and again; 1 is the digit 0 too. The expected number is
        // zlib.crc32(b"0" * 43) of Python.
        struct Zeros: RandomNumberGenerator { mutating func next() -> UInt64 { 1 } }
        var zeros = Zeros()
        let secret = TokenSecret(using: &zeros).text
        #expect(secret.hasPrefix("faas_" + String(repeating: "0", count: 43)))
        let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        let value = secret.suffix(6).reduce(0) { $0 * 62 + (digits.firstIndex(of: $1) ?? 0) }
        #expect(value == 2_018_072_207)
    }

    @Test func `Two secrets differ, and so do their hashes`() {
        let secrets = (0..<100).map { _ in TokenSecret() }
        #expect(Set(secrets.map(\.text)).count == 100)
        #expect(Set(secrets.map(\.hash.bytes)).count == 100)
    }

    @Test func `A hash is SHA-256 and can be stored`() throws {
        let hash = TokenHash(ofSecret: "abc")
        let hexadecimal = hash.bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        #expect(hexadecimal == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(TokenHash(bytes: hash.bytes) == hash)
        for index in 0..<32 {
            var other = hash.bytes
            other[index] ^= 1
            #expect(TokenHash(bytes: other) != hash, "byte \(index) counts")
        }
        #expect(TokenHash(bytes: hash.bytes.dropLast()) == nil)
    }

    // MARK: Tokens

    @Test func `A token expires at its time`() throws {
        let (token, _) = try Self.make(lifetimeSeconds: 10)
        #expect(!token.isExpired(now: 1009))
        #expect(token.isExpired(now: 1010))
        #expect(try !Self.make().token.isExpired(now: .max))
    }

    @Test func `A name, scopes or a lifetime that cannot be used is refused`() {
        func make(_ name: String = "a", _ scopes: [Scope] = [.read], _ lifetime: Int64? = nil) throws {
            _ = try Token.make(name: name, scopes: scopes, lifetimeSeconds: lifetime, now: 0)
        }
        #expect(throws: Never.self) { try make(String(repeating: "ä", count: 100)) }
        for name in ["", String(repeating: "a", count: 101), "a\nb", "\u{1b}[31m"] {
            #expect(throws: InvalidRequest.self) { try make(name) }
        }
        #expect(throws: InvalidRequest.self) { try make("a", []) }
        for lifetime in [Int64.min, -1, 0, Token.maximumLifetimeSeconds + 1, .max] {
            #expect(throws: InvalidRequest.self) { try make("a", [.read], lifetime) }
        }
    }

    @Test func `The table finds a token by its secret only`() throws {
        let made = try (0..<50).map { _ in try Self.make() }
        let table = TokenTable(made.map(\.token))
        for (token, secret) in made { #expect(Gate.token("Bearer \(secret.text)", tokens: table) == token) }
        let secret = made[0].secret.text
        for text in ["bearer \(secret)", "BEARER   \(secret)"] {
            #expect(Gate.token(text, tokens: table) == made[0].token)
        }
        for text in [
            secret, "Basic \(secret)", "Bearer\(secret)", "Bearer \(secret) ", "Bearer \(secret.dropLast())", "Bearer",
            "",
            "Bearer \(secret), Bearer \(secret)", "Bearer \(TokenSecret().text)", "Bearer \(made[0].token.id)",
        ] {
            #expect(Gate.token(text, tokens: table) == nil)
        }
        #expect(Gate.token("Bearer \(secret)", tokens: .empty) == nil)
    }
}
