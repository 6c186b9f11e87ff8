import Access
import FunctionModel

/// Stores access tokens: all of a token but its secret, of which it has the hash.
///
/// Every implementation passes the tests in Tests/StorageContractTests. Methods may be called from any task, at the same
/// time, also by other processes that use the same store. A change is durable when its method returns, together with
/// its entry in the audit log.
public protocol TokenStore: Sendable {
    /// All tokens, the oldest first; expired ones too.
    func tokens() async throws -> [Token]

    /// - Parameter actor: who does it, for the audit log.
    /// - Throws: `InvalidRequest` if there are too many tokens.
    func add(_ token: Token, by actor: String) async throws

    /// - Throws: `TokenNotFound`.
    /// - Returns: the token that was removed.
    func revoke(_ id: String, by actor: String) async throws -> Token

    /// Differs after each change. nil: there is no store yet.
    func tokenStamp() async throws -> Int64?
}

/// Stores secrets of functions, encrypted. See ``TokenStore`` for what holds for all its methods.
public protocol SecretStore: Sendable {
    /// The names, sorted.
    func secrets() async throws -> [StoredSecret]

    /// - Throws: `InvalidRequest` if the name or the value cannot be used, or if there are too many secrets.
    func setSecret(_ name: String, to value: String, by actor: String) async throws

    /// - Throws: ``SecretNotFound``.
    func deleteSecret(_ name: String, by actor: String) async throws

    /// The values of those that exist.
    func secretValues(_ names: [String]) async throws -> [String: String]

    /// Differs after each change. nil: there is no store yet.
    func secretStamp() async throws -> Int64?
}

/// A secret without its value.
public struct StoredSecret: Equatable, Sendable {
    public let name: String
    /// Seconds since 1970.
    public let changedAt: Int64

    public init(name: String, changedAt: Int64) {
        self.name = name
        self.changedAt = changedAt
    }
}

/// Limits that every implementation has.
public enum AccessLimits {
    public static let maximumTokens = 10_000
    public static let maximumSecrets = 1000
    public static let maximumSecretBytes = 64 << 10
    /// Entries of the audit log. The oldest go first.
    public static let maximumAuditEntries = 100_000

    /// - Throws: `InvalidRequest` that says what is wrong.
    package static func checkSecret(_ name: String, _ value: String) throws(InvalidRequest) {
        guard SecretName.isValid(name) else { throw InvalidRequest("\(SecretName.problem(with: name)).") }
        guard (1...maximumSecretBytes).contains(value.utf8.count) else {
            throw InvalidRequest(
                "The value of the secret '\(name)' has \(value.utf8.count) bytes; it must have from 1 to "
                    + "\(maximumSecretBytes).")
        }
        guard !value.utf8.contains(0) else {
            throw InvalidRequest("The value of the secret '\(name)' has a NUL, which no variable may have.")
        }
    }
}

/// Records who changed what.
public protocol AuditLog: Sendable {
    func append(_ entry: AuditEntry) async throws

    /// The latest entries, the newest first.
    func auditEntries(limit: Int) async throws -> [AuditEntry]
}

/// One line of the audit log.
public struct AuditEntry: Equatable, Sendable {
    public enum Action: String, Sendable, CaseIterable {
        case deploy
        case delete
        case rollBack = "roll-back"
        case setAlias = "set-alias"
        case removeAlias = "remove-alias"
        case createToken = "create-token"
        case revokeToken = "revoke-token"
        case setSecret = "set-secret"
        case deleteSecret = "delete-secret"
    }

    /// Milliseconds since 1970.
    public let time: Int64
    /// For example `token:1z141z4`, or the name of a user who ran the command.
    public let actor: String
    public let action: Action
    /// The id of a function or a token, or the name of a secret.
    public let object: String
    /// For people; never the value of a secret.
    public let detail: String

    public init(time: Int64, actor: String, action: Action, object: String, detail: String = "") {
        self.time = time
        self.actor = actor
        self.action = action
        self.object = object
        self.detail = detail
    }
}

/// A function names a secret that is not set.
public struct SecretNotSet: FunctionError, Equatable {
    public let function: FunctionID
    public let name: String
    public init(function: FunctionID, name: String) {
        self.function = function
        self.name = name
    }
    public var message: String {
        "The function '\(function)' needs the secret '\(name)', which is not set: 'faas secret set \(name)' sets it."
    }
}

/// Tells how much is stored.
public protocol UsageMeter: Sendable {
    /// - Parameter id: a function that does not count as one.
    /// - Throws: ``StorageFailure``.
    func usage(besides id: FunctionID) async throws -> StoreUsage
}

public struct StoreUsage: Equatable, Sendable {
    public var otherFunctions: Int
    /// Of everything that is stored: functions, layers, builds and state.
    public var bytes: Int

    public init(otherFunctions: Int, bytes: Int) {
        self.otherFunctions = otherFunctions
        self.bytes = bytes
    }
}
