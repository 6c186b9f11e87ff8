import Foundation
import TestSupport
import Testing

/// The package in `Examples/`, built as its README says.
@Suite struct ExampleTests {
    /// The first build compiles the library's dependencies once more, for a package of its own: some minutes. Its
    /// folder is kept beside the main one.
    @Test(.timeLimit(.minutes(20)))
    func `The embedding example builds, runs and prints what its README shows`() async throws {
        let package = Binaries.repository.appendingPathComponent("Examples/EmbedInSwift")
        let scratch = Binaries.repository.appendingPathComponent(".build/example-embed-in-swift")
        let build = ["--package-path", package.path, "--scratch-path", scratch.path]
        let built = try await Program.run("swift", ["build"] + build, within: .seconds(1100))
        try #require(built.exit == .code(0), "\(built.output.suffix(4000))\(built.errorOutput.suffix(4000))")

        // The workers are where the library looks first: beside the program.
        let program = scratch.appendingPathComponent("debug/EmbedInSwift")
        let result = try await Program.run(program.path, environment: ["FAAS_WORKER_DIR": nil])
        #expect(result.exit == .code(0), "\(result.errorOutput)")
        let readme = try String(contentsOf: package.appendingPathComponent("README.md"), encoding: .utf8)
        let shown = try #require(
            readme.components(separatedBy: "It prints\n\n```\n").last?.components(separatedBy: "```").first)
        #expect(result.output == shown)
    }

    /// Functions with a README of their own: its commands, in a copy of the folder, print what it shows.
    @Test(arguments: ["module-js", "typescript", "npm-js"])
    func `An example function answers what its README shows`(name: String) async throws {
        let folder = Binaries.repository.appendingPathComponent("Examples/functions/\(name)")
        let readme = try String(contentsOf: folder.appendingPathComponent("README.md"), encoding: .utf8)
        func block(_ language: String) throws -> String {
            try #require(readme.components(separatedBy: "```\(language)\n").last?.components(separatedBy: "```").first)
        }
        let (script, shown) = (try block("sh"), try block("output"))
        try await TemporaryDirectory.with { directory in
            let copy = directory.path(name)
            try FileManager.default.copyItem(atPath: folder.path, toPath: copy)
            let path = "\(Binaries.directory.path):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
            let result = try await Program.run("bash", ["-euc", script], in: copy, environment: ["PATH": path])
            #expect(result.output == shown, "\(result.errorOutput)")
        }
    }
}
