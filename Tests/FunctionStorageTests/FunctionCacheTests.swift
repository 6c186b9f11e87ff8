import Foundation
import FunctionModel
import Testing

@testable import FileStorage
@testable import FunctionStorage

@Suite("Function cache")
struct FunctionCacheTests {
    private let folder: TemporaryFolder
    private let store: FunctionStore
    private let hello: FunctionID
    /// Nobody waits for a file to be old enough: this cache's clock is far ahead.
    private let cache: FunctionCache

    init() throws {
        folder = try TemporaryFolder()
        store = FunctionStore(dataDirectory: folder.path)
        hello = try FunctionID("hello")
        cache = FunctionCache(store: store, limit: 10, now: { .max })
    }

    @discardableResult
    private func save(_ source: String, as id: FunctionID? = nil) throws -> Function {
        try store.save(id ?? hello, definition: FunctionDefinition(language: .javaScript, sourceCode: source))
    }

    @Test("A function that does not change is read once")
    func readOnce() throws {
        let saved = try save("1")
        for _ in 0..<5 { #expect(try cache.function(hello) == saved) }
        #expect(cache.statistics == (count: 1, reads: 1))
    }

    @Test("A function that is saved again is seen by the next call")
    func savedAgain() throws {
        for source in ["1", "2", "3"] {
            let saved = try save(source)
            #expect(try cache.function(hello) == saved)
            #expect(try cache.function(hello) == saved)
        }
        #expect(cache.statistics == (count: 1, reads: 3))
    }

    @Test("A file that has just changed is read each time, since a further change might not show")
    func youngFile() throws {
        let saved = try save("1")
        let stamp = try #require(try FileStamp(path: store.path(of: hello)))
        for (age, reads) in [(0, 3), (FunctionCache.stampResolution - 1, 3), (FunctionCache.stampResolution, 1)] {
            let cache = FunctionCache(store: store, limit: 10, now: { stamp.changed + age })
            for _ in 0..<3 { #expect(try cache.function(hello) == saved) }
            #expect(cache.statistics.reads == reads)
        }
    }

    @Test("A file written in place, to the same length, is seen by the next call")
    func writtenInPlace() throws {
        let cache = FunctionCache(store: store)
        for source in ["1", "2", "3", "4"] {
            let file = try folder.write("", to: "functions/hello.json")
            try #"{"id": "hello", "languageId": "js", "sourceCode": "\#(source)"}"#.write(
                toFile: file, atomically: false, encoding: .utf8)
            #expect(try cache.function(hello).definition.sourceCode == source)
        }
    }

    @Test("A clock behind that of the file system does not keep functions out")
    func clockBehind() throws {
        let cache = FunctionCache(store: store, limit: 10, now: { 0 })
        try save("1")
        _ = try cache.function(hello)
        _ = try cache.function(hello)
        #expect(cache.statistics == (count: 1, reads: 1))
    }

    @Test("A deleted function is not found, and dropped")
    func deleted() throws {
        try save("1")
        _ = try cache.function(hello)
        try store.delete(hello)
        #expect(throws: FunctionNotFound(id: "hello")) { try cache.function(hello) }
        #expect(cache.statistics.count == 0)
        let again = try save("1")
        #expect(try cache.function(hello) == again)
    }

    @Test("A broken function is not remembered, and works as soon as it is repaired")
    func broken() throws {
        try save("1")
        _ = try cache.function(hello)
        try folder.write("{", to: "functions/hello.json")
        #expect(throws: BrokenFunction.self) { try cache.function(hello) }
        #expect(cache.statistics.count == 0)
        let repaired = try save("2")
        #expect(try cache.function(hello) == repaired)
    }

    @Test("Above the limit the function that came first goes first")
    func bounded() throws {
        let ids = try (0..<25).map { try FunctionID("f\($0)") }
        for id in ids {
            try save("1", as: id)
            #expect(try cache.function(id).id == id)
        }
        #expect(cache.statistics == (count: 10, reads: 25))
        for id in ids.suffix(10) { _ = try cache.function(id) }
        #expect(cache.statistics.reads == 25)
        _ = try cache.function(ids[0])
        #expect(cache.statistics == (count: 10, reads: 26))
    }

    @Test("The limit holds though functions are deleted and come back")
    func boundedWithDeletions() throws {
        for round in 0..<60 {
            let id = try FunctionID("f\(round * 7 % 13)")
            try save("\(round)", as: id)
            _ = try cache.function(id)
            if round % 3 == 0 {
                try store.delete(id)
                #expect(throws: FunctionNotFound.self) { try cache.function(id) }
            }
            #expect(cache.statistics.count <= 10)
        }
    }

    @Test("Readers beside a writer see whole functions, and in the end the last one")
    func concurrent() async throws {
        try save("0")
        let cache = FunctionCache(store: store)
        try await withThrowingTaskGroup(of: Void.self) { [store, hello] group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<100 {
                        let function = try cache.function(hello)
                        #expect(function.revision == function.definition.revision())
                    }
                }
            }
            group.addTask {
                for number in 1...20 {
                    let definition = FunctionDefinition(language: .javaScript, sourceCode: "\(number)")
                    let saved = try store.save(hello, definition: definition)
                    #expect(try cache.function(hello) == saved)
                }
            }
            try await group.waitForAll()
        }
        #expect(try cache.function(hello).definition.sourceCode == "20")
    }
}
