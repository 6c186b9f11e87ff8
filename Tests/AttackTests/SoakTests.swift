import Foundation
import FunctionModel
import PolyglotFaaS
import Synchronization
import TestSupport
import Testing

/// Good, slow, crashing, leaking and looping functions at once, while somebody kills workers and zygotes.
///
/// It takes the whole machine, so it runs by itself: `SOAK_SECONDS` says how long; without it, not at all. script/test sets a minute
/// after all other tests, script/soak 30 minutes.
@Suite struct SoakTests {
    private static let seconds = ProcessInfo.processInfo.environment["SOAK_SECONDS"].flatMap(Double.init)

    private struct Kind: Sendable {
        let name: String
        let request: InvocationRequest
        /// Answers with the event, whatever happens around it.
        let isGood: Bool
    }

    private static func js(_ name: String, _ body: String, isGood: Bool = false) -> Kind {
        Kind(name: name, request: InvocationRequest(languageID: "js", sourceCode: "exports.handler = async e => { \(body) } // \(name)"), isGood: isGood)
    }

    private static func python(_ name: String, _ body: String, isGood: Bool = false) -> Kind {
        Kind(name: name, request: InvocationRequest(languageID: "python", sourceCode: "import os, time, ctypes\n# \(name)\ndef handler(e):\n  \(body)"), isGood: isGood)
    }

    private static let kinds = [
        js("good", "return e", isGood: true), python("good", "return e", isGood: true),
        js("slow", "await new Promise(done => setTimeout(done, 50)); return e", isGood: true), python("slow", "time.sleep(0.05); return e", isGood: true),
        js("loops", "while (true) {}"), python("loops", "while True: pass"),
        js("leaks", "globalThis.kept = []; while (true) kept.push(new Array(10000).fill(e))"), python("leaks", "kept = []\n  while True: kept.append(bytearray(1 << 20))"),
        js("throws", "throw new Error('no')"), python("crashes", "ctypes.string_at(0)"), python("exits", "os._exit(1)"),
        python("is ended", "ctypes.CDLL(None).ptrace(0, 0, 0, 0)"),
    ]

    /// What the clients share.
    private final class Tally: Sendable {
        private let state = Mutex(Counts())

        func withLock<Value: Sendable>(_ body: (inout sending Counts) -> sending Value) -> Value { state.withLock(body) }
    }

    private struct Counts: Sendable {
        var answers: [String: Int] = [:]
        var wrong: [String] = []
        var goodMillis: [Double] = []
    }

    @Test(.enabled(if: seconds != nil))
    func `Every call has one outcome, right or clearly failed, whoever is killed, and nothing is left`() async throws {
        let before = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        let tally = Tally()
        let left: [ProcessEntry] = try await Stage.with(.full) { stage in
            let end = ContinuousClock.now + .seconds(Self.seconds ?? 0)
            await withTaskGroup(of: Void.self) { group in
                for client in 0..<12 {
                    group.addTask {
                        var number = client * 1_000_000
                        while ContinuousClock.now < end {
                            number += 1
                            let kind = Self.kinds[(client + number * 5) % Self.kinds.count]
                            await Self.call(kind, number, stage.runtime, tally)
                        }
                    }
                }
                group.addTask {
                    var generator = SeededGenerator(seed: 7)
                    while ContinuousClock.now < end {
                        try? await Task.sleep(for: .seconds(1))
                        stage.processes.randomElement(using: &generator)?.kill()
                    }
                }
            }
            // Afterwards everything works as before.
            for kind in Self.kinds where kind.isGood {
                var request = kind.request
                request.event = Array("\"after\"".utf8)
                request.timeoutMillis = 20_000
                try await #expect(stage.runtime.invoke(request).value == "after", "\(kind.name)")
            }
            return stage.processes
        }
        try await waitUntilAllEnded(left, within: .seconds(10))
        let result = tally.withLock { $0 }
        let times = result.goodMillis.sorted()
        try #require(!times.isEmpty, "\(result.answers)")
        print("SOAK \(result.answers.sorted { $0.key < $1.key }); good calls: median \(times[times.count / 2]) ms, p99 \(times[times.count * 99 / 100]) ms")
        #expect(result.wrong.isEmpty, "\(result.wrong.prefix(10))")
        let good = result.answers.filter { $0.key.hasPrefix("good") || $0.key.hasPrefix("slow") }
        let right = good.filter { $0.key.hasSuffix("right") }.values.reduce(0, +)
        #expect(right * 10 > good.values.reduce(0, +) * 8, "most good calls are answered although their processes are killed: \(good)")
        // Other suites open descriptors too; two or three for each call or worker would be far more.
        let after = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        #expect(after < before + 200, "\(before) before, \(after) after")
    }

    private static func call(_ kind: Kind, _ number: Int, _ runtime: FunctionRuntime, _ tally: Tally) async {
        var request = kind.request
        request.event = Array("\(number)".utf8)
        request.timeoutMillis = kind.isGood ? 5000 : 300
        let start = ContinuousClock.now
        var outcome: String
        var isWrong = false
        do {
            let value = try await runtime.invoke(request).value
            isWrong = !kind.isGood || value != .integer(Int64(number))
            outcome = "right"
        } catch {
            outcome = (error as? any FunctionError)?.errorType ?? "\(type(of: error))"
        }
        let millis = (ContinuousClock.now - start) / .milliseconds(1)
        tally.withLock { counts in
            counts.answers["\(kind.name): \(outcome)", default: 0] += 1
            if isWrong { counts.wrong.append("\(kind.name) \(number)") }
            if kind.name == "good" { counts.goodMillis.append(millis) }
        }
    }
}
