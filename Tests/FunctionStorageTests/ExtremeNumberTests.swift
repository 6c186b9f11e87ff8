import Foundation
import FunctionModel
import TestSupport
import Testing

@testable import FunctionStorage

/// Numbers of manifests and stored functions are in their ranges, or the document is refused.
@Suite struct ExtremeNumberTests {
    static let numbers = [
        "-9223372036854775809", "\(Int.min)", "-1", "-0", "0", "1", "1.5", "2147483648", "9007199254740992",
        "\(Int.max - 1)", "\(Int.max)", "9223372036854775808", "1e3", "1e308", "1e999", "-1e308",
    ]

    private static let fields = FunctionField.all(in: .manifest).compactMap { field -> (String, ClosedRange<Int>)? in
        switch field.kind {
        case .limit(_, let maximum): (field.name, 1...maximum)
        case .milliseconds(_, let maximum): (field.name, Int.min...maximum)
        default: nil
        }
    }

    private static func value(_ field: String, _ definition: FunctionDefinition) -> Int? {
        switch FunctionField.all.first(where: { $0.name == field })?.kind {
        case .limit(let path, _): definition.limits[keyPath: path]
        case .milliseconds(let path, _): definition[keyPath: path]
        default: nil
        }
    }

    @Test(arguments: numbers)
    func `A number of a manifest is in its range, or an error names the field`(number: String) throws {
        #expect(Self.fields.count == 10)
        for (field, range) in Self.fields {
            let text = #"{"id": "f", "languageId": "python", "source": "", "\#(field)": \#(number)}"#
            do {
                let manifest = try Manifest(Array(text.utf8), name: "m", files: .allowed(relativeTo: "."))
                let value = try #require(Self.value(field, manifest.definition))
                #expect(range.contains(value), "\(field): \(number)")
                #expect("\(value)" == number)
            } catch let error as InvalidManifest {
                #expect(error.message.contains(field) || error.message.contains("number"), "\(error.message)")
                // JSON's -0 is no integer: it would lose its sign.
                #expect(
                    number == "-0" || Int(number).map { !range.contains($0) } ?? true,
                    "\(field): \(number) is in its range")
            }
        }
    }

    @Test(arguments: numbers)
    func `A number of a stored function is in its range, or the function is refused`(number: String) throws {
        for (field, range) in Self.fields {
            let text =
                #"{"id": "f", "languageId": "python", "functionName": "h", "sourceCode": "", "jsEvalAsModule": false, "#
                + #""dependencies": {}, "\#(field)": \#(number)}"#
            guard let function = try? StoredFunction.read(Array(text.utf8), id: FunctionID("f")) else { continue }
            if let value = Self.value(field, function.definition) { #expect(range.contains(value)) }
        }
    }

    @Test func `Sparse files of any size do not overflow a sum`() throws {
        #expect(Int.max.addingOrMaximum(1) == .max && 1.addingOrMaximum(2) == 3)
        // In memory: most file systems on disks refuse such a size.
        let path = "/dev/shm/faas-sparse-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        for name in ["a", "b", "c"] {
            try Data().write(to: URL(fileURLWithPath: "\(path)/\(name)"))
            guard truncate("\(path)/\(name)", .max) == 0 else { return }
        }
        #expect(throws: DocumentError.self) { try SourceFolder(path: path) }
        let parent = "/dev/shm"
        let found = try UnusedFiles.find(in: parent, except: [], unchangedForSeconds: -10)
        #expect(found.first { $0.path == path }?.bytes == .max)
    }
}
