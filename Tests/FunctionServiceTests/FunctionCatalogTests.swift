import FunctionModel
import FunctionStorage
import HostMemory
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import FunctionService

/// The catalog with a repository, a feed and a clock that the test moves.
@Suite struct FunctionCatalogTests {
    private let repository = FakeRepository()
    private let memory = ByteBudget(limit: 1 << 20)
    private let hello: FunctionID
    private let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()

    init() throws { hello = try FunctionID("hello") }

    private final class Clock: Sendable {
        private let time = Mutex<Int64>(0)
        var now: Int64 { time.withLock { $0 } }
        func pass(milliseconds: Int64) { time.withLock { $0 += milliseconds * 1_000_000 } }
    }

    private func withCatalog(
        maximumBytes: Int = 1 << 20, _ body: (FunctionCatalog, Clock) async throws -> Void
    ) async throws {
        let clock = Clock()
        try await body(
            FunctionCatalog(
                repository: repository, artifacts: NoArtifacts(), memory: memory, maximumBytes: maximumBytes,
                now: { clock.now }), clock)
    }

    private func source(_ catalog: FunctionCatalog, _ id: FunctionID? = nil) async throws -> String {
        try await catalog.resolve(FunctionReference(id ?? hello), on: loop).definition.sourceCode
    }

    /// A read or a comparison in the background may hold the catalog for a moment after its answer is there.
    private func expectEverythingReleased() async throws {
        try await waitUntil("everything is released") { memory.used == 0 }
    }

    /// Whether a resolve calls its completion before it returns.
    private func isAtOnce(_ catalog: FunctionCatalog) -> Bool {
        let calls = Counter()
        catalog.resolve(FunctionReference(hello), on: loop) { _ in calls.add() }
        return calls.count == 1
    }

    @Test func `A function that does not change is read once, and then found at once`() async throws {
        repository.set(hello, "1", stamp: "a")
        try await withCatalog { catalog, _ in
            for _ in 0..<5 { try await #expect(source(catalog) == "1") }
            #expect(repository.loads == 1)
            #expect(isAtOnce(catalog))
        }
        try await expectEverythingReleased()
    }

    @Test func `A change that the feed reports is seen by the next resolve`() async throws {
        repository.set(hello, "1", stamp: "a")
        try await withCatalog { catalog, _ in
            _ = try await source(catalog)
            let feed = try #require(repository.feeds.first)
            for (changes, text) in [(StoredChanges.functions([hello]), "2"), (.everything, "3"), (.ended, "4")] {
                repository.set(hello, text, stamp: text)
                feed.report(changes)
                try await #expect(source(catalog) == text)
            }
            #expect(repository.feeds.count == 2, "a feed that has ended is replaced")
            repository.set(hello, "5", stamp: "5")
            repository.feeds[1].report(.functions([hello]))
            try await #expect(source(catalog) == "5")
        }
    }

    @Test func `A change while a function is read is not lost`() async throws {
        repository.set(hello, "1", stamp: "a")
        try await withCatalog { catalog, _ in
            await catalog.open()
            repository.hold()
            async let first = source(catalog)
            try await waitUntil("it has read") { repository.heldCount == 1 }
            repository.set(hello, "2", stamp: "b")
            repository.feeds[0].report(.functions([hello]))
            // This request came after the change: it must not get what was read before.
            async let second = source(catalog)
            try await waitUntil("both have read") { repository.heldCount == 2 }
            repository.letGo()
            let texts = try await (first, second)
            #expect(texts == ("1", "2"))
            try await #expect(source(catalog) == "2")
            #expect(repository.loads == 2)
        }
    }

    @Test func `A stored function that cannot be used is read once, until it changes`() async throws {
        repository.setBroken(hello, "first", stamp: "a")
        try await withCatalog { catalog, clock in
            for _ in 0..<5 {
                let error = await #expect(throws: BrokenFunction.self) { try await source(catalog) }
                #expect(error?.reason == "first")
            }
            #expect(repository.loads == 1)
            #expect(isAtOnce(catalog))
            #expect(memory.used > 1000)
            let feed = try #require(repository.feeds.first)
            repository.setBroken(hello, "second", stamp: "b")
            feed.report(.functions([hello]))
            let error = await #expect(throws: BrokenFunction.self) { try await source(catalog) }
            #expect(error?.reason == "second")
            repository.set(hello, "2", stamp: "c")
            feed.report(.functions([hello]))
            try await #expect(source(catalog) == "2")
            #expect(repository.loads == 3)

            // A change that the feed missed.
            repository.setBroken(hello, "third", stamp: "d")
            clock.pass(milliseconds: 1001)
            try await #expect(source(catalog) == "2")
            try await waitUntil("the stamps are compared") { catalog.statistics.count == 0 }
            await #expect(throws: BrokenFunction.self) { try await source(catalog) }
        }
        try await expectEverythingReleased()
    }

    @Test func `Without a feed a function that cannot be used is read again when its stamp changes`() async throws {
        repository.setFeed(false)
        repository.setBroken(hello, "first", stamp: "a")
        try await withCatalog { catalog, _ in
            for _ in 0..<3 { await #expect(throws: BrokenFunction.self) { try await source(catalog) } }
            #expect(repository.loads == 1 && repository.stamps == 2)
            repository.set(hello, "1", stamp: "b")
            try await #expect(source(catalog) == "1")
        }
    }

    @Test func `A failure that is not the stored content's is tried again each time`() async throws {
        repository.setBroken(hello, "it cannot be read", stamp: "a", hasState: false)
        try await withCatalog { catalog, _ in
            for _ in 0..<3 { await #expect(throws: BrokenFunction.self) { try await source(catalog) } }
            #expect(repository.loads == 3)
        }
    }

    @Test func `Requests for a function that is being read wait for one read`() async throws {
        repository.set(hello, "1", stamp: "a")
        try await withCatalog { catalog, _ in
            await catalog.open()
            repository.hold()
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<50 { group.addTask { try await source(catalog) } }
                try await waitUntil("it is read") { repository.heldCount == 1 }
                try await Task.sleep(for: .milliseconds(20))
                repository.letGo()
                for try await text in group { #expect(text == "1") }
            }
            #expect(repository.loads <= 2)
        }
    }

    private func source(_ catalog: FunctionCatalog, version: String) async throws -> String {
        try await catalog.resolve(FunctionReference(hello, FunctionQualifier(version)), on: loop).definition.sourceCode
    }

    private func saveVersions() async throws {
        for source in ["1", "2", "3"] {
            try await repository.save(
                Function(id: hello, definition: FunctionDefinition(language: .javaScript, sourceCode: source)))
        }
    }

    @Test func `A version is read once, and found beside the current one`() async throws {
        try await saveVersions()
        try await withCatalog { catalog, _ in
            try await #expect(source(catalog) == "3")
            try await #expect(source(catalog, version: "1") == "1")
            let loads = repository.loads
            try await #expect(source(catalog, version: "1") == "1")
            #expect(repository.loads == loads)
            await #expect(throws: VersionNotFound(function: hello, version: .number(9))) {
                try await source(catalog, version: "9")
            }
        }
        try await expectEverythingReleased()
    }

    @Test func `A change of an alias is seen by the next resolve`() async throws {
        try await saveVersions()
        try await repository.setAlias(FunctionAlias(name: "live", version: 1), of: hello)
        try await withCatalog { catalog, _ in
            try await #expect(source(catalog, version: "live") == "1")
            let loads = repository.loads
            try await #expect(source(catalog, version: "live") == "1")
            #expect(repository.loads == loads, "from memory")
            try await repository.setAlias(FunctionAlias(name: "live", version: 2), of: hello)
            repository.feeds[0].report(.functions([hello]))
            try await #expect(source(catalog, version: "live") == "2")
            try await repository.removeAlias("live", of: hello)
            repository.feeds[0].report(.functions([hello]))
            await #expect(throws: VersionNotFound(function: hello, version: .alias("live"))) {
                try await source(catalog, version: "live")
            }
        }
    }

    @Test func `An alias gives its share of calls to the other version`() async throws {
        try await saveVersions()
        try await withCatalog { catalog, _ in
            for (percent, expected) in [(0.0, ["1"]), (100, ["2"]), (50, ["1", "2"])] as [(Double, Set<String>)] {
                try await repository.setAlias(
                    FunctionAlias(name: "live", version: 1, canary: .init(version: 2, percent: percent)), of: hello)
                repository.feeds.first?.report(.functions([hello]))
                var seen: Set<String> = []
                // At 50 percent, one of the two is missing once in 10^30 runs.
                for _ in 0..<100 { seen.insert(try await source(catalog, version: "live")) }
                #expect(seen == expected)
            }
        }
    }

    @Test func `Without a feed each resolve compares the stamp, and reads only what has changed`() async throws {
        repository.setFeed(false)
        repository.set(hello, "1", stamp: "a")
        try await withCatalog { catalog, _ in
            for _ in 0..<3 { try await #expect(source(catalog) == "1") }
            #expect(repository.loads == 1 && repository.stamps == 2)
            repository.set(hello, "2", stamp: "b")
            try await #expect(source(catalog) == "2")
            // Too young for a stamp: it is read each time.
            repository.set(hello, "3", stamp: nil)
            for _ in 0..<3 { try await #expect(source(catalog) == "3") }
            #expect(repository.loads == 5)
        }
    }

    @Test func `A feed that appears later is used from then on`() async throws {
        repository.setFeed(false)
        repository.set(hello, "1", stamp: "a")
        try await withCatalog { catalog, clock in
            _ = try await source(catalog)
            repository.setFeed(true)
            _ = try await source(catalog)
            #expect(repository.feeds.isEmpty, "it is tried once a second")
            clock.pass(milliseconds: 1000)
            _ = try await source(catalog)
            #expect(repository.feeds.count == 1)
            _ = try await source(catalog)
            #expect(isAtOnce(catalog))
        }
    }

    @Test func `A change that the feed misses is found by the stamp within a second of use`() async throws {
        repository.set(hello, "1", stamp: "a")
        try await withCatalog { catalog, clock in
            _ = try await source(catalog)
            repository.set(hello, "2", stamp: "b")
            try await #expect(source(catalog) == "1", "this is why there are stamps")
            #expect(repository.stamps == 0)
            clock.pass(milliseconds: 1000)
            _ = try await source(catalog)
            try await waitUntil("the stamp was compared") { catalog.statistics.count == 0 }
            try await #expect(source(catalog) == "2")
            #expect(repository.feeds.count == 2, "the feed is replaced: it may watch another directory")
        }
    }

    @Test func `A function in use is compared with its stamp once a second`() async throws {
        repository.set(hello, "1", stamp: "a")
        try await withCatalog { catalog, clock in
            _ = try await source(catalog)
            for count in 1...3 {
                clock.pass(milliseconds: 1000)
                for _ in 0..<10 { _ = try await source(catalog) }
                try await waitUntil("it was compared") { repository.stamps == count }
                // Until the comparison is noted, a further one is not due.
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(repository.loads == 1)
        }
    }

    @Test func `Functions in memory are bounded in bytes; what was read least recently goes first`() async throws {
        let large = String(repeating: "x", count: 10_000)
        let ids = try (0..<50).map { try FunctionID("f\($0)") }
        for id in ids { repository.set(id, large, stamp: "a") }
        try await withCatalog(maximumBytes: 100_000) { catalog, _ in
            for id in ids {
                _ = try await source(catalog, id)
                _ = try await source(catalog, ids[0])
                #expect(catalog.statistics.bytes <= 100_000)
                #expect(memory.used == catalog.statistics.bytes)
            }
            #expect(catalog.statistics.count == 9)
            #expect(repository.loads == 50, "the one that was read again and again stayed")
        }
    }

    @Test func `A function that does not fit is served all the same`() async throws {
        repository.set(hello, String(repeating: "x", count: 200_000), stamp: "a")
        try await withCatalog(maximumBytes: 100_000) { catalog, _ in
            for _ in 0..<2 { try await #expect(source(catalog).count == 200_000) }
            #expect(catalog.statistics.count == 0 && repository.loads == 2)
        }
    }

    @Test func `More requests than may wait are refused`() async throws {
        repository.hold()
        try await withCatalog { catalog, _ in
            await catalog.open()
            let counter = Counter()
            for _ in 0..<(CatalogState.maximumWaiters + 3) {
                catalog.resolve(FunctionReference(hello), on: loop) { result in
                    if case .failure(let error) = result, error is Overloaded { counter.add() }
                }
            }
            #expect(counter.count == 3)
            try await waitUntil("it is read") { repository.heldCount > 0 }
            repository.letGo()
            try await waitUntil("requests are taken again") {
                do {
                    _ = try await source(catalog)
                } catch {
                    return error is FunctionNotFound
                }
                return false
            }
        }
    }

    private final class Counter: Sendable {
        private let state = Mutex(0)
        var count: Int { state.withLock { $0 } }
        func add() { state.withLock { $0 += 1 } }
    }

    @Test func `Errors are not remembered`() async throws {
        try await withCatalog { catalog, _ in
            for _ in 0..<2 { await #expect(throws: FunctionNotFound(id: "hello")) { try await source(catalog) } }
            repository.set(hello, "1", stamp: "a")
            try await #expect(source(catalog) == "1")
        }
    }

    @Test func `A function whose artifact is missing is broken, with what to do`() async throws {
        var definition = FunctionDefinition(language: .python, sourceCode: "")
        definition.folders.source = ArtifactName.name("source", of: [])
        try await repository.save(Function(id: hello, definition: definition))
        try await withCatalog { catalog, _ in
            let error = await #expect(throws: BrokenFunction.self) { try await source(catalog) }
            #expect(error?.path == "memory/hello")
            #expect(error?.reason.hasSuffix("is not in 'nowhere': upload the function again") == true)
        }
    }
}
