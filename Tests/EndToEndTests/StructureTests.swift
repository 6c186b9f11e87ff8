import Foundation
import TestSupport
import Testing

/// What is linked with what.
@Suite struct StructureTests {
    private static let workers = [Binaries.javaScriptWorker, Binaries.pythonWorker]
    private static let confined = workers + [Binaries.scriptBuilder]

    /// The first line that a command writes about an executable and that the extended regular expression matches.
    private func firstMatch(_ command: String, _ executable: URL, _ pattern: String) async throws -> String {
        let script = #"lines=$("$0" "$1"); grep -m 1 -E "$2" <<<"$lines" || [[ $? == 1 ]]"#
        let result = try await Program.run("bash", ["-euc", script, command, executable.path, pattern])
        try #require(result.exit == .code(0), "\(result.errorOutput)")
        return result.output
    }

    @Test func `The host links no language engine`() async throws {
        let engines = "javascriptcore|libpython|libicu|libseccomp"
        try await #expect(firstMatch("ldd", Binaries.faas, engines) == "")
        // And so that the search is known to find one:
        for worker in Self.workers { try await #expect(firstMatch("ldd", worker, engines) != "") }
    }

    @Test func `A worker links no NIO, Foundation, Dispatch or Swift concurrency`() async throws {
        let symbols =
            "NIOCore|NIOPosix|c_nio|10Foundation|FoundationEssentials|8Dispatch|dispatch_async|swift_task_create"
        for worker in Self.confined {
            try await #expect(firstMatch("nm", worker, symbols) == "")
            try await #expect(firstMatch("ldd", worker, "libFoundation|libdispatch|libswift|lib_Foundation") == "")
        }
        for symbol in ["NIOCore", "10Foundation", "swift_task_create"] {
            try await #expect(firstMatch("nm", Binaries.faas, symbol) != "", "the search finds one")
        }
    }

    @Test func `The sources of workers import neither Foundation nor Dispatch nor Swift concurrency nor NIO`() throws {
        let targets = [
            "JavaScriptWorker", "PythonWorker", "BuildWorker", "WorkerRuntime", "WorkerProtocol", "Sandbox",
            "SystemCalls",
        ]
        let forbidden =
            /^\s*(@\w+\s+|public |package |internal |private )*import\s+((struct|func|class|enum|protocol|var)\s+)?(Foundation\w*|Dispatch|_Concurrency|NIO\w*)\b/
        for target in targets {
            let folder = Binaries.repository.appendingPathComponent("Sources/\(target)")
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
                $0.hasSuffix(".swift")
            }
            #expect(!files.isEmpty)
            for file in files {
                let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
                for line in text.split(separator: "\n") {
                    #expect(line.firstMatch(of: forbidden) == nil, "\(target)/\(file)")
                }
            }
        }
        #expect("public import FoundationNetworking".firstMatch(of: forbidden) != nil, "the search finds one")
    }
}
