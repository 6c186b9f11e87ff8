import Foundation
import FunctionModel
import FunctionStorage
import GRDB
import Glibc
import NIOPosix
import Synchronization
import SystemCalls

/// What a data directory holds besides the files of functions: `{dataDirectory}/state.sqlite`.
///
/// The first write makes the file; a read of a directory without one finds nothing and writes nothing. A directory that
/// GraalFaaS wrote has none. Any number of processes may use it at once: a write transaction takes SQLite's lock before
/// it reads, so two of them never overlap. ``StateSchema`` has the tables.
package final class StateDatabase: Sendable {
    /// The format of the data directory that this program writes. It is `PRAGMA user_version` of the file. Raise it when
    /// a program that does not know a change would misread or damage the directory. A further table does not need that.
    package static let format = 1
    package static let fileName = "state.sqlite"

    package let dataDirectory: String
    package var path: String { "\(dataDirectory)/\(Self.fileName)" }

    private let connections = Mutex(Connections())

    /// How long a write waits for one of another process.
    private static let busySeconds = 10.0

    /// - Parameter dataDirectory: It need not exist before the first ``write(_:)``.
    package init(dataDirectory: String) { self.dataDirectory = dataDirectory.isEmpty ? "." : dataDirectory }

    /// Two connections, so that reads do not wait for a write that waits for another process.
    private struct Connections {
        var reader: DatabaseQueue?
        var writer: DatabaseQueue?
        /// The file that they have open. Another may take its place, for example from a backup.
        var file: Identity?
    }

    private struct Identity: Equatable {
        let device: UInt64
        let inode: UInt64
    }

    // MARK: Use

    /// - Returns: what `body` returns; nil if there is no state yet.
    /// - Throws: `NewerDataDirectory`, ``StorageFailure``, and what `body` throws.
    package func read<Result: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Result
    ) async throws -> Result? {
        try await naming {
            guard let reader = try await connection(creates: false) else { return nil }
            return try await reader.read { database in
                try Self.checkFormat(of: database, dataDirectory: dataDirectory)
                return try body(database)
            }
        }
    }

    /// Runs `body` in one transaction, which is durable when this returns. If `body` throws, nothing is written.
    /// - Throws: `NewerDataDirectory`, ``StorageFailure``, and what `body` throws.
    package func write<Result: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Result
    ) async throws -> Result {
        try await naming {
            guard let writer = try await connection(creates: true) else {
                throw StorageFailure(path: path, reason: "it was removed at once")
            }
            return try await writer.write { database in
                // Another program may have changed the format since this one opened the file.
                try Self.checkFormat(of: database, dataDirectory: dataDirectory)
                return try body(database)
            }
        }
    }

    /// The same for a change that is of files too. No other process runs such a change at the same time.
    ///
    /// Whatever happens, the lock is released: the kernel drops it with the process.
    /// - Parameter afterCommit: changes the files that the transaction's commit stands for.
    package func write<Result: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Result,
        afterCommit: @escaping @Sendable (Result) throws -> Void
    ) async throws -> Result {
        try await naming {
            guard let writer = try await connection(creates: true) else {
                throw StorageFailure(path: path, reason: "it was removed at once")
            }
            return try await writer.writeWithoutTransaction { [dataDirectory] database in
                try Self.locked(database, dataDirectory, body, afterCommit)
            }
        }
    }

    private static func locked<Result>(
        _ database: Database, _ dataDirectory: String, _ body: (Database) throws -> Result,
        _ afterCommit: (Result) throws -> Void
    ) throws -> Result {
        try DirectoryLock.hold(dataDirectory) {
            var result: Result?
            try database.inTransaction(.immediate) {
                try checkFormat(of: database, dataDirectory: dataDirectory)
                result = try body(database)
                return .commit
            }
            guard let result else { throw StorageFailure(path: dataDirectory, reason: "a transaction did not run") }
            try afterCommit(result)
            return result
        }
    }

    // MARK: Opening

    /// Opening a file may wait, which tasks must not.
    private func connection(creates: Bool) async throws -> DatabaseQueue? {
        try await NIOThreadPool.singleton.runIfActive { try self.openConnection(creates: creates) }
    }

    /// - Parameter creates: whether it is for a write, which makes the file.
    private func openConnection(creates: Bool) throws -> DatabaseQueue? {
        try connections.withLock { connections in
            let file = try identity()
            if let file, file == connections.file, let open = creates ? connections.writer : connections.reader {
                return open
            }
            if file != connections.file { connections = Connections() }
            guard creates || file != nil else { return nil }
            try prepare(creates: creates)
            guard let made = try identity(), !isEmpty() else { return nil }
            let queue = try creates ? open(isReadOnly: false) : openReader()
            // An empty file is one whose maker ended before its first transaction.
            let format = try queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
            guard format > 0 else { return nil }
            if creates { connections.writer = queue } else { connections.reader = queue }
            connections.file = made
            return queue
        }
    }

    private func identity() throws -> Identity? {
        do {
            return try FileStamp(path: path).map { Identity(device: $0.device, inode: $0.inode) }
        } catch {
            throw StorageFailure(path: path, reason: error.description)
        }
    }

    /// Brings the file to this program's tables. One process at a time: SQLite does not wait for the lock when it
    /// changes to a write-ahead log.
    private func prepare(creates: Bool) throws {
        do {
            if isCurrent() { return }
            // Nothing can be changed here; what there is can be read.
            if !creates, !isWritable { return }
            if creates { try DurableFile.createFolder(dataDirectory) }
            guard creates || !isEmpty() else { return }
            try DirectoryLock.hold(dataDirectory) {
                if creates { try createFile() }
                let queue = try open(isReadOnly: false)
                try queue.read { try Self.checkFormat(of: $0, dataDirectory: dataDirectory) }
                try StateSchema.migrator.migrate(queue)
                try queue.close()
            }
        } catch let error as SystemCallError {
            throw StorageFailure(path: path, reason: error.description)
        }
    }

    private func isEmpty() -> Bool { ((try? FileStamp(path: path))?.size ?? 0) == 0 }

    /// Whether the file has all tables, by its own word and without a lock.
    private func isCurrent() -> Bool {
        guard !isEmpty(), let queue = try? openReader() else { return false }
        return (try? queue.read { try StateSchema.migrator.hasCompletedMigrations($0) }) ?? false
    }

    private var isWritable: Bool { access(dataDirectory, W_OK) == 0 }

    /// SQLite cannot read a write-ahead log in a directory that it cannot write to. After a clean end there is none,
    /// and the file itself is complete.
    private func openReader() throws -> DatabaseQueue {
        do {
            let queue = try open(isReadOnly: true)
            _ = try queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") }
            return queue
        } catch is DatabaseError where !isWritable {
            // The path may have characters that mean something in a URI.
            return try open(isReadOnly: true, path: URL(fileURLWithPath: path).absoluteString + "?immutable=1")
        }
    }

    private func open(isReadOnly: Bool, path: String? = nil) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "faas.state"
        configuration.busyMode = .timeout(Self.busySeconds)
        configuration.readonly = isReadOnly
        configuration.prepareDatabase { database in
            // By these statements, because GRDB's own setting writes to the file whenever it opens it.
            if !isReadOnly { try database.execute(sql: "PRAGMA journal_mode = WAL") }
            // With NORMAL, a transaction may be lost if the machine loses power.
            try database.execute(sql: "PRAGMA synchronous = FULL")
        }
        return try DatabaseQueue(path: path ?? self.path, configuration: configuration)
    }

    /// SQLite would make it readable for everybody. Its other files get the mode of this one.
    private func createFile() throws(SystemCallError) {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            if errno == EEXIST { return }
            throw SystemCallError("open", code: errno)
        }
        Descriptors.close(descriptor)
        try DurableFile.sync(folder: dataDirectory)
    }

    // MARK: Errors

    private static func checkFormat(of database: Database, dataDirectory: String) throws {
        let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard found <= format else {
            throw NewerDataDirectory(path: dataDirectory, format: found, supported: format)
        }
    }

    private func naming<Result>(_ work: () async throws -> Result) async throws -> Result {
        do {
            return try await work()
        } catch let error as DatabaseError {
            // SQLite's own words: "database or disk is full", "file is not a database".
            throw StorageFailure(path: path, reason: error.message ?? "\(error.resultCode)")
        }
    }
}
