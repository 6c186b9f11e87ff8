import FileStorage
import Foundation
import FunctionModel
import FunctionStorage
import StorageContractTests
import TestSupport
import Testing

@Suite struct FileArtifactStoreTests {
    private let folder: TemporaryFolder
    private let store: FileArtifactStore

    init() throws {
        folder = try TemporaryFolder()
        store = FileArtifactStore(dataDirectory: "\(folder.path)/.faas")
    }

    @Test(arguments: ArtifactContract.cases)
    func `It does what every artifact store must do`(contract: ArtifactContract.Case) async throws {
        try await contract.run(store)
    }

    @Test func `Nothing unfinished is left`() async throws {
        struct Failure: Error {}
        await #expect(throws: Failure.self) {
            try await store.make(ArtifactName.name("packages", of: [])) { _ in throw Failure() }
        }
        _ = try await store.make { _ in ArtifactName.name("source", of: []) }
        #expect(try folder.names(in: ".faas/layers").count == 1)
    }

    @Test func `A folder is stored once for each content, with its files and nothing hidden`() async throws {
        for (name, text) in [
            "main.py": "import shop.prices", "shop/__init__.py": "", "shop/data/prices.txt": "9", ".env": "secret",
            "__pycache__/main.pyc": "old",
        ] { try folder.write(text, to: "app/src/\(name)") }
        func source() throws -> SourceFolder {
            let text = #"{"id": "a", "languageId": "python", "sourceDir": "src", "sourceFile": "main.py"}"#
            return try #require(try Manifest(file: try folder.write(text, to: "app/function.json")).sourceFolder)
        }
        let name = try await source().makeArtifact(in: store)
        let path = try #require(store.path(of: name))
        #expect(
            try FileManager.default.subpathsOfDirectory(atPath: path).sorted() == [
                "main.py", "shop", "shop/__init__.py", "shop/data", "shop/data/prices.txt",
            ])
        try await #expect(source().makeArtifact(in: store) == name)
        try folder.write("10", to: "app/src/shop/data/prices.txt")
        try await #expect(source().makeArtifact(in: store) != name)
        #expect(try folder.names(in: ".faas/layers").count == 2)
    }

    @Test func `The files of an artifact can be read by the user that functions run as`() async throws {
        let mask = umask(0o077)
        defer { umask(mask) }
        let name = ArtifactName.name("source", of: ["x"])
        try await store.make(name) { try Data("x".utf8).write(to: URL(fileURLWithPath: "\($0)/x")) }
        let path = try #require(store.path(of: name))
        for (path, mode) in [(path, 0o755), ("\(path)/x", 0o644)] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect((attributes[.posixPermissions] as? Int ?? 0) & mode & 0o555 == mode & 0o555, "\(path)")
        }
    }
}
