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
        return migrator
    }()
}
