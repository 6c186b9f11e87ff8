import FunctionModel

/// An access token without its secret: who may do what, and until when.
///
/// An object, because every request hands it on: that is one reference counted instead of several.
public final class Token: Sendable {
    /// The name of the token in lists and logs, which says nothing of the secret.
    public let id: String
    /// What its maker calls it.
    public let name: String
    public let scopes: [Scope]
    /// Seconds since 1970.
    public let createdAt: Int64
    /// Seconds since 1970; nil: it does not expire.
    public let expiresAt: Int64?
    public let hash: TokenHash

    public static let maximumNameLength = 100
    public static let maximumScopes = 100

    /// A token from a store.
    public init(
        id: String, name: String, scopes: [Scope], createdAt: Int64, expiresAt: Int64?, hash: TokenHash
    ) {
        self.id = id
        self.name = name
        self.scopes = scopes
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.hash = hash
    }

    /// Makes a token and its secret.
    /// - Parameter lifetimeSeconds: nil: it does not expire.
    /// - Throws: `InvalidRequest` if the name, the scopes or the lifetime cannot be used.
    public static func make(
        name: String, scopes: [Scope], lifetimeSeconds: Int64?, now: Int64
    ) throws(InvalidRequest) -> (token: Token, secret: TokenSecret) {
        guard (1...maximumNameLength).contains(name.count),
            !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else {
            throw InvalidRequest(
                "A token's name has 1 to \(maximumNameLength) characters and no control characters, unlike "
                    + "\(quoted(name)).")
        }
        guard (1...maximumScopes).contains(scopes.count) else {
            throw InvalidRequest("A token has 1 to \(maximumScopes) scopes, not \(scopes.count).")
        }
        if let lifetimeSeconds, !(1...maximumLifetimeSeconds).contains(lifetimeSeconds) {
            throw InvalidRequest(
                "A token's lifetime is from 1 to \(maximumLifetimeSeconds) seconds, not \(lifetimeSeconds).")
        }
        var scopesOnce: [Scope] = []
        for scope in scopes where !scopesOnce.contains(scope) { scopesOnce.append(scope) }
        let secret = TokenSecret()
        let id = String(UInt64.random(in: 1 << 60...UInt64.max), radix: 36)
        let token = Token(
            id: id, name: name, scopes: scopesOnce, createdAt: now, expiresAt: lifetimeSeconds.map { now + $0 },
            hash: secret.hash)
        return (token, secret)
    }

    /// A hundred years.
    public static let maximumLifetimeSeconds: Int64 = 100 * 366 * 86_400

    public func isExpired(now: Int64) -> Bool { expiresAt.map { $0 <= now } ?? false }

    func has(_ scope: Scope) -> Bool { scopes.contains { $0.includes(scope) } }
}

extension Token: Equatable {
    public static func == (left: Token, right: Token) -> Bool {
        left === right
            || left.id == right.id && left.name == right.name && left.scopes == right.scopes
                && left.createdAt == right.createdAt && left.expiresAt == right.expiresAt && left.hash == right.hash
    }
}

/// There is no token of that id.
public struct TokenNotFound: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .caller }
    public let id: String
    public init(id: String) { self.id = id }
    public var message: String { "There is no token with the id \(quoted(id))." }
}
