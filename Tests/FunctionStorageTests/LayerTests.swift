import FileStorage
import Foundation
import FunctionModel
import FunctionStorage
import Testing

/// Folders that functions read, and the manifests that ask for them.
@Suite struct LayerTests {
    private let folder: TemporaryFolder
    private let store: FunctionStore

    init() throws {
        folder = try TemporaryFolder()
        store = FunctionStore(dataDirectory: "\(folder.path)/.faas")
    }

    private func manifest(_ fields: String) throws -> Manifest {
        try Manifest(
            file: try folder.write(#"{"id": "a", "languageId": "python", \#(fields)}"#, to: "app/function.json"))
    }

    @Test func `A folder is stored once for each content, with its files and nothing hidden`() throws {
        try folder.write("import shop.prices", to: "app/src/main.py")
        try folder.write("", to: "app/src/shop/__init__.py")
        try folder.write("9", to: "app/src/shop/data/prices.txt")
        try folder.write("secret", to: "app/src/.env")
        try folder.write("old", to: "app/src/__pycache__/main.pyc")
        let first = try manifest(#""sourceDir": "src", "sourceFile": "main.py""#)
        #expect(first.definition.sourceCode == "import shop.prices")
        #expect(first.definition.sourceName == "main.py")
        let source = try #require(first.sourceFolder)
        let layer = try store.layers.layer(copying: source)
        #expect(
            try FileManager.default.subpathsOfDirectory(atPath: layer).sorted() == [
                "main.py", "shop", "shop/__init__.py", "shop/data", "shop/data/prices.txt",
            ])
        #expect(try store.layers.layer(copying: source) == layer)
        try folder.write("10", to: "app/src/shop/data/prices.txt")
        let second = try #require(manifest(#""sourceDir": "src", "sourceFile": "main.py""#).sourceFolder)
        #expect(second != source)
        #expect(try store.layers.layer(copying: second) != layer)
        #expect(try folder.names(in: ".faas/layers").count == 2, "nothing unfinished is left")
    }

    @Test func `A layer that could not be filled is not there, and leaves nothing`() throws {
        struct Failure: Error {}
        let name = LayerStore.name("packages", of: ["numpy"])
        #expect(throws: Failure.self) {
            try store.layers.layer(name) { path in
                try Data("half".utf8).write(to: URL(filePath: "\(path)/half"))
                throw Failure()
            }
        }
        #expect(store.layers.path(of: name) == nil)
        #expect(try folder.names(in: ".faas/layers") == [])
        let path = try store.layers.layer(name) { try Data("whole".utf8).write(to: URL(filePath: "\($0)/whole")) }
        #expect(try store.layers.layer(name) { _ in throw Failure() } == path, "it is not made twice")
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["whole"])
    }

    @Test func `The name of a layer stands for its texts, and never leads out of the folder`() throws {
        #expect(LayerStore.name("packages", of: ["ab", "c"]) != LayerStore.name("packages", of: ["a", "bc"]))
        try folder.write("x", to: "outside/x")
        for name in ["../../outside", "..", "", "/", "packages-..", "packages-\(String(repeating: "0", count: 31))/"] {
            #expect(store.layers.path(of: name) == nil, "\(name)")
        }
    }

    @Test func `A function finds its layers again, wherever its data directory is, in the same revision`() throws {
        let id = try FunctionID("a")
        try folder.write("def handler(event): pass", to: "app/src/handler.py")
        let manifest = try manifest(#""sourceDir": "src""#)
        var definition = manifest.definition
        definition.folders.source = try store.layers.layer(copying: #require(manifest.sourceFolder))
        definition.folders.packages = try store.layers.layer(LayerStore.name("packages", of: ["x"])) { _ in }
        let saved = try store.save(id, definition: definition)
        #expect(try store.load(id) == saved)

        try FileManager.default.moveItem(atPath: "\(folder.path)/.faas", toPath: "\(folder.path)/moved")
        let moved = FunctionStore(dataDirectory: "\(folder.path)/moved")
        let found = try moved.load(id)
        #expect(found.revision == saved.revision)
        #expect(
            found.definition.folders.source?.hasPrefix(
                try #require(realpath("\(folder.path)/moved", nil).map { String(cString: $0) })) == true)

        try FileManager.default.removeItem(atPath: "\(folder.path)/moved/layers")
        let error = try #require(throws: BrokenFunction.self) { try moved.load(id) }
        #expect(error.reason.hasSuffix("upload the function again"), "\(error.reason)")
    }

    @Test(arguments: [
        (#""sourceDir": "none""#, "no such folder: "), (#""sourceDir": "src", "source": """#, "excludes 'source'"),
        (#""sourceDir": "src", "sourceFile": "other.py""#, "no such Python file in "),
        (#""sourceDir": "src", "sourceFile": "../x.py""#, "no such Python file in "),
        (#""sourceDir": "links""#, "is a link, which may lead out of the folder"),
        (#""source": "", "requirements": "numpy""#, "must be an array of texts, not text"),
        (#""source": "", "requirements": [1]"#, "must be an array of texts, and at line 1, column 68 is 1"),
        (#""source": "", "requirements": ["-r other.txt"]"#, "'-r other.txt' is no requirement"),
        (#""source": "", "requirements": ["a --pre"]"#, "is no requirement"),
        (#""source": "", "requirements": ["a @ file:///etc"]"#, "is no requirement"),
        (#""source": "", "requirements": ["./a"]"#, "is no requirement"),
        (#""source": "", "requirements": ["https://x/a.whl"]"#, "is no requirement"),
    ])
    func `What a manifest cannot have is refused with the reason`(fields: String, reason: String) throws {
        try folder.write("", to: "app/src/handler.py")
        try folder.write("", to: "app/x.py")
        try folder.write("", to: "app/links/handler.py")
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/app/links/passwd", withDestinationPath: "/etc/passwd")
        let error = try #require(throws: InvalidManifest.self) { try manifest(fields) }
        #expect(error.message.contains(reason), "\(error.message)")
    }

    @Test func `Folders and packages are for Python, and folders for manifests that may name files`() throws {
        for fields in [#""sourceDir": "src""#, #""source": "", "requirements": ["x"]"#] {
            let text = #"{"id": "a", "languageId": "js", \#(fields)}"#
            let error = try #require(throws: InvalidManifest.self) {
                try Manifest(Array(text.utf8), files: .allowed(relativeTo: "."))
            }
            #expect(error.message.hasSuffix("is for Python functions"), "\(error.message)")
        }
        let text = #"{"id": "a", "languageId": "python", "sourceDir": "/etc"}"#
        #expect(throws: InvalidManifest.self) { try Manifest(Array(text.utf8), files: .forbidden) }
    }

    @Test func `Packages come from the manifest, or else from the requirements.txt beside it`() throws {
        #expect(
            try manifest(#""source": "", "requirements": ["b==1", "a[x,y] >=2,<3 ; python_version > '3.8'", "b==1"]"#)
                .requirements == [
                    "a[x,y] >=2,<3 ; python_version > '3.8'", "b==1",
                ])
        #expect(try manifest(#""source": """#).requirements == [])
        try folder.write("# what it needs\nnumpy==2.*   # numbers\n\nrequests\n", to: "app/requirements.txt")
        #expect(try manifest(#""source": """#).requirements == ["numpy==2.*", "requests"])
        #expect(try manifest(#""source": "", "requirements": []"#).requirements == [])
        try folder.write("numpy\n-e .\n", to: "app/requirements.txt")
        let error = try #require(throws: InvalidManifest.self) { try manifest(#""source": """#) }
        #expect(error.message.contains("requirements.txt, line 2: '-e .' is no requirement"), "\(error.message)")
    }
}
