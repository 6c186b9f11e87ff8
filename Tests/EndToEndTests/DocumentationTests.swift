import Foundation
import TestSupport
import Testing

/// Runs what the documents show.
///
/// Right before every fenced `sh` or `bash` block stands a line `<!-- test -->` or `<!-- test: skip why -->`. The
/// blocks of one document are run in order, in one directory, with `faas` on the path; an `output` block that follows
/// is what standard output must be.
@Suite struct DocumentationTests {
    private struct Example {
        let line: Int
        var marker: String?
        var script = ""
        var output: String?
    }

    /// Every Markdown file of the repository that is not made by a build.
    private static let documents: [String] = {
        guard let enumerator = FileManager.default.enumerator(atPath: Binaries.repository.path) else { return [] }
        var names: [String] = []
        while let name = enumerator.nextObject() as? String {
            if name.split(separator: "/").last?.hasPrefix(".") == true {
                enumerator.skipDescendants()
            } else if name.hasSuffix(".md") {
                names.append(name)
            }
        }
        return names.sorted()
    }()

    private static func isExample(_ language: String) -> Bool { ["sh", "bash", "shell", "console"].contains(language) }

    private static func examples(in document: String) throws -> [Example] {
        let text = try String(contentsOf: Binaries.repository.appendingPathComponent(document), encoding: .utf8)
        var examples: [Example] = []
        var fence: (language: String, body: String)?
        var lineBefore = ""
        var wasExample = false
        for (index, line) in text.components(separatedBy: "\n").enumerated() {
            if let open = fence {
                if line == "```" {
                    if isExample(open.language) { examples[examples.count - 1].script = open.body }
                    if open.language == "output" && wasExample { examples[examples.count - 1].output = open.body }
                    wasExample = open.language != "output" && isExample(open.language)
                    fence = nil
                } else {
                    fence = (open.language, open.body + line + "\n")
                }
            } else if line.hasPrefix("```") {
                let language = line.dropFirst(3).split(separator: " ").first.map(String.init) ?? ""
                fence = (language, "")
                if isExample(language) {
                    let marker = lineBefore.firstMatch(of: /^<!-- test(: .+)? -->$/).map { String($0.0) }
                    examples.append(Example(line: index + 1, marker: marker))
                }
            } else if !line.allSatisfy(\.isWhitespace) {
                // An output block belongs to the example before it if nothing but blank lines lies between.
                wasExample = false
            }
            lineBefore = line
        }
        return examples
    }

    /// An example's commands are run where its files are.
    private static func copyFiles(beside document: String, to directory: TemporaryDirectory) throws {
        let folder = Binaries.repository.appendingPathComponent(document).deletingLastPathComponent().path
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: directory.path(name))
        }
    }

    @Test(arguments: documents)
    func `Every command that a document shows does what it says`(document: String) async throws {
        let examples = try Self.examples(in: document)
        for example in examples where example.marker == nil {
            Issue.record("\(document):\(example.line) has no marker: <!-- test --> or <!-- test: skip why -->")
        }
        let tested = examples.filter { $0.marker == "<!-- test -->" }
        if document == "README.md" { #expect(tested.count >= 3) }
        guard !tested.isEmpty else { return }
        // Port 8080 may be in use on a developer's machine.
        let port = try RawHTTP.freePort()
        func adapt(_ text: String) -> String { text.replacing("8080", with: "\(port)") }
        try await TemporaryDirectory.with { directory in
            if document.hasPrefix("Examples/functions/") { try Self.copyFiles(beside: document, to: directory) }
            for example in tested {
                let result = try await Program.run(
                    "bash", ["-euo", "pipefail", "-c", adapt(example.script)], in: directory.path,
                    environment: Workspace.environment)
                let place = "\(document):\(example.line)"
                #expect(result.exit == .code(0), "\(place)\n\(result.output)\(result.errorOutput)")
                if let output = example.output {
                    #expect(result.output == adapt(output), "\(place)\n\(result.errorOutput)")
                }
            }
        }
    }
}
