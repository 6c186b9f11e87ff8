import Foundation
import FunctionModel
import FunctionStorage
import TestSupport
import Testing

/// Manifests that name a folder of sources, or packages.
@Suite struct ManifestFolderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func manifest(_ fields: String) throws -> Manifest {
        try Manifest(
            file: try folder.write(#"{"id": "a", "languageId": "python", \#(fields)}"#, to: "app/function.json"))
    }

    @Test(arguments: [
        (#""sourceDir": "none""#, "no such folder: "), (#""sourceDir": "src", "source": """#, "excludes 'source'"),
        (#""sourceDir": "src", "sourceFile": "other.py""#, "no such Python file in "),
        (#""sourceDir": "src", "sourceFile": "../x.py""#, "no such Python file in "),
        (#""sourceDir": "links""#, "is a link, which may lead out of the folder"),
        (#""source": "", "requirements": "numpy""#, "must be an array of texts, not text"),
        (#""source": "", "requirements": [1]"#, "must be an array of texts, and at line 1, column 68 is 1"),
        (#""source": "", "requirements": ["-r other.txt"]"#, "'-r other.txt' is not a requirement"),
        (#""source": "", "requirements": ["a --pre"]"#, "is not a requirement"),
        (#""source": "", "requirements": ["a @ file:///etc"]"#, "is not a requirement"),
        (#""source": "", "requirements": ["./a"]"#, "is not a requirement"),
        (#""source": "", "requirements": ["https://x/a.whl"]"#, "is not a requirement"),
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
        #expect(error.message.contains("requirements.txt, line 2: '-e .' is not a requirement"), "\(error.message)")
    }
}
