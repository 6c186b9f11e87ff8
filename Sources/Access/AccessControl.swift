import Synchronization

/// Who may use a server: the tokens there are now, the trusted proxies, and who failed to show a token.
///
/// Every connection asks it for each request. While there are no tokens, that is one atomic load.
public final class AccessControl: Sendable {
    /// What one connection is known by, found out once.
    public struct Peer: Sendable {
        /// As text, without a port; empty: it is not known.
        public let address: String
        fileprivate let isTrusted: Bool
        /// Whether it is a trusted proxy.
        public let isProxy: Bool
    }

    /// What a request says of its caller.
    public struct Credentials: Sendable {
        public var authorization: String?
        public var forwarded: String?
        public var xForwardedFor: String?

        public init(authorization: String? = nil, forwarded: String? = nil, xForwardedFor: String? = nil) {
            self.authorization = authorization
            self.forwarded = forwarded
            self.xForwardedFor = xForwardedFor
        }
    }

    /// The token that a connection used last: its next request probably has the same.
    public struct LastToken: Sendable {
        fileprivate var authorization = ""
        fileprivate var found: (table: TokenTable, token: Token)?

        public init() {}
    }

    /// A refused attempt.
    public struct Refusal: Equatable, Sendable {
        /// Milliseconds from the request until it is refused.
        public let delayMillis: Int64
        /// The address's attempts so far, if this one belongs in the log.
        public let loggedCount: Int?
    }

    private let isOpen: Bool
    private let proxies: TrustedProxies
    private let closed: Atomic<Bool>
    private let table: Mutex<TokenTable>
    private let failures = Mutex(FailedAttempts())
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - isOpen: whether callers on other machines may do everything too, while there is no token.
    ///   - now: seconds since 1970.
    public init(
        tokens: [Token] = [], isOpen: Bool = false, proxies: TrustedProxies = .none,
        now: @escaping @Sendable () -> Int64 = systemSeconds
    ) {
        let table = TokenTable(tokens)
        self.isOpen = isOpen
        self.proxies = proxies
        self.now = now
        self.table = Mutex(table)
        closed = Atomic(!table.isEmpty)
    }

    /// Replaces the tokens. The next request sees it.
    public func setTokens(_ tokens: [Token]) {
        let table = TokenTable(tokens)
        self.table.withLock { current in
            current = table
            closed.store(!table.isEmpty, ordering: .releasing)
        }
    }

    /// Whether there is a token, expired or not.
    public var hasTokens: Bool { closed.load(ordering: .acquiring) }

    // MARK: A connection

    /// - Parameter address: as the system writes it; nil: it is not known.
    public func peer(address: String?) -> Peer {
        let isProxy = !proxies.isEmpty && address.flatMap { IPAddress($0) }.map(proxies.contains) ?? false
        // What a proxy sends comes from another program, which may be on another machine.
        let isLocal = !isProxy && address.map(HostRule.isLoopback) == true
        return Peer(address: address ?? "", isTrusted: isOpen || isLocal, isProxy: isProxy)
    }

    /// The client's address, if a trusted proxy says another one than the peer's.
    public func clientAddress(_ peer: Peer, _ credentials: Credentials) -> String? {
        guard peer.isProxy else { return nil }
        return proxies.client(forwarded: credentials.forwarded, xForwardedFor: credentials.xForwardedFor)
    }

    // MARK: A request

    public func principal(_ peer: Peer, _ authorization: String?, last: inout LastToken) -> Principal {
        guard closed.load(ordering: .acquiring) else {
            return peer.isTrusted ? .trusted : .anonymous(.notLocal)
        }
        guard let authorization else { return .anonymous(.missing) }
        let table = table.withLock { $0 }
        if let found = last.found, found.table === table, Self.isSame(authorization, last.authorization) {
            return Gate.principal(found.token, now: now)
        }
        guard let token = Gate.token(authorization, tokens: table) else { return .anonymous(.invalid) }
        last.authorization = authorization
        last.found = (table, token)
        return Gate.principal(token, now: now)
    }

    /// In constant time: several clients may share a connection, if a proxy is between.
    private static func isSame(_ left: String, _ right: String) -> Bool {
        var (left, right) = (left, right)
        return left.withUTF8 { left in
            right.withUTF8 { right in
                guard left.count == right.count else { return false }
                var difference: UInt8 = 0
                for index in left.indices { difference |= left[index] ^ right[index] }
                return difference == 0
            }
        }
    }

    /// A caller without a valid token was refused.
    public func refused(address: String) -> Refusal {
        let (address, now) = (IPAddress(address), now())
        let verdict = failures.withLock { $0.failed(address, now: now) }
        return Refusal(delayMillis: verdict.delayMillis, loggedCount: verdict.loggedCount)
    }
}
