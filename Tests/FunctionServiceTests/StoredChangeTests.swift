import FileStorage
import Foundation
import FunctionModel
import FunctionStorage
import HostMemory
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import FunctionService

/// The catalog over files: whatever changes on disk is seen by the next request.
@Suite struct StoredChangeTests {
    private let folder: TemporaryFolder
    private let repository: FileFunctionRepository
    private let catalog: FunctionCatalog
    private let hello: FunctionID

    init() throws {
        folder = try TemporaryFolder()
        repository = FileFunctionRepository(dataDirectory: "\(folder.path)/.faas")
        catalog = FunctionCatalog(
            repository: repository, artifacts: NoArtifacts(), memory: ByteBudget(limit: 1 << 30),
            maximumBytes: 1 << 30)
        hello = try FunctionID("hello")
    }

    private func save(_ source: String) async throws {
        let definition = FunctionDefinition(language: .javaScript, sourceCode: source)
        try await repository.save(Function(id: hello, definition: definition))
    }

    private func source() async throws -> String {
        try await catalog.resolve(FunctionReference(hello), on: MultiThreadedEventLoopGroup.singleton.next()).definition
            .sourceCode
    }

    private func document(_ source: String) -> String {
        #"{"id": "hello", "languageId": "js", "sourceCode": "\#(source)"}"#
    }

    @Test func `A function that is saved again is seen by the next request, and read once`() async throws {
        await #expect(throws: FunctionNotFound.self) { try await source() }
        for text in ["1", "2", "3"] {
            try await save(text)
            for _ in 0..<3 { try await #expect(source() == text) }
        }
        // The first read without a folder cannot be watched; the feed is opened a moment later.
        #expect(catalog.statistics.reads <= 10)
    }

    @Test func `A file written in place, to the same length, within the same moment, is seen`() async throws {
        try await save("0")
        _ = try await source()
        for text in ["1", "2", "3", "4"] {
            try folder.write(document(text), to: ".faas/functions/hello.json")
            try await #expect(source() == text)
            try await #expect(source() == text)
        }
    }

    @Test func `A deleted function is not found, and one that comes back is`() async throws {
        try await save("1")
        _ = try await source()
        try await repository.delete(hello)
        await #expect(throws: FunctionNotFound(id: "hello")) { try await source() }
        try await save("2")
        try await #expect(source() == "2")
    }

    @Test func `A broken function is not remembered, and works as soon as it is repaired`() async throws {
        try await save("1")
        _ = try await source()
        try folder.write("{", to: ".faas/functions/hello.json")
        await #expect(throws: BrokenFunction.self) { try await source() }
        try await save("2")
        try await #expect(source() == "2")
    }

    @Test func `A folder of functions that is removed, renamed and made again is seen`() async throws {
        try await save("1")
        _ = try await source()
        try await #expect(source() == "1")
        let functions = "\(folder.path)/.faas/functions"
        try #require(rename(functions, "\(folder.path)/.faas/other") == 0)
        await #expect(throws: FunctionNotFound.self) { try await source() }
        try await save("2")
        try await #expect(source() == "2")
        try FileManager.default.removeItem(atPath: functions)
        try #require(rename("\(folder.path)/.faas/other", functions) == 0)
        try await #expect(source() == "1")
        try FileManager.default.removeItem(atPath: "\(folder.path)/.faas")
        await #expect(throws: FunctionNotFound.self) { try await source() }
        try await save("3")
        try await #expect(source() == "3")
    }

    @Test func `A data directory that is replaced by another is seen`() async throws {
        try await save("1")
        _ = try await source()
        try #require(rename("\(folder.path)/.faas", "\(folder.path)/old") == 0)
        try await save("2")
        try await #expect(source() == "2")
        try folder.write(document("3"), to: "old/functions/hello.json")
        try await #expect(source() == "2")
        try await save("4")
        try await #expect(source() == "4")
    }

    @Test func `A function's file may be a link to another file`() async throws {
        try await save("0")
        let file = try folder.write(document("1"), to: "elsewhere.json")
        let path = repository.location(of: hello)
        try #require(unlink(path) == 0 && symlink(file, path) == 0)
        try await #expect(source() == "1")
        for text in ["2", "3"] {
            try folder.write(document(text), to: "elsewhere.json")
            try await #expect(source() == text)
        }
    }

    @Test func `More changes than the kernel queues are not lost`() async throws {
        try await save("1")
        _ = try await source()
        try await #expect(source() == "1")
        let limit = (try? String(contentsOfFile: "/proc/sys/fs/inotify/max_queued_events", encoding: .utf8))
            .flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
        let other = try #require(limit.flatMap { $0 <= 100_000 ? $0 : nil })
        // Equal events in a row are one event, so two files change by turns.
        let files = try ["a", "b"].map { name in
            let path = try folder.write("", to: ".faas/functions/\(name).json")
            return open(path, O_WRONLY)
        }
        defer { for file in files { close(file) } }
        for number in 0...other { _ = pwrite(files[number % 2], "x", 1, 0) }
        try await save("2")
        try await #expect(source() == "2")
    }

    @Test func `Readers beside a writer see each change that was complete before they asked`() async throws {
        try await save("0")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var last = 0
                    for _ in 0..<200 {
                        let number = try #require(Int(try await source()))
                        #expect(number >= last, "an older version after a newer one")
                        last = number
                    }
                }
            }
            group.addTask {
                for number in 1...30 {
                    try await save("\(number)")
                    try await #expect(source() == "\(number)")
                }
            }
            try await group.waitForAll()
        }
        try await #expect(source() == "30")
    }
}
