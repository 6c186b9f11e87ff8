import Access
import Foundation
import FunctionModel
import FunctionStorage
import GRDB
import StorageContractTests
import TestSupport
import Testing

@testable import FileStorage

@Suite struct StateAccessStoreTests {
    private let folder: TemporaryFolder
    private let directory: String
    private let store: StateAccessStore

    init() throws {
        folder = try TemporaryFolder()
        directory = "\(folder.path)/.faas"
        store = StateAccessStore(dataDirectory: directory)
    }

    @Test(arguments: AccessContract.cases)
    func `It does what every access store must do`(contract: AccessContract.Case) async throws {
        try await contract.run(store)
    }

    private var allBytes: Data {
        get throws {
            try FileManager.default.subpathsOfDirectory(atPath: directory).reduce(into: Data()) {
                $0 += FileManager.default.contents(atPath: "\(directory)/\($1)") ?? Data()
            }
        }
    }

    @Test func `Neither a secret's value nor a token's secret is in any file`() async throws {
        let value = "hidden-\(UInt64.random(in: 0...UInt64.max))"
        try await store.setSecret("KEY", to: value, by: "test")
        let (token, secret) = try Token.make(name: "findable", scopes: [.read], lifetimeSeconds: nil, now: 1)
        try await store.add(token, by: "test")
        let bytes = try allBytes
        #expect(bytes.range(of: Data(value.utf8)) == nil)
        #expect(bytes.range(of: Data(secret.text.utf8)) == nil)
        #expect(bytes.range(of: Data(secret.text.dropFirst(5).utf8)) == nil)
        #expect(bytes.range(of: Data("findable".utf8)) != nil, "the search finds what is there")
    }

    @Test func `Only this user can read the key, and a key that others can read is refused`() async throws {
        try await store.setSecret("KEY", to: "value", by: "test")
        let path = "\(directory)/secrets.key"
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(attributes[.size] as? Int == 32)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        let error = await #expect(throws: StorageFailure.self) { try await store.secretValues(["KEY"]) }
        #expect(error?.reason.contains("chmod 600") == true)
        await #expect(throws: StorageFailure.self) { try await store.setSecret("OTHER", to: "value", by: "test") }
    }

    @Test func `Another key, a changed value and a value under another name are noticed`() async throws {
        try await store.setSecret("KEY", to: "value", by: "test")
        try await store.setSecret("OTHER", to: "other", by: "test")
        let state = StateDatabase(dataDirectory: directory)
        try await state.write {
            try $0.execute(
                sql: "UPDATE secret SET box = (SELECT box FROM secret WHERE name = 'OTHER') WHERE name = 'KEY'")
        }
        await #expect(throws: StorageFailure.self) { try await store.secretValues(["KEY"]) }
        #expect(try await store.secretValues(["OTHER"]) == ["OTHER": "other"])

        let path = "\(directory)/secrets.key"
        try Data(repeating: 1, count: 32).write(to: URL(fileURLWithPath: path))
        let error = await #expect(throws: StorageFailure.self) { try await store.secretValues(["OTHER"]) }
        #expect(error?.reason.contains("not the key") == true)
        try Data(repeating: 1, count: 31).write(to: URL(fileURLWithPath: path))
        await #expect(throws: StorageFailure.self) { try await store.secretValues(["OTHER"]) }
        try FileManager.default.removeItem(atPath: path)
        await #expect(throws: StorageFailure.self) { try await store.secretValues(["OTHER"]) }
        #expect(try await store.secretValues(["MISSING"]).isEmpty)
    }

    @Test func `The same value is encrypted differently each time`() async throws {
        var boxes: Set<Data> = []
        for _ in 0..<5 {
            try await store.setSecret("KEY", to: "value", by: "test")
            let box = try await StateDatabase(dataDirectory: directory).read {
                try Data.fetchOne($0, sql: "SELECT box FROM secret")
            }
            boxes.insert(try #require(box ?? nil))
        }
        #expect(boxes.count == 5)
    }

    @Test func `A token that cannot be read is an error, not one token less`() async throws {
        let (token, _) = try Token.make(name: "a", scopes: [.read], lifetimeSeconds: nil, now: 1)
        try await store.add(token, by: "test")
        let state = StateDatabase(dataDirectory: directory)
        try await state.write { try $0.execute(sql: "UPDATE token SET scopes = 'later'") }
        await #expect(throws: InvalidRequest.self) { try await store.tokens() }
        try await state.write { try $0.execute(sql: "UPDATE token SET scopes = 'read', hash = x'00'") }
        await #expect(throws: StorageFailure.self) { try await store.tokens() }
    }

    @Test func `The audit log keeps the latest entries`() async throws {
        let state = StateDatabase(dataDirectory: directory)
        try await store.append(AuditEntry(time: 1, actor: "a", action: .deploy, object: "first"))
        let last = AccessLimits.maximumAuditEntries - 1
        try await state.write { try $0.execute(sql: "UPDATE sqlite_sequence SET seq = \(last) WHERE name = 'audit'") }
        try await store.append(AuditEntry(time: 2, actor: "a", action: .deploy, object: "second"))
        #expect(try await store.auditEntries(limit: 10).map(\.object) == ["second", "first"])
        try await store.append(AuditEntry(time: 3, actor: "a", action: .deploy, object: "third"))
        #expect(try await store.auditEntries(limit: 10).map(\.object) == ["third", "second"])
    }
}
