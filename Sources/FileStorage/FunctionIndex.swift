import FunctionModel
import FunctionStorage
import GRDB

/// The rows of one function in ``StateDatabase``: its versions, which of them is current, and its aliases.
///
/// The function's file is the truth about what is current, because people and GraalFaaS write it too; the row is a note
/// of what this program made of it last.
struct FunctionIndex {
    private let database: Database
    private let id: FunctionID

    /// Of deleted functions, so many last numbers are remembered.
    private static let rememberedDeletions = 10_000

    init(_ database: Database, _ id: FunctionID) {
        self.database = database
        self.id = id
    }

    /// The last number that was given, and the number of the current version.
    private func numbers() throws -> (last: Int, current: Int?) {
        let row = try Row.fetchOne(
            database, sql: "SELECT last, current FROM function_number WHERE function_id = ?", arguments: [id.text])
        return (row?["last"] ?? 0, row?["current"])
    }

    /// The newest first.
    func versions() throws -> [FunctionVersion] {
        let current = try numbers().current
        return try Row.fetchAll(
            database,
            sql: """
                SELECT number, revision, created_at, size, author FROM function_version
                WHERE function_id = ? ORDER BY number DESC
                """, arguments: [id.text]
        ).map { row in
            FunctionVersion(
                function: id, number: row["number"], revision: row["revision"], createdAt: row["created_at"],
                size: row["size"], author: row["author"], isCurrent: row["number"] == current)
        }
    }

    func contains(_ number: Int) throws -> Bool {
        try Bool.fetchOne(
            database, sql: "SELECT EXISTS (SELECT 1 FROM function_version WHERE function_id = ? AND number = ?)",
            arguments: [id.text, number]) ?? false
    }

    func nextNumber() throws -> Int { try numbers().last + 1 }

    /// The version becomes the current one.
    func insert(_ version: FunctionVersion) throws {
        try database.execute(
            sql: "INSERT INTO function_version VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [
                id.text, version.number, version.revision, version.createdAt, version.size, version.author,
            ])
        try database.execute(
            sql: """
                INSERT INTO function_number (function_id, last, current) VALUES (?1, ?2, ?2)
                ON CONFLICT DO UPDATE SET last = ?2, current = ?2, deleted_at = NULL
                """, arguments: [id.text, version.number])
    }

    func setCurrent(_ number: Int) throws {
        try database.execute(
            sql: "UPDATE function_number SET current = ? WHERE function_id = ?", arguments: [number, id.text])
    }

    func remove(_ number: Int) throws {
        try database.execute(
            sql: "DELETE FROM function_version WHERE function_id = ? AND number = ?", arguments: [id.text, number])
    }

    /// Forgets the function, but for its last number.
    func removeAll(now: Int64) throws {
        for table in ["function_version", "function_alias"] {
            try database.execute(sql: "DELETE FROM \(table) WHERE function_id = ?", arguments: [id.text])
        }
        try database.execute(
            sql: "UPDATE function_number SET current = NULL, deleted_at = ? WHERE function_id = ?",
            arguments: [now, id.text])
        try database.execute(
            sql: """
                DELETE FROM function_number WHERE function_id IN (
                    SELECT function_id FROM function_number WHERE deleted_at IS NOT NULL
                    ORDER BY deleted_at DESC LIMIT -1 OFFSET ?)
                """, arguments: [Self.rememberedDeletions])
    }

    // MARK: Aliases

    func aliases() throws -> [FunctionAlias] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT name, version, canary_version, canary_percent FROM function_alias
                WHERE function_id = ? ORDER BY name
                """, arguments: [id.text]
        ).map { row in
            let canary: FunctionAlias.Canary? =
                if let version = row["canary_version"] as Int?, let percent = row["canary_percent"] as Double? {
                    .init(version: version, percent: percent)
                } else {
                    nil
                }
            return try FunctionAlias(name: row["name"], version: row["version"], canary: canary)
        }
    }

    func set(_ alias: FunctionAlias) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO function_alias VALUES (?, ?, ?, ?, ?)",
            arguments: [id.text, alias.name, alias.version, alias.canary?.version, alias.canary?.percent])
    }

    /// - Returns: whether there was one.
    func removeAlias(_ name: String) throws -> Bool {
        try database.execute(
            sql: "DELETE FROM function_alias WHERE function_id = ? AND name = ?", arguments: [id.text, name])
        return database.changesCount > 0
    }

    // MARK: Listings

    struct Current: Sendable {
        let number: Int
        let revision: String
        let createdAt: Int64
    }

    /// The current version of each function, as it is noted.
    static func currentVersions(_ database: Database) throws -> [String: Current] {
        var found: [String: Current] = [:]
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT v.function_id, v.number, v.revision, v.created_at FROM function_version v
                JOIN function_number n ON n.function_id = v.function_id AND n.current = v.number
                """)
        while let row = try rows.next() {
            found[row["function_id"]] = Current(
                number: row["number"], revision: row["revision"], createdAt: row["created_at"])
        }
        return found
    }
}
