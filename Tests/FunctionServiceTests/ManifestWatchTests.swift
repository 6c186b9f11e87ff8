import FunctionModel
import FunctionStorage
import TestSupport
import Testing

@testable import FunctionService

@Suite struct ManifestWatchTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = try folder.write(#"{"id": "a", "languageId": "js", "sourceFile": "main.js"}"#, to: "function.json")
        try folder.write("import './lib.js'; export const handler = 1", to: "main.js")
        try folder.write("1", to: "lib.js")
    }

    @Test func `Each state is reported once, whether its deployment works or not`() throws {
        var watch = ManifestWatch(path)
        #expect(try watch.next() != nil)
        #expect(try watch.next() == nil)
        for (file, text) in [("main.js", "import './lib.js'; export const handler = 2"), ("lib.js", "22")] {
            try folder.write(text, to: file)
            #expect(try watch.next() != nil, "\(file)")
            for _ in 0..<3 { #expect(try watch.next() == nil, "a deployment that failed would be repeated for ever") }
        }
    }

    @Test func `A manifest that cannot be used is reported once for each message, and the repair is seen`() throws {
        var watch = ManifestWatch(path)
        let good = try folder.text(of: "function.json")
        _ = try watch.next()
        for text in ["{", #"{"id": 1}"#] {
            try folder.write(text, to: "function.json")
            #expect(throws: InvalidManifest.self) { try watch.next() }
            #expect(try watch.next() == nil)
        }
        try folder.write(good, to: "function.json")
        #expect(try watch.next() != nil, "the same as before the error: it says that all is well again")
        #expect(try watch.next() == nil)
    }
}
