import Foundation
import FunctionModel
import StorageContractTests
import TestSupport
import Testing

@testable import FileStorage
@testable import FunctionStorage

@Suite struct FileFunctionRepositoryTests {
    private let folder: TemporaryFolder
    private let store: FileFunctionRepository
    private let hello: FunctionID

    init() throws {
        folder = try TemporaryFolder()
        store = FileFunctionRepository(dataDirectory: "\(folder.path)/new/.faas")
        hello = try FunctionID("hello")
    }

    private let definition = FunctionDefinition(
        language: .javaScript, sourceCode: "exports.handler = () => '\u{1}é😀'\r\n", functionName: "main",
        sourceName: "a.mjs",
        jsEvalAsModule: true, dependencies: ["x": "1", "y/z": "2"], environment: ["A": "1", "B": ""],
        prime: [["name": "é", "list": [1, 2.5, nil, true]], nil, 7], timeoutMillis: 0)

    @Test(arguments: RepositoryContract.cases)
    func `It does what every repository must do`(contract: RepositoryContract.Case) async throws {
        try await contract.run(store)
    }

    /// Saves a function of this definition.
    @discardableResult
    private func save(_ id: FunctionID, _ definition: FunctionDefinition) async throws -> Function {
        let function = Function(id: id, definition: definition)
        try await store.save(function)
        return function
    }

    @Test("A file has the fields of GraalFaaS; ours only where they differ from their defaults")
    func format() async throws {
        try await save(
            hello, FunctionDefinition(language: .python, sourceCode: "x", dependencies: ["m": "y"]))
        #expect(
            try folder.text(of: "new/.faas/functions/hello.json") == """
                {
                  "dependencies": {
                    "m": "y"
                  },
                  "functionName": "handler",
                  "id": "hello",
                  "jsEvalAsModule": false,
                  "languageId": "python",
                  "sourceCode": "x"
                }

                """)
    }

    @Test("Saving again replaces the function, and leaves nothing else in the folder")
    func replace() async throws {
        let first = try await save(hello, definition)
        let second = try await save(hello, FunctionDefinition(language: .python, sourceCode: "2"))
        #expect(first.revision != second.revision)
        try await #expect(store.load(hello).function == second)
        #expect(try folder.names(in: "new/.faas/functions") == [".versions", "hello.json"])
    }

    @Test("Only this user can read a function's file, also one that another version wrote")
    func mode() async throws {
        let mask = umask(0)
        umask(mask)
        let path = try folder.write("{}", to: "new/.faas/functions/hello.json")
        chmod(path, 0o644)
        try await save(hello, definition)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test("A new folder of functions is this user's alone; the data directory is not, because workers read layers")
    func folderMode() async throws {
        try await save(hello, definition)
        func mode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        #expect(try mode(store.functionsDirectory) == 0o700)
        #expect((try mode(store.location) ?? 0) & 0o055 != 0)
    }

    @Test("Saving that fails says why, keeps what was there, and leaves no temporary file")
    func failedSave() async throws {
        // A folder cannot be replaced by a file.
        try folder.write("", to: "new/.faas/functions/hello.json/x")
        let error = await #expect(throws: StorageFailure.self) { try await save(hello, definition) }
        #expect(error?.path == store.location(of: hello))
        #expect(error?.reason == "rename: Is a directory")
        #expect(try folder.names(in: "new/.faas/functions") == [".versions", "hello.json"])

        let file = try folder.write("", to: "file")
        await #expect(throws: StorageFailure.self) {
            try await FileFunctionRepository(dataDirectory: file).save(Function(id: hello, definition: definition))
        }
    }

    @Test("A deleted function is gone; one that is broken can be deleted too")
    func delete() async throws {
        try await save(hello, definition)
        try await store.delete(hello)
        await #expect(throws: FunctionNotFound(id: "hello")) { try await store.load(hello) }
        try folder.write("{", to: "new/.faas/functions/hello.json")
        try await store.delete(hello)
        try await #expect(store.list().broken.isEmpty)
    }

    @Test("Functions are listed by id, and the broken ones do not hide the others")
    func list() async throws {
        for id in ["b", "a-b", "a"] { try await save(try FunctionID(id), definition) }
        try folder.write("{\n  \"id\": oops}", to: "new/.faas/functions/c.json")
        try folder.write("", to: "new/.faas/functions/README.txt")
        try folder.write("", to: "new/.faas/functions/no id.json")
        try folder.write("", to: "new/.faas/functions/folder.json/x")
        try folder.write("", to: "new/.faas/functions/.a.json.1b2c3d.tmp")

        let list = try await store.list()
        let (functions, broken) = (list.functions, list.broken)
        #expect(functions.map(\.id.text) == ["a", "a-b", "b"])
        let directory = store.functionsDirectory
        #expect(
            broken == [
                BrokenFunction(path: "\(directory)/README.txt", reason: "its name is not a function id and '.json'"),
                BrokenFunction(path: "\(directory)/c.json", reason: "line 2, column 9: expected a value"),
                BrokenFunction(path: "\(directory)/folder.json", reason: "it is a directory"),
                BrokenFunction(path: "\(directory)/no id.json", reason: "its name is not a function id and '.json'"),
            ])
    }

    @Test(
        "A file that does not describe its function is broken, with the reason",
        arguments: [
            ("", "line 1, column 1: expected a value, but the document ends here"),
            ("[]", "the function at line 1, column 1 must be an object, not an array"),
            (#"{"languageId": "js", "sourceCode": ""}"#, "the field 'id' is missing"),
            (
                #"{"id": "other", "languageId": "js", "sourceCode": ""}"#,
                "the field 'id' at line 1, column 2 is 'other', not the file's name"
            ),
            (#"{"id": "hello", "languageId": "js"}"#, "the field 'sourceCode' is missing"),
            (
                #"{"id": "hello", "languageId": "ruby", "sourceCode": ""}"#,
                "the field 'languageId' at line 1, column 17: Unsupported language 'ruby': use one of 'js', 'python'."
            ),
            (
                #"{"id": "hello", "languageId": "js", "sourceCode": "", "dependencies": {"a": 1}}"#,
                "the field 'a' at line 1, column 77 must be text, not 1"
            ),
        ])
    func broken(text: String, reason: String) async throws {
        try folder.write(text, to: "new/.faas/functions/hello.json")
        await #expect(throws: BrokenFunction(path: store.location(of: hello), reason: reason)) {
            try await store.load(hello)
        }
    }

    @Test("A pipe under a function's name does not make the reader wait")
    func pipe() async throws {
        try folder.write("", to: "new/.faas/functions/.keep")
        try #require(mkfifo(store.location(of: hello), 0o600) == 0)
        await #expect(throws: BrokenFunction(path: store.location(of: hello), reason: "it is not a regular file")) {
            try await store.load(hello)
        }
    }

    @Test("A directory written by GraalFaaS is used as it is")
    func graalFaaS() async throws {
        let id = "019a8b5e-3c1d-7f42-9a6b-0c1d2e3f4a5b"
        // As Gson prints it: HTML characters escaped, members in the order of the class.
        try folder.write(
            #"""
            {
              "id": "019a8b5e-3c1d-7f42-9a6b-0c1d2e3f4a5b",
              "languageId": "js",
              "functionName": "handler",
              "jsEvalAsModule": false,
              "sourceCode": "globalThis.handler \u003d (event) \u003d\u003e ({ greeting: \u0027Hello \u0027 + event.name + \"\\n\" });\n",
              "dependencies": {
                "lib/greet": "module.exports \u003d { tag: \u0027\u003cb\u003e\u0026\u0027 };"
              }
            }
            """#, to: "new/.faas/functions/\(id).json")
        try folder.write(
            #"{"id": "old", "languageId": "python", "sourceCode": "def handler(e): return e", "owner": {"unknown": [1]}}"#,
            to: "new/.faas/functions/old.json")

        let list = try await store.list()
        let (functions, broken) = (list.functions, list.broken)
        #expect(broken.isEmpty)
        #expect(functions.map(\.id.text) == [id, "old"])
        #expect(
            functions.first?.definition
                == FunctionDefinition(
                    language: .javaScript,
                    sourceCode: "globalThis.handler = (event) => ({ greeting: 'Hello ' + event.name + \"\\n\" });\n",
                    dependencies: ["lib/greet": "module.exports = { tag: '<b>&' };"]))
        #expect(
            functions.last?.definition == FunctionDefinition(language: .python, sourceCode: "def handler(e): return e"))
    }

    // MARK: Stamps

    @Test("A file that has just changed has no stamp, since a further change might not show")
    func youngFile() async throws {
        try await save(hello, definition)
        let changed = try #require(try FileStamp(path: store.location(of: hello))).changed
        let resolution = FileFunctionRepository.stampResolution
        // A time to come is the fault of a clock: it does not keep the stamp away.
        for (age, isSettled) in [(0, false), (resolution - 1, false), (resolution, true), (-1, true)] {
            let store = FileFunctionRepository(dataDirectory: store.location) { changed + age }
            try await #expect((store.load(hello).stamp != nil) == isSettled, "\(age)")
        }
    }

    @Test("A file that is a link, or has other names, is not watched")
    func unwatched() async throws {
        try await save(hello, definition)
        try await #expect(store.load(hello).isWatched)
        let path = store.location(of: hello)
        try #require(link(path, "\(folder.path)/other") == 0)
        try await #expect(!store.load(hello).isWatched)
        try #require(unlink(path) == 0 && symlink("\(folder.path)/other", path) == 0)
        try await #expect(!store.load(hello).isWatched)
    }

    @Test("A timeout above the maximum, which other versions have stored, becomes the maximum")
    func longTimeout() async throws {
        try folder.write(
            #"{"id": "hello", "languageId": "js", "sourceCode": "", "timeoutMillis": 9223372036000}"#,
            to: "new/.faas/functions/hello.json")
        #expect(
            try await store.load(hello).function.definition.timeoutMillis == FunctionDefinition.maximumTimeoutMillis)
    }
}
