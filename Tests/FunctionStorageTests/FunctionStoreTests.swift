import FileStorage
import Foundation
import FunctionModel
import FunctionStorage
import Testing

@Suite("Function store")
struct FunctionStoreTests {
    private let folder: TemporaryFolder
    private let store: FunctionStore
    private let hello: FunctionID

    init() throws {
        folder = try TemporaryFolder()
        store = FunctionStore(dataDirectory: "\(folder.path)/new/.faas")
        hello = try FunctionID("hello")
    }

    private let definition = FunctionDefinition(
        language: .javaScript, sourceCode: "exports.handler = () => '\u{1}é😀'\r\n", functionName: "main",
        sourceName: "a.mjs",
        jsEvalAsModule: true, dependencies: ["x": "1", "y/z": "2"], environment: ["A": "1", "B": ""],
        prime: [["name": "é", "list": [1, 2.5, nil, true]], nil, 7], timeoutMillis: 0)

    @Test("What was saved is loaded, in the same revision")
    func roundTrip() throws {
        let saved = try store.save(hello, definition: definition)
        #expect(saved.definition == definition)
        #expect(try store.load(hello) == saved)
        #expect(try store.list().functions == [saved])
    }

    @Test("A file has the fields of GraalFaaS; ours only where they differ from their defaults")
    func format() throws {
        _ = try store.save(
            hello, definition: FunctionDefinition(language: .python, sourceCode: "x", dependencies: ["m": "y"]))
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
    func replace() throws {
        let first = try store.save(hello, definition: definition)
        let second = try store.save(hello, definition: FunctionDefinition(language: .python, sourceCode: "2"))
        #expect(first.revision != second.revision)
        #expect(try store.load(hello) == second)
        #expect(try folder.names(in: "new/.faas/functions") == ["hello.json"])
    }

    @Test("A new file is as readable as the umask allows")
    func mode() throws {
        let mask = umask(0)
        umask(mask)
        _ = try store.save(hello, definition: definition)
        let attributes = try FileManager.default.attributesOfItem(atPath: store.path(of: hello))
        #expect(attributes[.posixPermissions] as? Int == Int(0o644 & ~mask))
    }

    @Test("Saving that fails says why, keeps what was there, and leaves no temporary file")
    func failedSave() throws {
        // A folder cannot be replaced by a file.
        try folder.write("", to: "new/.faas/functions/hello.json/x")
        let error = #expect(throws: StorageFailure.self) { try store.save(hello, definition: definition) }
        #expect(error?.path == store.path(of: hello))
        #expect(error?.reason == "rename: Is a directory")
        #expect(try folder.names(in: "new/.faas/functions") == ["hello.json"])

        let file = try folder.write("", to: "file")
        #expect(throws: StorageFailure.self) {
            try FunctionStore(dataDirectory: file).save(hello, definition: definition)
        }
    }

    @Test("Saving at the same time from many tasks leaves one whole function")
    func concurrentSaves() async throws {
        let saved = try await withThrowingTaskGroup(of: Function.self) { [store, hello] group in
            for number in 0..<20 {
                group.addTask {
                    let source = String(repeating: "\(number)", count: 10_000)
                    return try store.save(
                        hello, definition: FunctionDefinition(language: .javaScript, sourceCode: source))
                }
            }
            return try await group.reduce(into: Set<Function>()) { $0.insert($1) }
        }
        #expect(saved.contains(try store.load(hello)))
        #expect(try folder.names(in: "new/.faas/functions") == ["hello.json"])
    }

    @Test("A directory that does not exist has no functions")
    func empty() throws {
        #expect(try store.list().functions.isEmpty)
        #expect(throws: FunctionNotFound(id: "hello")) { try store.load(hello) }
        #expect(throws: FunctionNotFound(id: "hello")) { try store.delete(hello) }
    }

    @Test("A deleted function is gone; one that is broken can be deleted too")
    func delete() throws {
        _ = try store.save(hello, definition: definition)
        try store.delete(hello)
        #expect(throws: FunctionNotFound(id: "hello")) { try store.load(hello) }
        try folder.write("{", to: "new/.faas/functions/hello.json")
        try store.delete(hello)
        #expect(try store.list().broken.isEmpty)
    }

    @Test("Functions are listed by id, and the broken ones do not hide the others")
    func list() throws {
        for id in ["b", "a-b", "a"] { _ = try store.save(try FunctionID(id), definition: definition) }
        try folder.write("{\n  \"id\": oops}", to: "new/.faas/functions/c.json")
        try folder.write("", to: "new/.faas/functions/README.txt")
        try folder.write("", to: "new/.faas/functions/no id.json")
        try folder.write("", to: "new/.faas/functions/folder.json/x")
        try folder.write("", to: "new/.faas/functions/.a.json.1b2c3d.tmp")

        let (functions, broken) = try store.list()
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
    func broken(text: String, reason: String) throws {
        try folder.write(text, to: "new/.faas/functions/hello.json")
        #expect(throws: BrokenFunction(path: store.path(of: hello), reason: reason)) { try store.load(hello) }
    }

    @Test("A pipe under a function's name does not make the reader wait")
    func pipe() throws {
        try folder.write("", to: "new/.faas/functions/.keep")
        try #require(mkfifo(store.path(of: hello), 0o600) == 0)
        #expect(throws: BrokenFunction(path: store.path(of: hello), reason: "it is not a regular file")) {
            try store.load(hello)
        }
    }

    @Test("A directory written by GraalFaaS is used as it is")
    func graalFaaS() throws {
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

        let (functions, broken) = try store.list()
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
}
