import Foundation
import FunctionStorage
import GRDB
import TestSupport
import Testing

@testable import FileStorage

@Suite struct StateDatabaseTests {
    private let folder: TemporaryFolder
    private let directory: String
    private let state: StateDatabase

    init() throws {
        folder = try TemporaryFolder()
        directory = "\(folder.path)/new/.faas"
        state = StateDatabase(dataDirectory: directory)
    }

    private func makeCounter() async throws {
        try await state.write {
            try $0.execute(sql: "CREATE TABLE counter (value INTEGER); INSERT INTO counter VALUES (0)")
        }
    }

    private func counter(_ state: StateDatabase) async throws -> Int? {
        try await state.read { try Int.fetchOne($0, sql: "SELECT value FROM counter") } ?? nil
    }

    @Test func `A read makes no file, and the first write does`() async throws {
        #expect(try await state.read { _ in 1 } == nil)
        #expect(!FileManager.default.fileExists(atPath: directory))
        try await makeCounter()
        #expect(try await counter(state) == 0)
        #expect(try await counter(StateDatabase(dataDirectory: directory)) == 0, "another process reads it")
    }

    @Test func `Only this user can read its files`() async throws {
        try await makeCounter()
        for name in ["state.sqlite", "state.sqlite-wal", "state.sqlite-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(directory)/\(name)")
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
        }
    }

    @Test func `Transactions go to a write-ahead log and are synced`() async throws {
        let settings = try await state.write { database in
            [
                try String.fetchOne(database, sql: "PRAGMA journal_mode"),
                try String.fetchOne(database, sql: "PRAGMA synchronous"),
                try String.fetchOne(database, sql: "PRAGMA user_version"),
            ]
        }
        #expect(settings == ["wal", "2", "\(StateDatabase.format)"])
    }

    @Test func `A directory of a later version is refused, to read and to write`() async throws {
        try await makeCounter()
        try await state.write { try $0.execute(sql: "PRAGMA user_version = 7") }
        let expected = NewerDataDirectory(path: directory, format: 7, supported: StateDatabase.format)
        for state in [state, StateDatabase(dataDirectory: directory)] {
            await #expect(throws: expected) { try await state.read { _ in } }
            await #expect(throws: expected) { try await state.write { _ in } }
        }
        #expect(expected.message.contains("has format 7, and this program knows formats up to 1"))
    }

    @Test func `Writers that share a directory make it together and lose no update`() async throws {
        let directory = directory
        try await withThrowingTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    let state = StateDatabase(dataDirectory: directory)
                    for _ in 0..<10 {
                        try await state.write { database in
                            try database.execute(sql: "CREATE TABLE IF NOT EXISTS counter (value INTEGER)")
                            let value = try Int.fetchOne(database, sql: "SELECT MAX(value) FROM counter") ?? 0
                            try database.execute(sql: "INSERT INTO counter VALUES (?)", arguments: [value + 1])
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let values = try await state.read { try Int.fetchAll($0, sql: "SELECT value FROM counter ORDER BY value") }
        #expect(values == Array(1...40))
    }

    @Test func `A transaction that fails leaves nothing`() async throws {
        struct Failure: Error {}
        try await makeCounter()
        await #expect(throws: Failure.self) {
            try await state.write { database in
                try database.execute(sql: "UPDATE counter SET value = 1")
                throw Failure()
            }
        }
        #expect(try await counter(state) == 0)
    }

    @Test func `A file that another one replaced is opened again`() async throws {
        try await makeCounter()
        #expect(try await counter(state) == 0)
        try FileManager.default.removeItem(atPath: directory)
        #expect(try await state.read { _ in 1 } == nil)
        try await makeCounter()
        try await state.write { try $0.execute(sql: "UPDATE counter SET value = 5") }
        #expect(try await counter(state) == 5)
    }

    @Test func `An empty file is one whose maker ended before it wrote`() async throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: state.path))
        #expect(try await state.read { _ in 1 } == nil)
        try await makeCounter()
        #expect(try await counter(state) == 0)
    }

    @Test func `A file that is no database is named in the error`() async throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try Data(repeating: 65, count: 8192).write(to: URL(fileURLWithPath: state.path))
        await #expect(throws: StorageFailure(path: state.path, reason: "file is not a database")) {
            try await state.write { _ in }
        }
        await #expect(throws: StorageFailure(path: state.path, reason: "file is not a database")) {
            try await state.read { _ in }
        }
    }
}
