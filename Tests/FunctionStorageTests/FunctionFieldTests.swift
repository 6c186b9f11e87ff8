import Foundation
import FunctionModel
import TestSupport
import Testing

@testable import FunctionStorage

@Suite struct FunctionFieldTests {
    // The constant is a valid id.
    // swift-format-ignore: NeverUseForceTry
    private static let id = try! FunctionID("a")
    private static let function: Function = {
        var definition = FunctionDefinition(
            language: .python, sourceCode: "code", functionName: "main", sourceName: "x.py", jsEvalAsModule: true,
            dependencies: ["b": "2", "a": "1"], folders: FunctionFolders(source: "source-1", packages: "packages-2"),
            environment: ["A": "B"], prime: [1, nil], timeoutMillis: 7, isolation: .process, learnImports: false,
            response: .http,
            cors: CORS(allowOrigins: ["https://app.example", "*"]),
            limits: FunctionLimits(
                memoryMB: 1, maxConcurrency: 2, maxEventBytes: 3, maxResultBytes: 4, maxLogBytes: 5, cpuMillis: 6,
                temporaryMB: 8, minWorkers: 2, idleTimeoutMillis: 9))
        definition.access = .public
        definition.errors = .detailed
        definition.secrets = ["TOKEN", "KEY"]
        return Function(id: id, definition: definition)
    }()

    @Test func `Names are unique, and every field of a definition has a line`() {
        let names = FunctionField.all.map(\.name)
        #expect(Set(names).count == names.count)
        // A field that the table lacks would be lost between saving and loading.
        let document = StoredFunction.document(Self.function)
        #expect(throws: Never.self) {
            let read = try StoredFunction.read(document, id: Self.function.id)
            #expect(read == Self.function)
        }
        for field in FunctionField.all(in: [.stored]) where field.name != "id" && field.name != "languageId" {
            #expect(field.isSet(in: Self.function.definition), "\(field.name) is not set in this test")
        }
    }

    @Test func `A function with all fields has the revision that it always had`() {
        var definition = Self.function.definition
        definition.secrets = []
        (definition.access, definition.errors) = (.private, .brief)
        #expect(definition.revision() == "c4a2a7f8e9be531e")
        definition.limits.minWorkers = nil
        definition.limits.idleTimeoutMillis = nil
        #expect(definition.revision() == "92be1491323f764a")
        definition.learnImports = true
        #expect(definition.revision() == "00dd8a36e6e33047")
        definition.cors = CORS()
        #expect(definition.revision() == "f0b5ca7cbb892e32")
        definition.folders.packages = nil
        #expect(definition.revision() == "4eb69139c486a562")
    }

    @Test func `Every field that can be set changes the revision`() {
        for field in FunctionField.all(in: [.stored]) where field.name != "id" {
            if case .none = field.revision { Issue.record("\(field.name) is stored and not part of the revision") }
        }
    }

    @Test func `A listing has what scripts read, and no sources`() throws {
        #expect(
            Self.function.summary == [
                "id": "a", "languageId": "python", "functionName": "main", "jsEvalAsModule": true,
                "revision": .string(Self.function.revision), "dependencies": ["a", "b"], "timeoutMillis": 7,
            ])
        let short = Function(
            id: Self.function.id, definition: FunctionDefinition(language: .javaScript, sourceCode: ""))
        #expect(short.summary["timeoutMillis"] == .null)
    }

    @Test func `The table in the documentation is the one that the fields make`() throws {
        // To write the table anew: FAAS_FIELDS_TABLE=table.md swift test --filter FunctionFieldTests
        if let path = ProcessInfo.processInfo.environment["FAAS_FIELDS_TABLE"] {
            try FunctionField.documentation.write(toFile: path, atomically: true, encoding: .utf8)
        }
        let page = try String(
            contentsOf: Binaries.repository.appendingPathComponent("docs/manifest.md"), encoding: .utf8)
        let parts = page.components(separatedBy: ["<!-- fields: begin -->\n", "<!-- fields: end -->"])
        try #require(parts.count == 3, "docs/manifest.md has the markers once")
        #expect(parts[1] == FunctionField.documentation)
    }
}

extension String {
    fileprivate func components(separatedBy markers: [String]) -> [String] {
        markers.reduce([self]) { parts, marker in parts.flatMap { $0.components(separatedBy: marker) } }
    }
}
