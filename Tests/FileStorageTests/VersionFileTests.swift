import Foundation
import FunctionModel
import FunctionStorage
import GRDB
import TestSupport
import Testing

@testable import FileStorage

/// Versions where files and rows are not as this program leaves them.
@Suite struct VersionFileTests {
    private let folder: TemporaryFolder
    private let store: FileFunctionRepository
    private let hello: FunctionID

    init() throws {
        folder = try TemporaryFolder()
        store = FileFunctionRepository(dataDirectory: "\(folder.path)/.faas")
        hello = try FunctionID("hello")
    }

    private func function(_ source: String) -> Function {
        Function(id: hello, definition: FunctionDefinition(language: .javaScript, sourceCode: source))
    }

    private func writeByHand(_ source: String) throws {
        try folder.write(
            #"{"id": "hello", "languageId": "js", "sourceCode": "\#(source)"}"#, to: ".faas/functions/hello.json")
    }

    private func files() throws -> [String] { try folder.names(in: ".faas/functions/.versions/hello") }

    @Test func `A directory that GraalFaaS wrote loads, and reading it writes nothing`() async throws {
        try writeByHand("1")
        try await #expect(store.load(hello).function == function("1"))
        let list = try await store.list()
        #expect(list.facts[hello]?.version == nil)
        #expect((list.facts[hello]?.size ?? 0) > 10)
        try await #expect(store.aliases(of: hello).isEmpty)
        try await #expect(store.knownVersions(of: hello).isEmpty)
        await #expect(throws: VersionNotFound.self) { try await store.load(hello, version: 1) }
        await #expect(throws: FunctionNotFound.self) { try await store.delete(FunctionID("other")) }
        #expect(try folder.names(in: ".faas") == ["functions"])
        #expect(try folder.names(in: ".faas/functions") == ["hello.json"])
    }

    @Test func `A file that was written by hand becomes a version when versions are listed or it is replaced`()
        async throws
    {
        try writeByHand("1")
        let first = try await store.versions(of: hello)
        #expect(first.map(\.number) == [1])
        #expect(first.first?.author == "file" && first.first?.isCurrent == true)
        try writeByHand("2")
        try await store.save(function("3"), FunctionChange(author: "ada"))
        let versions = try await store.versions(of: hello)
        #expect(versions.map(\.author) == ["ada", "file", "file"])
        try await #expect(store.load(hello, version: 2) == function("2"))
        try await #expect(store.load(hello, version: 1) == function("1"))
    }

    @Test func `A version's content that was written by hand makes that version current`() async throws {
        for source in ["1", "2"] { try await store.save(function(source)) }
        try writeByHand("1")
        try await #expect(store.versions(of: hello).map(\.isCurrent) == [false, true])
    }

    @Test func `A broken file has versions, and a rollback repairs it`() async throws {
        for source in ["1", "2"] { try await store.save(function(source)) }
        try folder.write("{", to: ".faas/functions/hello.json")
        try await #expect(store.versions(of: hello).map(\.isCurrent) == [false, false])
        try await #expect(store.load(hello, version: 1) == function("1"))
        try await #expect(store.rollBack(hello, to: nil, FunctionChange()).number == 2)
        try await #expect(store.load(hello).function == function("2"))
    }

    @Test func `A process that was killed before its transaction leaves nothing that counts`() async throws {
        try await store.save(function("1"))
        try folder.write("half of a vers", to: ".faas/functions/.versions/hello/2.json")
        try folder.write("half", to: ".faas/functions/.versions/hello/.2.json.x.tmp")
        await #expect(throws: VersionNotFound.self) { try await store.load(hello, version: 2) }
        try await #expect(store.save(function("2")).number == 2)
        try await #expect(store.load(hello, version: 2) == function("2"))
        #expect(try files() == ["1.json", "2.json"])
    }

    @Test func `A process that was killed before it replaced the current file leaves the version before it`()
        async throws
    {
        try await store.save(function("1"))
        let before = try folder.text(of: ".faas/functions/hello.json")
        try await store.save(function("2"))
        try folder.write(before, to: ".faas/functions/hello.json")
        try await #expect(store.load(hello).function == function("1"))
        try await #expect(store.versions(of: hello).map(\.isCurrent) == [false, true])
        try await #expect(store.save(function("3")).number == 3)
        try await #expect(store.load(hello, version: 2) == function("2"))
    }

    @Test func `A process that was killed while it deleted leaves no version of the function`() async throws {
        try await store.save(function("1"))
        try FileManager.default.removeItem(atPath: store.location(of: hello))
        await #expect(throws: FunctionNotFound.self) { try await store.load(hello, version: 1) }
        try await #expect(store.save(function("2")).number == 2)
        try await #expect(store.versions(of: hello).map(\.number) == [2])
        #expect(try files() == ["2.json"])
    }

    @Test func `Old versions are pruned by count, but not those that an alias leads to`() async throws {
        var store = store
        store.retention.maximumCount = 3
        store.retention.minimumCount = 1
        try await store.save(function("1"))
        try await store.setAlias(FunctionAlias(name: "live", version: 1), of: hello)
        for source in ["2", "3", "4", "5"] { try await store.save(function(source)) }
        try await #expect(store.versions(of: hello).map(\.number) == [5, 4, 3, 1])
        #expect(try files() == ["1.json", "3.json", "4.json", "5.json"])
    }

    @Test func `Old versions are pruned by age, but not the newest`() {
        var retention = VersionRetention()
        retention.minimumCount = 2
        retention.maximumAgeDays = 1
        let day: Int64 = 86_400_000
        let versions = (1...5).reversed().map { number in
            FunctionVersion(
                function: hello, number: number, revision: "", createdAt: 0, size: 0, author: "",
                isCurrent: number == 1)
        }
        #expect(retention.superfluous(versions, kept: [3], now: day + 1) == [2])
        #expect(retention.superfluous(versions, kept: [3], now: day) == [])
    }

    @Test func `Only this user can read versions`() async throws {
        try await store.save(function("1"))
        for (path, mode) in [("", 0o700), ("/1.json", 0o600)] {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: "\(store.functionsDirectory)/.versions/hello\(path)")
            #expect(attributes[.posixPermissions] as? Int == mode)
        }
    }

    @Test func `A directory of a later version is refused before anything is written`() async throws {
        try await store.save(function("1"))
        try await store.state.write { try $0.execute(sql: "PRAGMA user_version = 9") }
        await #expect(throws: NewerDataDirectory.self) { try await store.save(function("2")) }
        await #expect(throws: NewerDataDirectory.self) { try await store.list() }
        try await #expect(store.load(hello).function == function("1"))
        #expect(try files() == ["1.json"])
    }
}
