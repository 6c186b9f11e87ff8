import Access
import FunctionModel
import FunctionStorage

/// The use cases of access: tokens, secrets and the audit log. It keeps a server's ``AccessControl`` up to date.
public final class AccessService: Sendable {
    public typealias Stores = TokenStore & SecretStore & AuditLog

    private let stores: any Stores
    private let now: @Sendable () -> Int64

    /// - Parameter now: seconds since 1970.
    public init(stores: any Stores, now: @escaping @Sendable () -> Int64 = systemSeconds) {
        self.stores = stores
        self.now = now
    }

    // MARK: Tokens

    public func tokens() async throws -> [Token] { try await stores.tokens() }

    /// Makes and stores a token.
    /// - Returns: the secret too, which is not stored: this is the only time that it can be seen.
    public func createToken(
        name: String, scopes: [Scope], lifetimeSeconds: Int64?, by actor: String
    ) async throws -> (token: Token, secret: TokenSecret) {
        let made = try Token.make(name: name, scopes: scopes, lifetimeSeconds: lifetimeSeconds, now: now())
        try await stores.add(made.token, by: actor)
        return made
    }

    /// - Throws: `TokenNotFound`.
    public func revokeToken(_ id: String, by actor: String) async throws -> Token {
        try await stores.revoke(id, by: actor)
    }

    // MARK: Secrets

    package static let maximumSecretBytes = AccessLimits.maximumSecretBytes

    /// Names, and when each was set. Values are not shown.
    public func secrets() async throws -> [StoredSecret] { try await stores.secrets() }

    public func setSecret(_ name: String, to value: String, by actor: String) async throws {
        try await stores.setSecret(name, to: value, by: actor)
    }

    public func deleteSecret(_ name: String, by actor: String) async throws {
        try await stores.deleteSecret(name, by: actor)
    }

    // MARK: The audit log

    /// The latest entries, the newest first.
    public func auditEntries(limit: Int) async throws -> [AuditEntry] { try await stores.auditEntries(limit: limit) }

    // MARK: Changes

    /// How long a change in the store may take until a server follows it.
    static let interval = Duration.milliseconds(500)

    /// What a server has seen of the stores.
    public struct Seen: Sendable {
        fileprivate var tokens: Int64?
        fileprivate var secrets: Int64?

        public init() {}
    }

    /// Gives the control the tokens there are, if they have changed.
    /// - Returns: whether secrets have changed.
    /// - Throws: what the store throws. Then the control keeps its tokens.
    public func refresh(_ control: AccessControl, _ seen: inout Seen) async throws -> Bool {
        let tokenStamp = try await stores.tokenStamp()
        if tokenStamp != seen.tokens {
            control.setTokens(try await stores.tokens())
            // After the tokens: a change in between is seen the next time.
            seen.tokens = tokenStamp
        }
        let secretStamp = try await stores.secretStamp()
        defer { seen.secrets = secretStamp }
        return secretStamp != seen.secrets
    }

    /// Follows changes in the stores until the task is cancelled.
    /// - Parameter onProblem: told once for a row of failures.
    public func follow(
        _ control: AccessControl, from seen: Seen, onProblem: @Sendable (any Error) -> Void,
        onSecretsChanged: @Sendable () -> Void
    ) async {
        var (seen, hasProblem) = (seen, false)
        while (try? await Task.sleep(for: Self.interval)) != nil {
            do {
                if try await refresh(control, &seen) { onSecretsChanged() }
                hasProblem = false
            } catch is CancellationError {
            } catch {
                if !hasProblem { onProblem(error) }
                hasProblem = true
            }
        }
    }
}

/// Gives functions the values of their secrets.
package struct SecretValues: Sendable {
    private let store: (any SecretStore)?

    package init(_ store: (any SecretStore)?) { self.store = store }

    /// The function with its secrets in its environment. It keeps its revision: two values of a secret make two functions
    /// of one revision, which are not equal and have no worker in common.
    /// - Throws: ``SecretNotSet``, ``StorageFailure``.
    package func fill(_ function: Function) async throws -> Function {
        let names = function.definition.secrets
        guard !names.isEmpty else { return function }
        let values = try await store?.secretValues(names) ?? [:]
        var definition = function.definition
        for name in names {
            guard let value = values[name] else { throw SecretNotSet(function: function.id, name: name) }
            definition.environment[name] = value
        }
        let filled = Function(id: function.id, revision: function.revision, definition: definition)
        filled.built = function.built
        return filled
    }
}
