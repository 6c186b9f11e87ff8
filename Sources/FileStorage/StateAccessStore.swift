import Access
import Foundation
import FunctionModel
import FunctionStorage
import GRDB

/// Tokens, secrets and the audit log of a data directory, in its ``StateDatabase``. Values of secrets are encrypted with
/// the key in a file of its own (``SecretKeyFile``): the database alone, for example in a backup, does not show them.
public struct StateAccessStore: Sendable {
    private let state: StateDatabase
    private let key: SecretKeyFile
    /// Milliseconds since 1970.
    private let now: @Sendable () -> Int64

    /// - Parameter dataDirectory: It need not exist before the first change.
    public init(dataDirectory: String) {
        self.init(state: StateDatabase(dataDirectory: dataDirectory)) { systemSeconds() * 1000 }
    }

    init(state: StateDatabase, now: @escaping @Sendable () -> Int64) {
        self.state = state
        self.now = now
        key = SecretKeyFile(directory: state.dataDirectory)
    }

    private enum Stamp: String {
        case tokens
        case secrets
    }

    private func stamp(_ stamp: Stamp) async throws -> Int64? {
        try await state.read { database in
            try Int64.fetchOne(
                database, sql: "SELECT stamp FROM access_stamp WHERE name = ?", arguments: [stamp.rawValue])
                ?? 0
        }
    }

    /// A random number, so that it differs from that of another file that takes the place of this one.
    private static func change(_ stamp: Stamp, in database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO access_stamp (name, stamp) VALUES (?, random())", arguments: [stamp.rawValue])
    }
}

// MARK: Tokens

extension StateAccessStore: TokenStore {
    public func tokens() async throws -> [Token] {
        try await state.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM token ORDER BY created_at, id").map(Self.token)
        } ?? []
    }

    /// A row that cannot be read is an error: to leave a token out could open the server.
    private static func token(_ row: Row) throws -> Token {
        let id: String = row["id"]
        guard let hash = TokenHash(bytes: row["hash"] as Data) else {
            throw StorageFailure(path: StateDatabase.fileName, reason: "the hash of the token '\(id)' is damaged")
        }
        let expiresAt: Int64? = row["expires_at"]
        return Token(
            id: id, name: row["name"],
            scopes: try (row["scopes"] as String).split(separator: " ").map {
                try Scope(String($0))
            }, createdAt: row["created_at"] as Int64 / 1000, expiresAt: expiresAt.map { $0 / 1000 }, hash: hash)
    }

    public func add(_ token: Token, by actor: String) async throws {
        let time = now()
        try await state.write { database in
            let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM token") ?? 0
            guard count < AccessLimits.maximumTokens else {
                throw InvalidRequest(
                    "There are \(count) tokens, and more than \(AccessLimits.maximumTokens) are not kept: revoke some.")
            }
            let scopes = token.scopes.map(\.text).joined(separator: " ")
            try database.execute(
                sql: "INSERT INTO token (id, name, scopes, created_at, expires_at, hash) VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [
                    token.id, token.name, scopes, token.createdAt * 1000, token.expiresAt.map { $0 * 1000 },
                    Data(token.hash.bytes),
                ])
            try Self.change(.tokens, in: database)
            try Self.append(
                AuditEntry(
                    time: time, actor: actor, action: .createToken, object: token.id, detail: "\(token.name): \(scopes)"
                ),
                to: database)
        }
    }

    public func revoke(_ id: String, by actor: String) async throws -> Token {
        let time = now()
        // A directory without a state is not given one.
        guard try await state.read({ _ in true }) != nil else { throw TokenNotFound(id: id) }
        return try await state.write { database in
            guard let row = try Row.fetchOne(database, sql: "SELECT * FROM token WHERE id = ?", arguments: [id]) else {
                throw TokenNotFound(id: id)
            }
            let token = try Self.token(row)
            try database.execute(sql: "DELETE FROM token WHERE id = ?", arguments: [id])
            try Self.change(.tokens, in: database)
            try Self.append(
                AuditEntry(time: time, actor: actor, action: .revokeToken, object: id, detail: token.name), to: database
            )
            return token
        }
    }

    public func tokenStamp() async throws -> Int64? { try await stamp(.tokens) }
}

// MARK: Secrets

extension StateAccessStore: SecretStore {
    public func secrets() async throws -> [StoredSecret] {
        try await state.read { database in
            try Row.fetchAll(database, sql: "SELECT name, changed_at FROM secret ORDER BY name").map { row in
                StoredSecret(name: row["name"], changedAt: row["changed_at"] as Int64 / 1000)
            }
        } ?? []
    }

    public func setSecret(_ name: String, to value: String, by actor: String) async throws {
        try AccessLimits.checkSecret(name, value)
        let time = now()
        try await state.write { [key] database in
            let others = try Int.fetchOne(
                database, sql: "SELECT count(*) FROM secret WHERE name != ?", arguments: [name])
            guard others ?? 0 < AccessLimits.maximumSecrets else {
                throw InvalidRequest("There are \(AccessLimits.maximumSecrets) secrets, and no more are kept.")
            }
            // In the transaction: two processes do not make two keys.
            let box = try key.makeIfMissing().seal(value, name: name)
            try database.execute(
                sql: "INSERT OR REPLACE INTO secret (name, box, changed_at) VALUES (?, ?, ?)",
                arguments: [name, box, time])
            try Self.change(.secrets, in: database)
            try Self.append(
                AuditEntry(time: time, actor: actor, action: .setSecret, object: name), to: database)
        }
    }

    public func deleteSecret(_ name: String, by actor: String) async throws {
        let time = now()
        guard try await state.read({ _ in true }) != nil else { throw SecretNotFound(name: name) }
        try await state.write { database in
            try database.execute(sql: "DELETE FROM secret WHERE name = ?", arguments: [name])
            guard database.changesCount > 0 else { throw SecretNotFound(name: name) }
            try Self.change(.secrets, in: database)
            try Self.append(
                AuditEntry(time: time, actor: actor, action: .deleteSecret, object: name), to: database)
        }
    }

    public func secretValues(_ names: [String]) async throws -> [String: String] {
        try await state.read { [key] database in
            var values: [String: String] = [:]
            for name in names {
                let box = try Data.fetchOne(database, sql: "SELECT box FROM secret WHERE name = ?", arguments: [name])
                if let box { values[name] = try key.read().open(box, name: name) }
            }
            return values
        } ?? [:]
    }

    public func secretStamp() async throws -> Int64? { try await stamp(.secrets) }
}

// MARK: The audit log

extension StateAccessStore: AuditLog {
    public func append(_ entry: AuditEntry) async throws {
        try await state.write { try Self.append(entry, to: $0) }
    }

    private static func append(_ entry: AuditEntry, to database: Database) throws {
        try database.execute(
            sql: "INSERT INTO audit (time, actor, action, object, detail) VALUES (?, ?, ?, ?, ?)",
            arguments: [entry.time, entry.actor, entry.action.rawValue, entry.object, entry.detail])
        try database.execute(
            sql: "DELETE FROM audit WHERE number <= ?",
            arguments: [database.lastInsertedRowID - Int64(AccessLimits.maximumAuditEntries)])
    }

    public func auditEntries(limit: Int) async throws -> [AuditEntry] {
        try await state.read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM audit ORDER BY number DESC LIMIT ?", arguments: [max(0, limit)]
            ).compactMap { row in
                // A later version may know more actions.
                AuditEntry.Action(rawValue: row["action"]).map { action in
                    AuditEntry(
                        time: row["time"], actor: row["actor"], action: action, object: row["object"],
                        detail: row["detail"])
                }
            }
        } ?? []
    }
}
