import Foundation
import FunctionModel
import NIOCore
import PolyglotFaaS
import TestSupport
import Testing

/// What is particular to functions that read folders of their own.
@Suite struct FolderTests {
    /// Processes that this one has started to read the folder; those that they fork in turn, workers and copies of
    /// these, have the same arguments.
    private func zygotes(reading folder: String) -> Int {
        ProcessTable.all().count { process in
            let arguments = FileManager.default.contents(atPath: "/proc/\(process.pid)/cmdline") ?? Data()
            return process.parent == getpid() && arguments.split(separator: 0).contains(Data("--read=\(folder)".utf8))
        }
    }

    @Test func `Functions with the same folder share a zygote, which ends with their last worker`() async throws {
        try await TemporaryDirectory.with { directory in
            try FileManager.default.createDirectory(atPath: directory.path("layer"), withIntermediateDirectories: false)
            let source = "def handler(event): return __file__\n"
            try directory.write(source, to: "layer/handler.py")
            let folder = directory.path("layer")
            try await withRuntime {
                $0.idleTimeoutMillis = 200
                $0.artifactPath = { name in name == "layer" ? folder : nil }
            } _: { runtime in
                for id in ["one", "two"] {
                    let definition = FunctionDefinition(
                        language: .python, sourceCode: source, sourceName: "handler.py",
                        folders: FunctionFolders(source: "layer"))
                    let function = Function(id: try FunctionID(id), revision: id, definition: definition)
                    let outcome = await runtime.run(function, event: ByteBuffer(), requestID: "r", timeoutMillis: 0)
                    let result = try outcome.result.get()
                    #expect(String(decoding: result.readableBytesView, as: UTF8.self) == "\"\(folder)/handler.py\"")
                    #expect(zygotes(reading: folder) <= 1)
                }
                try await waitUntil("the zygote has ended") { zygotes(reading: folder) == 0 }
            }
        }
    }

    @Test func `A folder that cannot be read is a clear error`() async throws {
        try await withRuntime {
            $0.artifactPath = { _ in "/nonexistent/layer" }
        } _: { runtime in
            let definition = FunctionDefinition(
                language: .python, sourceCode: "", sourceName: "handler.py", folders: FunctionFolders(source: "layer"))
            let function = Function(id: try FunctionID("a"), revision: "1", definition: definition)
            let outcome = await runtime.run(function, event: ByteBuffer(), requestID: "r", timeoutMillis: 0)
            let error = try #require(throws: LoadError.self) { try outcome.result.get() }
            #expect(
                error.message.contains("The function's folder '/nonexistent/layer' cannot be read"), "\(error.message)")
        }
    }

    @Test func `An artifact that is not on this host is an error that says what to do`() async throws {
        try await withRuntime { runtime in
            let definition = FunctionDefinition(
                language: .python, sourceCode: "", folders: FunctionFolders(packages: "packages-0"))
            let function = Function(id: try FunctionID("a"), revision: "1", definition: definition)
            let outcome = await runtime.run(function, event: ByteBuffer(), requestID: "r", timeoutMillis: 0)
            let error = try #require(throws: LoadError.self) { try outcome.result.get() }
            #expect(
                error.message == "The function's folder 'packages-0' is not on this host. Deploy the function again.")
        }
    }
}
