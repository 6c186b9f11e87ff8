import Foundation
import FunctionModel
import PolyglotFaaS
import Synchronization
import TestSupport
import Testing

/// Compares memory rewind with fresh processes: one worker calls each of many handlers many times while others run, and
/// each answer must equal that of a process that has served no call before.
///
/// `REWIND_ROUNDS` (default 40): how often each handler is called. `REWIND_SOAK_MINUTES`: how long the random test
/// runs; without it, not at all. `REWIND_REPORT`: prints what each handler costs at which level. `REWIND_ONLY`: only
/// handlers with this in their names.
@Suite(.serialized) struct DifferentialTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let explicitRounds = environment["REWIND_ROUNDS"].flatMap(Int.init)

    private static func chosen(_ handlers: [Handler]) -> [Handler] {
        guard let only = environment["REWIND_ONLY"] else { return handlers }
        return handlers.filter { $0.name.contains(only) }
    }

    private static func rounds(of handler: Handler) -> Int {
        // At least six calls: up to three come before the snapshot, and some must come after it.
        explicitRounds.map { max(8, $0 >> max(0, handler.weight - 4)) } ?? max(6, 40 >> handler.weight)
    }

    @Test func `Each table has at least 100 handlers of different names and sources`() {
        for handlers in [Handler.allPython, Handler.allJavaScript] {
            #expect(handlers.count >= 100)
            #expect(Set(handlers.map(\.name)).count == handlers.count)
            #expect(Set(handlers.map(\.source)).count == handlers.count)
        }
    }

    @Test(arguments: [(Language.python, SandboxMode.bestEffort), (.python, .off), (.javaScript, .bestEffort)])
    func `Every call under rewind answers as a fresh process does`(language: Language, sandbox: SandboxMode)
        async throws
    {
        let all = Self.chosen(language == .python ? Handler.allPython : Handler.allJavaScript)
        let handlers = all.filter { $0.isRefusedBySandbox == (sandbox == .off) }
        let descriptorsBefore = openDescriptorCount()
        var replaced = 0
        var generator = SeededGenerator(seed: 3)
        let own = try await OwnRuntime.with {
            ($0.maximumWorkers, $0.idleTimeoutMillis, $0.sandbox) = (48, 600_000, sandbox)
        } _: { own in
            // Each function has two workers, one for each isolation level.
            for batch in handlers.chunks(of: 20) { replaced += try await compare(batch, own, using: &generator) }
            return own
        }
        try await waitUntil("all processes of the runtime have ended") { own.processes.isEmpty }
        // Other suites run at the same time and open descriptors too; a leak of two for each worker would be far more.
        #expect(openDescriptorCount() < descriptorsBefore + 100)
        if replaced > 0 { print("\(language.id): workers of \(replaced) functions were replaced while serving") }
    }

    /// Returns how many functions got a new worker during the comparison.
    private func compare(_ handlers: [Handler], _ own: OwnRuntime, using generator: inout SeededGenerator) async throws
        -> Int
    {
        let expected = try await concurrently(handlers) { handler in
            var outcomes: [Outcome] = []
            for event in handler.events {
                outcomes.append(await own.runtime.outcome(handler.referenceRequest(event: event)))
            }
            return outcomes
        }
        for (handler, outcomes) in zip(handlers, expected) {
            for outcome in outcomes {
                if case .failure(let type, let message, _) = outcome,
                    ["WorkerCrashed", "LoadError", "InvocationTimeout"].contains(type)
                {
                    Issue.record("\(handler.name) does not run at all: \(type): \(message)")
                }
            }
        }
        var calls = handlers.indices.flatMap { handler in
            (0..<Self.rounds(of: handlers[handler])).map { (handler, $0 % handlers[handler].events.count) }
        }
        calls.shuffle(using: &generator)
        let seen = Shared<[Set<Outcome>]>(handlers.map { _ in [] })
        let warm = calls.count / 2
        func run(_ calls: ArraySlice<(Int, Int)>) async throws {
            _ = try await concurrently(Array(calls)) { handler, event in
                let function = handlers[handler]
                let outcome = await own.runtime.outcome(
                    function.request(event: function.events[event], isolation: .invocation))
                switch function.answers {
                case .same:
                    if outcome != expected[handler][event] {
                        let call = "\(function.name), event \(function.events[event])"
                        Issue.record("\(call): \(outcome)\ninstead of \(expected[handler][event])")
                    }
                case .different:
                    let isNew = seen.withLock { $0[handler].insert(outcome).inserted }
                    if !isNew { Issue.record("\(function.name): \(outcome) a second time") }
                    if case .failure = outcome { Issue.record("\(function.name): \(outcome)") }
                }
            }
        }
        try await run(calls[..<warm])
        let workers = Set(own.workers.map(\.pid))
        try await run(calls[warm...])
        return workers.subtracting(own.workers.map(\.pid)).count
    }

    @Test(arguments: Handler.whoseMemoryIsWatched)
    func `Memory of a worker does not grow with the calls it has served`(handler: Handler) async throws {
        try await OwnRuntime.with { own in
            func call(_ times: Int) async {
                for round in 0..<times {
                    let outcome = await own.runtime.outcome(
                        handler.request(event: handler.events[round % handler.events.count], isolation: .invocation))
                    if case .failure(let type, let message, _) = outcome { Issue.record("\(type): \(message)") }
                }
            }
            await call(10)
            // The worker reports ready after it has restored its memory.
            try await waitUntil("the worker is ready") { own.runtime.workerCount == 1 }
            let first = try #require(own.workers.first)
            let before = first.residentMemory
            await call(max(12, Self.rounds(of: handler)))
            let last = try #require(own.workers.first)
            // An engine that maps something else over a part of the snapshot ends its worker, so another one is right.
            if !handler.name.contains("100 MB") { #expect(last.pid == first.pid, "the same worker served all calls") }
            let bound = max(before / 8, 4 << 20) + (handler.name.contains("100 MB") ? 120 << 20 : 0)
            #expect(
                last.residentMemory < before + bound,
                "\(before >> 10) KiB before, \(last.residentMemory >> 10) KiB after")
        }
    }

    @Test(arguments: (Handler.pythonThreads + Handler.pythonConcurrency).filter { !$0.isRefusedBySandbox })
    func `Threads and objects in the kernel do not cost a function its worker`(handler: Handler) async throws {
        try await OwnRuntime.with { own in
            for round in 0..<12 {
                let event = handler.events[round % handler.events.count]
                let outcome = await own.runtime.outcome(handler.request(event: event, isolation: .invocation))
                if case .failure(let type, let message, _) = outcome { Issue.record("\(type): \(message)") }
            }
            let reasons = Set(own.runtime.retiredWorkerCounts.keys)
            // A thread that ends may give memory back first.
            #expect(handler.name.contains("ends in the call") ? reasons.contains("threads") : reasons.isEmpty)
        }
    }

    @Test(arguments: [
        (
            "threads",
            "import threading\nstop = threading.Event()\nt = threading.Thread(target=stop.wait); t.start()\n"
                + "def handler(event):\n  stop.set(); t.join()"
        ),
        (
            "loading",
            "import os, ctypes, mmap\nsocket = ctypes.CDLL(None).socketpair\nends = (ctypes.c_int * 2)()\n"
                + "socket(1, 5, 0, ends) and socket(1, 1, 0, ends)\nos.close(ends[1])\ndef handler(event): pass"
        ),
    ])
    func `What cannot be put back is counted and named once, in the log of the next call`(
        reason: String, source: String
    ) async throws {
        try await OwnRuntime.with { own in
            let request = InvocationRequest(languageID: "python", sourceCode: source)
            var logs: [String] = []
            for _ in 0..<6 { logs += try await own.runtime.invoke(request).logs.map(\.text) }
            #expect(logs.count == 1)
            #expect(logs.first?.hasPrefix("[slow: workers of this function serve one call only, because ") == true)
            #expect((own.runtime.retiredWorkerCounts[reason] ?? 0) >= 5)
        }
    }

    @Test(arguments: [
        "const kept = []; exports.handler = event => kept.push(new Uint8Array(100 << 20).fill(1))",
        "exports.handler = event => { const all = []; for (let i = 0; i < 200_000; i++) all.push({ i, text: 'k' + i "
            + "}); return all.length }",
    ])
    func `A JavaScript snapshot holds nothing of the memory that the calls before it have used`(source: String)
        async throws
    {
        try await OwnRuntime.with { own in
            for _ in 0..<4 { _ = try await own.runtime.invoke(InvocationRequest(languageID: "js", sourceCode: source)) }
            let worker = try #require(own.workers.first)
            try await waitUntil("the worker has a snapshot") { worker.snapshotSize > 0 }
            #expect(worker.snapshotSize < 8 << 20, "\(worker.snapshotSize >> 10) KiB")
        }
    }

    @Test func `Two thousand calls of a small function do not make its worker grow`() async throws {
        try await OwnRuntime.with { own in
            let request = InvocationRequest(
                languageID: "js",
                sourceCode: "const big = new Array(1000).fill('x'); exports.handler = () => big.length")
            func call(_ times: Int) async throws {
                for _ in 0..<times { #expect(try await own.runtime.invoke(request).json == Array("1000".utf8)) }
                try await waitUntil("the worker is ready") { own.runtime.workerCount == 1 }
            }
            try await call(500)
            let first = try #require(own.workers.first)
            let before = first.residentMemory
            try await call(1500)
            let last = try #require(own.workers.first)
            #expect(last.pid == first.pid, "the same worker served all calls")
            #expect(
                last.residentMemory < before + 4 << 20,
                "\(before >> 10) KiB before, \(last.residentMemory >> 10) KiB after")
        }
    }

    @Test func `Pages are not looked for after each call of a handler that needs megabytes of the heap for a moment`()
        async throws
    {
        let source = """
            import ctypes
            read = ctypes.CDLL(None).faas_rewind_counters
            read.restype = ctypes.POINTER(ctypes.c_uint64 * 2)
            def handler(event):
              len(bytearray(8 << 20))
              return list(read().contents) if read() else [0, 0]
            """
        try await OwnRuntime.with { own in
            func call() async throws -> (rewinds: Int, scans: Int) {
                let json = Data(
                    try await own.runtime.invoke(InvocationRequest(languageID: "python", sourceCode: source)).json)
                let counts = try JSONDecoder().decode([Int].self, from: json)
                return (counts[0], counts[1])
            }
            for _ in 0..<20 { _ = try await call() }
            let before = try await call()
            for _ in 0..<49 { _ = try await call() }
            let after = try await call()
            #expect(after.rewinds == before.rewinds + 50)
            #expect(after.scans < before.scans + 5)
        }
    }

    @Test(arguments: [Language.python, .javaScript])
    func `Making the sandbox's filters leaves nothing behind that the zygote and all its forks would copy`(
        language: Language
    ) async throws {
        func writtenMemory(_ mode: SandboxMode) async throws -> Int {
            try await OwnRuntime.with {
                $0.sandbox = mode
            } _: { own in
                let source = language == .python ? "handler = lambda event: 1" : "exports.handler = () => 1"
                _ = try await own.runtime.invoke(InvocationRequest(languageID: language.id, sourceCode: source))
                return try #require(own.zygotes.first).writtenMemory
            }
        }
        let (with, without) = (try await writtenMemory(.bestEffort), try await writtenMemory(.off))
        #expect(with < without + 256 << 10, "\(with >> 10) KiB with the sandbox, \(without >> 10) KiB without")
    }

    @Test func `A worker that waits is woken by the next event, and not when its answer is read`() async throws {
        try await OwnRuntime.with { own in
            let request = InvocationRequest(languageID: "js", sourceCode: "exports.handler = () => 1")
            // Enough calls for the snapshot to be taken.
            for _ in 0..<20 { _ = try await own.runtime.invoke(request) }
            let worker = try #require(own.workers.first)
            let before = worker.sleepCount
            for _ in 0..<500 { _ = try await own.runtime.invoke(request) }
            #expect(own.workers.first?.pid == worker.pid)
            #expect(worker.sleepCount - before < 650, "about once for each call")
        }
    }

    @Test(.enabled(if: environment["REWIND_SOAK_MINUTES"] != nil))
    func `A random handler with a random event answers as a fresh process does, for as long as it is asked to`()
        async throws
    {
        let minutes = Self.environment["REWIND_SOAK_MINUTES"].flatMap(Double.init) ?? 30
        let handlers = Self.chosen(Handler.allPython + Handler.allJavaScript)
        let seed = Self.environment["REWIND_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0 ... .max)
        print("REWIND_SEED=\(seed)")
        let generator = Shared(SeededGenerator(seed: seed))
        let end = ContinuousClock.now + .seconds(minutes * 60)
        let calls = Shared(0)
        let expected = Shared<[String: Outcome]>([:])
        // Fewer workers than functions, so that workers are also replaced.
        try await OwnRuntime.with {
            $0.maximumWorkers = 64
        } _: { own in
            _ = try await concurrently(Array(0..<4)) { _ in
                while ContinuousClock.now < end {
                    // Several calls in a row, so that a worker takes its snapshot before another function takes its
                    // place.
                    let (handler, count) = generator.withLock {
                        (handlers.randomElement(using: &$0)!, Int.random(in: 1...30, using: &$0))
                    }
                    for _ in 0..<max(1, count >> max(0, handler.weight - 2)) {
                        let event = generator.withLock { handler.events.randomElement(using: &$0)! }
                        let outcome = await own.runtime.outcome(handler.request(event: event, isolation: .invocation))
                        calls.withLock { $0 += 1 }
                        if case .different = handler.answers {
                            if case .failure = outcome { Issue.record("\(handler.name): \(outcome)") }
                            continue
                        }
                        let key = "\(handler.name) \(event)"
                        var right = expected.withLock { $0[key] }
                        if right == nil {
                            right = await own.runtime.outcome(handler.referenceRequest(event: event))
                            expected.withLock { $0[key] = right }
                        }
                        if outcome != right { Issue.record("\(key): \(outcome)\ninstead of \(right!)") }
                    }
                }
            }
        }
        print("\(calls.withLock { $0 }) calls of \(handlers.count) handlers")
    }

    @Test(.enabled(if: environment["REWIND_REPORT"] != nil))
    func `What each handler costs under rewind and where state is kept`() async throws {
        print("handler; median of a call in µs: kept state, rewind; ratio; workers used in 40 calls")
        for handler in Self.chosen(Handler.allPython + Handler.allJavaScript) {
            try await OwnRuntime.with { own in
                var medians: [Double] = []
                var pids: Set<pid_t> = []
                for isolation in [Isolation.instance, .invocation] {
                    var times: [Double] = []
                    pids = []
                    for round in 0..<40 {
                        let request = handler.request(
                            event: handler.events[round % handler.events.count], isolation: isolation)
                        let start = ContinuousClock.now
                        _ = await own.runtime.outcome(request)
                        if round >= 10 { times.append((ContinuousClock.now - start) / .microseconds(1)) }
                        if isolation == .invocation && round > 5 { pids.formUnion(own.workers.map(\.pid)) }
                    }
                    medians.append(times.sorted()[times.count / 2])
                }
                print(
                    "REPORT;\(handler.name);\(Int(medians[0]));\(Int(medians[1]));\((medians[1] / medians[0] * 10).rounded() / 10);\(pids.count - 1)"
                )
            }
        }
    }
}

extension Handler {
    static let allPython =
        pythonText + pythonNumbers + pythonObjects + pythonProcess + pythonConcurrency + pythonThreads
        + pythonDescriptors + pythonMemory
    static let allJavaScript = jsObjects + jsText + jsEngine + jsMemory + jsAsync

    /// Handlers that use much memory or make much garbage.
    static let whoseMemoryIsWatched = (allPython + allJavaScript).filter { handler in
        [
            "100 MB", "a hundred thousand objects", "a list at module level grows", "an array at top level grows",
            "a thread that ends",
        ].contains {
            handler.name.contains($0)
        }
    }
}

/// A value that several tasks share.
private final class Shared<Value>: Sendable {
    private let value: Mutex<Value>

    init(_ value: sending Value) { self.value = Mutex(value) }

    func withLock<Output: Sendable>(_ body: (inout sending Value) -> sending Output) -> sending Output {
        value.withLock(body)
    }
}

extension Array {
    fileprivate func chunks(of count: Int) -> [[Element]] {
        stride(from: 0, to: self.count, by: count).map { Array(self[$0..<Swift.min($0 + count, self.count)]) }
    }
}

/// Runs a few at a time. Returns the results in order.
private func concurrently<Element: Sendable, Output: Sendable>(
    _ elements: [Element], _ body: @escaping @Sendable (Element) async throws -> Output
) async throws -> [Output] {
    try await withThrowingTaskGroup(of: (Int, Output).self) { group in
        var results = [Output?](repeating: nil, count: elements.count)
        var next = 0
        func addNext() {
            guard next < elements.count else { return }
            let (index, element) = (next, elements[next])
            group.addTask { (index, try await body(element)) }
            next += 1
        }
        for _ in 0..<4 { addNext() }
        while let (index, result) = try await group.next() {
            results[index] = result
            addNext()
        }
        return results.compactMap(\.self)
    }
}
