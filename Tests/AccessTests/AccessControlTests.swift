import FunctionModel
import Synchronization
import Testing

@testable import Access

@Suite struct AccessControlTests {
    private static func describe(_ principal: Principal) -> String {
        switch principal {
        case .trusted: "trusted"
        case .token(let token): token.name
        case .anonymous(.missing): "missing"
        case .anonymous(.invalid): "invalid"
        case .anonymous(.expired): "expired"
        case .anonymous(.notLocal): "notLocal"
        }
    }

    private static func principal(_ access: AccessControl, _ address: String?, _ authorization: String? = nil) -> String
    {
        var last = AccessControl.LastToken()
        return describe(access.principal(access.peer(address: address), authorization, last: &last))
    }

    private static func make(_ scopes: [Scope], lifetimeSeconds: Int64? = nil) throws -> (Token, String) {
        let made = try Token.make(
            name: scopes.map(\.text).joined(separator: " "), scopes: scopes, lifetimeSeconds: lifetimeSeconds, now: 1000
        )
        return (made.token, "Bearer \(made.secret.text)")
    }

    @Test func `While there is no token, a program on this machine may do everything and others nothing`() {
        let access = AccessControl()
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            #expect(Self.principal(access, address) == "trusted")
        }
        for address in ["10.0.0.1", "::2", "fe80::1", "", nil] {
            #expect(Self.principal(access, address) == "notLocal")
            #expect(Self.principal(access, address, "Bearer x") == "notLocal")
            #expect(Self.principal(AccessControl(isOpen: true), address) == "trusted")
        }
    }

    @Test func `Once there is a token, every caller needs one`() throws {
        let (token, bearer) = try Self.make([.read])
        let access = AccessControl(isOpen: true)
        access.setTokens([token])
        for address in ["127.0.0.1", "10.0.0.1"] {
            #expect(Self.principal(access, address) == "missing")
            #expect(Self.principal(access, address, "Bearer \(TokenSecret().text)") == "invalid")
            #expect(Self.principal(access, address, "Basic YTpi") == "invalid")
            #expect(Self.principal(access, address, bearer) == "read")
        }
        access.setTokens([])
        #expect(Self.principal(access, "127.0.0.1") == "trusted")
    }

    @Test func `A token that has expired closes the server as any token does`() throws {
        let now = Mutex<Int64>(1000)
        let (token, bearer) = try Self.make([.admin], lifetimeSeconds: 60)
        let access = AccessControl(tokens: [token], now: { now.withLock { $0 } })
        var last = AccessControl.LastToken()
        let peer = access.peer(address: "127.0.0.1")
        #expect(Self.describe(access.principal(peer, bearer, last: &last)) == "admin")
        now.withLock { $0 = 1060 }
        #expect(Self.describe(access.principal(peer, bearer, last: &last)) == "expired", "also if it was used last")
        #expect(Self.principal(access, "127.0.0.1") == "missing")
    }

    @Test func `A connection's last token is forgotten when it is revoked`() throws {
        let (first, firstBearer) = try Self.make([.read])
        let (second, secondBearer) = try Self.make([.deploy])
        let access = AccessControl(tokens: [first, second])
        let peer = access.peer(address: "10.0.0.1")
        var last = AccessControl.LastToken()
        func describe(_ bearer: String?) -> String { Self.describe(access.principal(peer, bearer, last: &last)) }
        #expect(describe(firstBearer) == "read")
        #expect(describe(firstBearer) == "read")
        #expect(describe(secondBearer) == "deploy", "another client behind the same proxy")
        #expect(describe(nil) == "missing")
        #expect(describe(secondBearer) == "deploy")
        access.setTokens([first])
        #expect(describe(secondBearer) == "invalid")
        #expect(describe(firstBearer) == "read")
    }

    @Test func `A caller lacks a scope whatever there is`() throws {
        let (token, _) = try Self.make([.invokeFunction(FunctionID("a")), .read])
        func denial(_ principal: Principal, _ scope: Scope) -> String {
            principal.denial(of: scope).map { $0.error.errorType } ?? "may"
        }
        #expect(denial(.token(token), .invokeFunction(try FunctionID("a"))) == "may")
        #expect(denial(.token(token), .read) == "may")
        for scope in [.invokeFunction(try FunctionID("b")), .invoke, .deploy, .admin] as [Scope] {
            #expect(denial(.token(token), scope) == "InsufficientScope")
            #expect(denial(.anonymous(.missing), scope) == "Unauthorized")
            #expect(denial(.trusted, scope) == "may")
        }
    }

    @Test func `A public function is public, but not for events that say they are requests`() throws {
        func isPublic(_ access: FunctionAccess, _ response: ResponseShape, _ dialect: Gate.Dialect) throws -> Bool {
            var definition = FunctionDefinition(language: try Language(id: "js"), sourceCode: "", response: response)
            definition.access = access
            return Gate.isPublic(Function(id: try FunctionID("a"), revision: "1", definition: definition), dialect)
        }
        for dialect in Gate.Dialect.allCases {
            for response in ResponseShape.allCases { #expect(try !isPublic(.private, response, dialect)) }
        }
        #expect(try isPublic(.public, .json, .invoke))
        #expect(try isPublic(.public, .http, .functionURL))
        #expect(try !isPublic(.public, .http, .invoke))
    }

    // MARK: Proxies

    private static func proxies(_ ranges: String...) throws -> TrustedProxies {
        TrustedProxies(try ranges.map { try #require(AddressRange($0)) })
    }

    @Test func `Only a trusted proxy says which client a request comes from`() throws {
        let access = AccessControl(proxies: try Self.proxies("10.0.0.0/8", "::1"))
        let credentials = AccessControl.Credentials(xForwardedFor: "127.0.0.1, 203.0.113.5")
        #expect(access.clientAddress(access.peer(address: "10.1.2.3"), credentials) == "203.0.113.5")
        #expect(access.clientAddress(access.peer(address: "11.1.2.3"), credentials) == nil)
        #expect(AccessControl().clientAddress(access.peer(address: "11.1.2.3"), credentials) == nil)
    }

    @Test func `What comes through a proxy is not a program of this machine`() throws {
        let access = AccessControl(proxies: try Self.proxies("127.0.0.1"))
        #expect(Self.principal(access, "127.0.0.1") == "notLocal")
        #expect(Self.principal(access, "127.0.0.2") == "trusted")
    }

    @Test(
        arguments: [
            (nil, nil, nil), (nil, "", nil), (nil, "203.0.113.5", "203.0.113.5"), (nil, "1.1.1.1, 2.2.2.2", "2.2.2.2"),
            (nil, "1.1.1.1, 2.2.2.2, 10.0.0.9", "2.2.2.2"), (nil, "1.1.1.1,10.0.0.8 ,10.0.0.9", "1.1.1.1"),
            (nil, "10.0.0.8, 10.0.0.9", "10.0.0.8"), (nil, "1.1.1.1, x, 10.0.0.9", "10.0.0.9"), (nil, "unknown", nil),
            (nil, "2001:db8::1", "2001:db8::1"), (nil, "[2001:db8::1]:80", "2001:db8::1"),
            (nil, "1.1.1.1:80", "1.1.1.1"),
            (nil, "1.1.1.1,", nil),
            ("for=1.1.1.1", "2.2.2.2", "1.1.1.1"), ("for=3.3.3.3, For=\"1.1.1.1:8080\";proto=https", nil, "1.1.1.1"),
            ("by=9.9.9.9;for=\"[2001:db8::1]:47\"", nil, "2001:db8::1"), ("for=unknown", "2.2.2.2", nil),
            ("proto=https", "2.2.2.2", nil), ("for=_hidden, for=10.0.0.1", nil, "10.0.0.1"),
        ] as [(String?, String?, String?)])
    func `The client is the last address that is not a trusted proxy's`(
        forwarded: String?, list: String?, client: String?
    ) throws {
        let proxies = try Self.proxies("10.0.0.0/8")
        #expect(proxies.client(forwarded: forwarded, xForwardedFor: list) == client)
    }

    @Test func `A range holds its addresses`() throws {
        func contains(_ range: String, _ address: String) throws -> Bool {
            try #require(AddressRange(range)).contains(try #require(IPAddress(address)))
        }
        for (range, inside, outside) in [
            ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.1.1"], ["11.0.0.0", "9.255.255.255", "::1"]),
            ("10.1.2.3", ["10.1.2.3"], ["10.1.2.2", "10.1.2.4"]), ("0.0.0.0/0", ["1.2.3.4"], ["::1"]),
            ("2001:db8::/33", ["2001:db8::1", "2001:db8:7fff::"], ["2001:db8:8000::", "2001:db9::"]),
            ("::/0", ["::1", "1.2.3.4"], []), ("fe80::1/128", ["fe80::1", "fe80::1%eth0"], ["fe80::2"]),
            ("2001:db8:0:1::/64", ["2001:db8:0:1:ffff::"], ["2001:db8:0:2::"]),
        ] {
            for address in inside { #expect(try contains(range, address), "\(range) \(address)") }
            for address in outside { #expect(try !contains(range, address), "\(range) \(address)") }
        }
        for text in ["", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "x/8", "10.0.0.1:80", "[::1]"] {
            #expect(AddressRange(text) == nil, "\(text)")
        }
    }

    @Test func `Addresses are read as the system and proxies write them`() {
        #expect(IPAddress("::ffff:1.2.3.4") == IPAddress("1.2.3.4"))
        #expect(IPAddress("[::1]:8080") == IPAddress("::1"))
        #expect(IPAddress("1.2.3.4:80") == IPAddress("1.2.3.4"))
        for text in ["", "x", "1.2.3", "1.2.3.4:x", "[::1", "[::1]x", "1.2.3.4.5", String(repeating: "1", count: 1000)]
        {
            #expect(IPAddress(text) == nil, "\(text)")
        }
    }
}

@Suite struct FailedAttemptsTests {
    private static func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    @Test func `Refusals of an address that goes on failing take longer, up to a limit`() throws {
        var attempts = FailedAttempts()
        let address = try Self.address("10.0.0.1")
        let delays = (0..<100).map { _ in attempts.failed(address, now: 1000).delayMillis }
        #expect(delays.first == 100)
        #expect(delays[10] == 200)
        #expect(delays.last == FailedAttempts.maximumDelayMillis)
        #expect(delays == delays.sorted())
        #expect(attempts.failed(try Self.address("10.0.0.2"), now: 1000).delayMillis == 100, "another address")
        #expect(attempts.failed(address, now: 1200).delayMillis == 100, "after a while")
        #expect(attempts.failed(address, now: .min).delayMillis <= 200, "a clock that was set back")
    }

    @Test func `The log gets the first, the tenth, the hundredth attempt`() throws {
        var attempts = FailedAttempts()
        let address = try Self.address("10.0.0.1")
        let logged = (0..<2000).compactMap { _ in attempts.failed(address, now: 1000).loggedCount }
        #expect(logged == [1, 10, 100, 1000])
    }

    @Test func `An IPv6 client fails as its network`() throws {
        var attempts = FailedAttempts()
        for index in 0..<20 { _ = attempts.failed(try Self.address("2001:db8::\(index + 1)"), now: 0) }
        #expect(attempts.addressCount == 1)
        #expect(attempts.failed(try Self.address("2001:db8::ffff"), now: 0).delayMillis == 400)
    }

    @Test func `Memory is bounded, and addresses beyond it share one entry`() throws {
        var attempts = FailedAttempts()
        for index in 0..<20_000 {
            _ = attempts.failed(try Self.address("10.1.\(index / 256).\(index % 256)"), now: 100)
        }
        #expect(attempts.addressCount == FailedAttempts.maximumAddresses)
        #expect(attempts.failed(try Self.address("10.9.9.9"), now: 100).delayMillis > 100)
        #expect(attempts.failed(nil, now: 100).delayMillis > 100)
        // The old ones have leaked away.
        #expect(attempts.failed(try Self.address("10.9.9.9"), now: 1000).delayMillis == 100)
        #expect(attempts.addressCount == 1)
    }
}
