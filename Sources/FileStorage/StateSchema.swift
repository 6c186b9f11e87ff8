import GRDB

/// The tables of ``StateDatabase``, in the order in which they came.
///
/// To add a table, append a migration with a name of its own: it runs once in each data directory, in a transaction.
/// Never change one that a release has: directories have run it. Times are milliseconds since 1970.
enum StateSchema {
    static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("format 1") { database in
            try database.execute(sql: "PRAGMA user_version = 1")
        }
        migrator.registerMigration("function versions") { database in
            try database.execute(
                sql: """
                    CREATE TABLE function_version (
                        function_id TEXT NOT NULL,
                        number INTEGER NOT NULL,
                        revision TEXT NOT NULL,
                        created_at INTEGER NOT NULL,
                        size INTEGER NOT NULL,
                        author TEXT NOT NULL,
                        PRIMARY KEY (function_id, number)
                    ) WITHOUT ROWID;

                    -- The last number stays when the function is deleted: numbers are not used again.
                    CREATE TABLE function_number (
                        function_id TEXT NOT NULL PRIMARY KEY,
                        last INTEGER NOT NULL,
                        current INTEGER,
                        deleted_at INTEGER
                    ) WITHOUT ROWID;

                    CREATE TABLE function_alias (
                        function_id TEXT NOT NULL,
                        name TEXT NOT NULL,
                        version INTEGER NOT NULL,
                        canary_version INTEGER,
                        canary_percent REAL,
                        PRIMARY KEY (function_id, name)
                    ) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("access") { database in
            try database.execute(
                sql: """
                    CREATE TABLE token (
                        id TEXT NOT NULL PRIMARY KEY,
                        name TEXT NOT NULL,
                        -- Texts with a space between.
                        scopes TEXT NOT NULL,
                        created_at INTEGER NOT NULL,
                        expires_at INTEGER,
                        -- SHA-256 of the secret.
                        hash BLOB NOT NULL UNIQUE
                    ) WITHOUT ROWID;

                    CREATE TABLE secret (
                        name TEXT NOT NULL PRIMARY KEY,
                        -- Nonce, encrypted value and tag.
                        box BLOB NOT NULL,
                        changed_at INTEGER NOT NULL
                    ) WITHOUT ROWID;

                    -- Numbers are not used again.
                    CREATE TABLE audit (
                        number INTEGER PRIMARY KEY AUTOINCREMENT,
                        time INTEGER NOT NULL,
                        actor TEXT NOT NULL,
                        action TEXT NOT NULL,
                        object TEXT NOT NULL,
                        detail TEXT NOT NULL
                    );

                    -- Differs after each change of the tokens, or of the secrets.
                    CREATE TABLE access_stamp (
                        name TEXT NOT NULL PRIMARY KEY,
                        stamp INTEGER NOT NULL
                    ) WITHOUT ROWID;
                    """)
        }
        return migrator
    }()
}
