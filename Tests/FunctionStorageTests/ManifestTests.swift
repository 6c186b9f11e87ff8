import Foundation
import FunctionModel
import FunctionStorage
import TestSupport
import Testing

@Suite("Manifests")
struct ManifestTests {
    @Test("A manifest with only what is required has the defaults")
    func defaults() throws {
        let manifest = try parse(#"{"id": "hello", "languageId": "python", "source": "def handler(e, c): return e"}"#)
        #expect(manifest.id.text == "hello")
        #expect(
            manifest.definition
                == FunctionDefinition(
                    language: .python, sourceCode: "def handler(e, c): return e", functionName: "handler"))
        #expect(manifest.definition.sourceName == "function.py")
    }

    @Test("Every field is read, with comments and commas where people leave them")
    func everyField() throws {
        let folder = try TemporaryFolder()
        try folder.write("import { x } from 'lib'", to: "functions/src/main.mjs")
        try folder.write("export const x = 1", to: "functions/lib.js")
        let path = try folder.write(
            """
            \u{feff}{ // hello
              "id": "hello", "languageId": "js", "functionName": "run", "jsEvalAsModule": true,
              "sourceFile": "src/main.mjs",
              "dependencies": { "lib": { "file": "lib.js" }, "two": { "source": "2", }, },
              "timeoutMillis": 250, "env": { "GREETING": "Hello" }, "prime": [{ "name": "é", "list": [1, 2.5, null] }, null,],
            }
            """, to: "functions/hello.jsonc")
        #expect(
            try Manifest(file: path).definition
                == FunctionDefinition(
                    language: .javaScript, sourceCode: "import { x } from 'lib'", functionName: "run",
                    sourceName: "main.mjs",
                    jsEvalAsModule: true, dependencies: ["lib": "export const x = 1", "two": "2"],
                    environment: ["GREETING": "Hello"],
                    prime: [["name": "é", "list": [1, 2.5, nil]], nil], timeoutMillis: 250))
    }

    @Test("A field that is null counts as not given")
    func nulls() throws {
        let manifest = try parse(
            #"{"id": "a", "languageId": "js", "source": "1", "sourceFile": null, "functionName": null, "timeoutMillis": null}"#
        )
        #expect(manifest.definition == FunctionDefinition(language: .javaScript, sourceCode: "1"))
    }

    @Test("A file that is not beside the manifest is looked for in the working directory")
    func workingDirectory() throws {
        let name = "faas-test-\(UUID().uuidString).js"
        let here = FileManager.default.currentDirectoryPath
        try Data("here".utf8).write(to: URL(filePath: "\(here)/\(name)"))
        defer { try? FileManager.default.removeItem(atPath: "\(here)/\(name)") }

        let folder = try TemporaryFolder()
        let path = try folder.write(#"{"id": "a", "languageId": "js", "sourceFile": "\#(name)"}"#, to: "a.json")
        #expect(try Manifest(file: path).definition.sourceCode == "here")
        try folder.write("beside", to: name)
        #expect(try Manifest(file: path).definition.sourceCode == "beside")
    }

    @Test("A byte order mark at the start of a source file is dropped")
    func byteOrderMark() throws {
        let folder = try TemporaryFolder()
        let source = try folder.write("\u{feff}x = 1", to: "a.py")
        #expect(
            try parse(#"{"id": "a", "languageId": "python", "sourceFile": "\#(source)"}"#).definition.sourceCode
                == "x = 1")
    }

    @Test(
        "What is wrong is named, with its field and its place",
        arguments: [
            (
                #"{"id": "a", "languageId": "js", "source": "", "env": {"A": 1}}"#,
                "the field 'A' at line 1, column 60 must be text, not 1"
            ),
            (
                #"{"id": "a", "languageId": "js", "source": "", "env": {"A": null}}"#,
                "the variable 'A' at line 1, column 55 must be text, not null"
            ),
            (
                #"{"id": "a", "languageId": "js", "source": "", "env": {"A=B": ""}}"#,
                "the variable 'A=B' at line 1, column 55: a name has at least one character, and neither '=' nor NUL"
            ),
            (
                #"{"id": "a", "languageId": "js", "source": "", "env": {"A": "x\u0000"}}"#,
                "the variable 'A' at line 1, column 55 must not have a NUL in it"
            ),
            (
                #"{"id": "a", "languageId": "js", "source": "", "prime": {"name": "x"}}"#,
                "the field 'prime' at line 1, column 56 must be an array of events, not an object"
            ),
            (
                #"{"id": "a", "languageId": "js", "source": "", "prime": [\#(Array(repeating: "1", count: 101).joined(separator: ","))]}"#,
                "the field 'prime' at line 1, column 56 must have at most 100 events, not 101"
            ),
            (
                #"{"id": "a", "languageId": "js", "source": "", "cors": "*"}"#,
                "the field 'cors' at line 1, column 55 must be an object, not text"
            ),
            (
                #"{"id": "a", "languageId": "js", "source": "", "cors": {"origins": ["*"]}}"#,
                "unknown field 'origins' at line 1, column 56; use 'allowOrigins'"
            ),
            (
                #"{"id": "a", "languageId": "js", "source": "", "cors": {"allowOrigins": ["https://a.example/"]}}"#,
                "the field 'allowOrigins' at line 1, column 56: 'https://a.example/' is not an origin; use '*', or "
                    + "scheme, host and perhaps port, without a path: 'https://app.example'"
            ),
            ("[]", "the manifest at line 1, column 1 must be an object, not an array"),
            ("{\n  \"id\" 1}", "line 2, column 8: expected ':' after the name \"id\""),
            (#"{"languageId": "js", "source": ""}"#, "the field 'id' is missing"),
            (#"{"id": "a", "source": ""}"#, "the field 'languageId' is missing"),
            (#"{"id": "a", "languageId": "js"}"#, "the code is missing: give 'source' or 'sourceFile'"),
            (#"{"id": 7, "languageId": "js", "source": ""}"#, "the field 'id' at line 1, column 8 must be text, not 7"),
            (
                #"{"id": "../a", "languageId": "js", "source": ""}"#,
                "the field 'id' at line 1, column 2: Invalid function id '../a': use letters, digits, '.', '_' and "
                    + "'-', and begin with a letter or a digit."
            ),
            (
                #"{"id": "a", "languageId": "ruby", "source": ""}"#,
                "the field 'languageId' at line 1, column 13: Unsupported language 'ruby': use one of 'js', 'python'."
            ),
            (
                #"{"id": "a", "languageId": "js", "source": "", "jsEvalAsModule": "yes"}"#,
                "the field 'jsEvalAsModule' at line 1, column 65 must be true or false, not text"
            ),
            (
                #"{"id": "a", "languageId": "js", "source": "", "functionName": ""}"#,
                "the field 'functionName' at line 1, column 47 must not be empty"
            ),
            (
                #"{"id": "a", "languageId": "js", "source": "", "timeoutMillis": 1.5}"#,
                "the field 'timeoutMillis' at line 1, column 64 must be an integer, not 1.5"
            ),
            (
                #"{"id": "a", "languageId": "js", "source": "", "timeoutMillis": 9223372036000}"#,
                "the field 'timeoutMillis' at line 1, column 47 must be at most 86400000, not 9223372036000"
            ),
            (
                "{\"id\": \"a\", \"languageId\": \"js\",\n\"source\": \"\", \"source\": \"\"}",
                "the field 'source' at line 2, column 15 is there twice"
            ),
            (
                #"{"id": "a", "languageId": "js", "source": "", "sourceFile": "a.js"}"#,
                "the field 'sourceFile' at line 1, column 47 excludes 'source': give only one of them"
            ),
            (
                #"{"id": "a", "languageId": "js", "source": "", "dependencies": []}"#,
                "the field 'dependencies' at line 1, column 63 must be an object, not an array"
            ),
            (
                #"{"id": "a", "languageId": "js", "source": "", "dependencies": {"b": "code"}}"#,
                "the field 'b' at line 1, column 69 must be an object, not text"
            ),
            (
                #"{"id": "a", "languageId": "js", "source": "", "dependencies": {"b": {}}}"#,
                "the dependency 'b' at line 1, column 64 must have 'file' or 'source'"
            ),
            (
                #"{"id": "a", "languageId": "js", "source": "", "dependencies": {"b": {"path": "x"}}}"#,
                "unknown field 'path' at line 1, column 70; use 'file', 'source'"
            ),
            (
                "{\n  \"id\": \"a\", \"languageId\": \"js\",\n  // here\n  \"sorceFile\": \"a.js\"\n}",
                "unknown field 'sorceFile' at line 4, column 3; did you mean 'sourceFile'?"
            ),
        ])
    func problems(text: String, expected: String) {
        #expect(throws: InvalidManifest("a.jsonc: \(expected)")) { try parse(text, name: "a.jsonc") }
    }

    @Test(
        "A slip of the keyboard, or a name cut short, is recognized",
        arguments: [
            ("soruceFile", "sourceFile"), ("sourcefile", "sourceFile"), ("ids", "id"), ("functionNane", "functionName"),
            ("timeout", "timeoutMillis"), ("timeoutMs", "timeoutMillis"), ("language", "languageId"),
            ("dependancies", "dependencies"),
        ])
    func suggestions(written: String, meant: String) {
        let error = #expect(throws: InvalidManifest.self) { try parse(#"{"\#(written)": 1}"#) }
        #expect(error?.message.hasSuffix("did you mean '\(meant)'?") == true)
    }

    @Test(
        "For a name unlike all others, however long, the fields are listed",
        arguments: ["x", String(repeating: "id", count: 100_000)])
    func noSuggestion(written: String) {
        let error = #expect(throws: InvalidManifest.self) { try parse(#"{"\#(written)": 1}"#) }
        #expect(error?.message.contains("use 'id', 'languageId',") == true)
    }

    @Test("Where file references are forbidden, no file is opened", arguments: ["sourceFile", "file"])
    func forbidden(field: String) throws {
        let reference = #""\#(field)": "/etc/hostname""#
        let text =
            field == "file"
            ? #"{"id": "a", "languageId": "js", "source": "", "dependencies": {"b": {\#(reference)}}}"#
            : #"{"id": "a", "languageId": "js", \#(reference)}"#
        let error = #expect(throws: InvalidManifest.self) { try Manifest(text.utf8, files: .forbidden) }
        #expect(error?.message.contains("the field '\(field)' at line 1, column") == true)
        #expect(error?.message.hasSuffix("is not allowed here: give the code itself, as 'source'") == true)
        let inline = #"{"id": "a", "languageId": "js", "source": "1"}"#
        #expect(try Manifest(inline.utf8, files: .forbidden).definition.sourceCode == "1")
    }

    @Test("A source file that is missing, a folder, not UTF-8 or too large is an error that says so")
    func unusableSources() throws {
        let folder = try TemporaryFolder()
        try folder.write([0x61, 0x0a, 0xff], to: "latin.js")
        try folder.write("", to: "folder/x")
        let large = try folder.write("", to: "large.js")
        try #require(truncate(large, off_t(Manifest.maximumFileSize) + 1) == 0)

        func message(_ file: String) -> String? {
            let text = #"{"id": "a", "languageId": "js", "sourceFile": "\#(file)"}"#
            return #expect(throws: InvalidManifest.self) {
                try Manifest(text.utf8, files: .allowed(relativeTo: folder.path))
            }?.message.replacing(folder.path, with: "DIR")
        }
        let place = "manifest: the field 'sourceFile' at line 1, column 33"
        #expect(message("none.js") == "\(place): no such file: 'DIR/none.js', nor 'none.js'")
        #expect(message("folder") == "\(place): the file 'DIR/folder' is a directory")
        #expect(
            message("latin.js")
                == "\(place): the file 'DIR/latin.js' is not UTF-8 text: line 2 has bytes that are not a character")
        #expect(message("large.js") == "\(place): the file 'DIR/large.js' is larger than the limit of 16 MiB")
        #expect(message("") == "\(place) must not be empty")
        #expect(message(#"a\u0000b"#) == #"\#(place): the file 'DIR/a\0b' has a NUL in its name"#)
    }

    @Test func `Learning imports is on, and Python functions may switch it off`() throws {
        let text = #"{"id": "a", "source": "", "languageId": "python"}"#
        #expect(try parse(text).definition.learnImports)
        let off = try parse(#"{"id": "a", "source": "", "languageId": "python", "learnImports": false}"#)
        #expect(!off.definition.learnImports)
        #expect(try off.definition.revision() != parse(text).definition.revision())
        for (language, value, message) in [
            ("js", "false", "is for Python functions"), ("python", "0", "must be true or false, not 0"),
            ("python", "\"no\"", "must be true or false, not text"),
        ] {
            let text = #"{"id": "a", "source": "", "languageId": "\#(language)", "learnImports": \#(value)}"#
            let error = #expect(throws: InvalidManifest.self) { try parse(text) }
            #expect(
                error?.message.hasPrefix("manifest: the field 'learnImports' at line 1, column ") == true,
                "\(error?.message ?? "")")
            #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        }
    }

    @Test("Temporary files are asked for in MB, by Python functions only")
    func temporaryFiles() throws {
        let manifest = try parse(#"{"id": "a", "languageId": "python", "source": "", "temporaryMB": 16}"#)
        #expect(manifest.definition.limits.temporaryMB == 16)
        #expect(try parse(#"{"id": "a", "languageId": "python", "source": ""}"#).definition.limits.temporaryMB == nil)
        for (language, value, message) in [
            ("js", "16", "is for Python functions"), ("python", "0", "must be from 1 to 1024, not 0"),
            ("python", "1025", "must be from 1 to 1024, not 1025"),
            ("python", "\"16\"", "must be an integer, not text"),
        ] {
            let text = #"{"id": "a", "source": "", "languageId": "\#(language)", "temporaryMB": \#(value)}"#
            let error = #expect(throws: InvalidManifest.self) { try parse(text) }
            #expect(
                error?.message.hasPrefix("manifest: the field 'temporaryMB' at line 1, column ") == true,
                "\(error?.message ?? "")")
            #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        }
    }

    @Test("Workers that are kept ready are asked for with a number, which maxConcurrency bounds")
    func warmWorkers() throws {
        let fields = #""id": "a", "languageId": "js", "source": """#
        let limits = try parse("{\(fields), \"minWorkers\": 2, \"idleTimeoutMillis\": 600000, \"maxConcurrency\": 2}")
            .definition.limits
        #expect(limits.minWorkers == 2 && limits.idleTimeoutMillis == 600_000)
        #expect(try parse("{\(fields)}").definition.limits.minWorkers == nil)
        for (field, message) in [
            ("\"minWorkers\": 0", "must be from 1 to 1000, not 0"),
            ("\"minWorkers\": 1001", "must be from 1 to 1000, not 1001"),
            ("\"minWorkers\": 1.5", "must be an integer, not 1.5"),
            ("\"minWorkers\": \"2\"", "must be an integer, not text"),
            ("\"minWorkers\": 3, \"maxConcurrency\": 2", "must be at most 2, which is 'maxConcurrency', not 3"),
            ("\"idleTimeoutMillis\": -1", "must be from 1 to 86400000, not -1"),
            ("\"idleTimeoutMillis\": 86400001", "must be from 1 to 86400000, not 86400001"),
        ] {
            let error = #expect(throws: InvalidManifest.self) { try parse("{\(fields), \(field)}") }
            let name = field.contains("min") ? "minWorkers" : "idleTimeoutMillis"
            #expect(
                error?.message.hasPrefix("manifest: the field '\(name)' at line 1, column ") == true,
                "\(error?.message ?? "")")
            #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        }
    }

    @Test("A manifest that is missing, a folder or too large is an error that says so")
    func unusableManifests() throws {
        let folder = try TemporaryFolder()
        #expect(throws: InvalidManifest("\(folder.path)/x: the file does not exist")) {
            try Manifest(file: "\(folder.path)/x")
        }
        #expect(throws: InvalidManifest("\(folder.path): the file is a directory")) { try Manifest(file: folder.path) }
        let large = [UInt8](repeating: 0x20, count: Manifest.maximumFileSize + 1)
        #expect(throws: InvalidManifest("manifest: the manifest is larger than the limit of 16 MiB")) {
            try Manifest(large, files: .forbidden)
        }
    }

    private func parse(_ text: String, name: String = "manifest") throws -> Manifest {
        try Manifest(text.utf8, name: name, files: .allowed(relativeTo: "."))
    }
}
