import Foundation
import FunctionModel
import PolyglotFaaS
import Synchronization
import TestSupport
import Testing

/// Calls good, slow, crashing, leaking and looping functions at the same time, while one task kills workers and
/// zygotes.
///
/// It uses the whole machine, so it runs alone and only if `SOAK_SECONDS` is set: script/test sets a minute after all
/// other tests, script/soak 30 minutes. The first fifth of the time, at most a minute, is quiet: the same clients call
/// the good functions only, and no process is killed. In the long run, later calls of good functions are compared with
/// the times of the quiet part.
@Suite struct SoakTests {
    private static let seconds = ProcessInfo.processInfo.environment["SOAK_SECONDS"].flatMap(Double.init)

    private struct Kind: Sendable {
        let name: String
        let request: InvocationRequest
        /// Whether it must answer with its event in all circumstances.
        let isGood: Bool
    }

    private static func js(_ name: String, _ body: String, isGood: Bool = false) -> Kind {
        Kind(
            name: name,
            request: InvocationRequest(
                languageID: "js", sourceCode: "exports.handler = async e => { \(body) } // \(name)"),
            isGood: isGood)
    }

    private static func python(_ name: String, _ body: String, isGood: Bool = false) -> Kind {
        Kind(
            name: name,
            request: InvocationRequest(
                languageID: "python", sourceCode: "import os, time, ctypes\n# \(name)\ndef handler(e):\n  \(body)"),
            isGood: isGood)
    }

    private static let kinds = [
        js("good", "return e", isGood: true), python("good", "return e", isGood: true),
        js("slow", "await new Promise(done => setTimeout(done, 50)); return e", isGood: true),
        python("slow", "time.sleep(0.05); return e", isGood: true),
        js("loops", "while (true) {}"), python("loops", "while True: pass"),
        js("leaks", "globalThis.kept = []; while (true) kept.push(new Array(10000).fill(e))"),
        python("leaks", "kept = []\n  while True: kept.append(bytearray(1 << 20))"),
        js("throws", "throw new Error('no')"), python("crashes", "ctypes.string_at(0)"), python("exits", "os._exit(1)"),
        python("is ended", "ctypes.CDLL(None).ptrace(0, 0, 0, 0)"),
        // Limits that the kernel keeps for all processes of a user together, and memory that no limit counts.
        python(
            "sends descriptors",
            "import array, socket\n  kept = []\n  for i in range(4):\n    kept += socket.socketpair()\n"
                + "    kept[-1].sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0] * 100))])"),
        python("shares memory", "import mmap\n  m = mmap.mmap(-1, 600 << 20)\n  m.write(bytes(600 << 20))"),
        python(
            "has many threads",
            "import threading\n  threading.stack_size(65536)\n  for i in range(1000):\n"
                + "    threading.Thread(target=time.sleep, args=(1,), daemon=True).start()"),
        python(
            "forges its answer",
            "import struct\n  os.write(3, struct.pack('<IB', 8, 19) + b'\"forged\"' + struct.pack('<IB', 0, 16))\n"
                + "  while True: pass"),
        python("forges log lines", "while True: os.write(3, b'\\x01\\0\\0\\0\\x12\\x01' * 1000)"),
        python("logs", "while True: print()"), js("logs", "while (true) console.log('')"),
        Kind(
            name: "forks while it loads",
            request: InvocationRequest(
                languageID: "python", sourceCode: "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"),
            isGood: false),
    ]

    /// The kinds that this run calls: the good ones, and the hostile ones that `SOAK_HOSTILE` names (default: all).
    private static let calledKinds: [Kind] = {
        guard let names = ProcessInfo.processInfo.environment["SOAK_HOSTILE"] else { return kinds }
        let chosen = Set(names.split(separator: ",").map(String.init))
        return kinds.filter { $0.isGood || chosen.contains($0.name) }
    }()

    /// The counts that all clients add to.
    private final class Tally: Sendable {
        private let state = Mutex(Counts())

        func withLock<Value: Sendable>(_ body: (inout sending Counts) -> sending Value) -> Value {
            state.withLock(body)
        }
    }

    private struct Counts: Sendable {
        var answers: [String: Int] = [:]
        var wrong: [String] = []
        var quietTimes = Times()
        var goodTimes = Times()
    }

    /// Resources of this process that must be the same at the end as at the start.
    private struct Footprint: CustomStringConvertible {
        let descriptors: Int
        let processes: Int
        let megabytes: Int

        init() throws {
            descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
            processes = ProcessTable.children(of: getpid()).count(where: \.isRunning)
            let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
            megabytes = (Int(fields[1]) ?? 0) * Int(getpagesize()) / 1_048_576
        }

        var description: String { "\(descriptors) descriptors, \(processes) child processes, \(megabytes) MB" }
    }

    @Test(.enabled(if: seconds != nil))
    func `Every call has one outcome, right or clearly failed, whoever is killed, and nothing is left`() async throws {
        let seconds = try #require(Self.seconds)
        // The process starts some things once and keeps them: this makes it start them before the first measurement.
        try await Stage.with(.full, isOneWorkerEnough: false) { stage in
            for kind in Self.kinds where kind.isGood { _ = try await stage.runtime.invoke(kind.request) }
        }
        let before = try Footprint()
        let tally = Tally()
        let left: [ProcessEntry] = try await Stage.with(.full, isOneWorkerEnough: false) { stage in
            let quietEnd = ContinuousClock.now + .seconds(min(60, seconds / 5))
            let end = ContinuousClock.now + .seconds(seconds)
            await withTaskGroup(of: Void.self) { group in
                for client in 0..<12 {
                    group.addTask {
                        var number = client * 100_000_000
                        while ContinuousClock.now < end {
                            number += 1
                            let isQuiet = ContinuousClock.now < quietEnd
                            let kind = Self.calledKinds[(client + number) % Self.calledKinds.count]
                            if kind.isGood || !isQuiet { await Self.call(kind, number, isQuiet, stage.runtime, tally) }
                        }
                    }
                }
                // These clients call only fast functions, so they never wait for a slow one's answer.
                for client in 12..<16 {
                    group.addTask {
                        var number = client * 100_000_000
                        while ContinuousClock.now < end {
                            number += 1
                            await Self.call(
                                Self.kinds[client % 2], number, ContinuousClock.now < quietEnd, stage.runtime, tally)
                        }
                    }
                }
                group.addTask {
                    try? await Task.sleep(until: quietEnd)
                    var generator = SeededGenerator(seed: 7)
                    // Stops early, so that the host has noticed the last killed process before the clients end.
                    while ContinuousClock.now < end - .seconds(2) {
                        try? await Task.sleep(for: .seconds(1))
                        stage.processes.randomElement(using: &generator)?.kill()
                    }
                }
            }
            // All good functions must still work.
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
        let (quiet, good) = (result.quietTimes, result.goodTimes)
        print("SOAK \(result.answers.sorted { $0.key < $1.key }); good calls: \(good), while it was quiet: \(quiet)")
        #expect(result.wrong.isEmpty, "\(result.wrong.prefix(10))")
        let answers = result.answers.filter { $0.key.hasPrefix("good") || $0.key.hasPrefix("slow") }
        let right = answers.filter { $0.key.hasSuffix("right") }.values.reduce(0, +)
        #expect(
            right * 10 > answers.values.reduce(0, +) * 8,
            "most good calls are answered although their processes are killed: \(answers)")
        // A minute has too few calls for a p99 on a machine that does other work too.
        if seconds >= 1800 { #expect(good.p99 <= 3 * quiet.p99, "good calls: \(good), while it was quiet: \(quiet)") }
        // Event loops close descriptors a moment later.
        try? await waitUntil("all descriptors are closed") { try Footprint().descriptors <= before.descriptors }
        let after = try Footprint()
        print("SOAK before: \(before); after: \(after)")
        #expect(after.descriptors <= before.descriptors + 4, "before: \(before); after: \(after)")
        #expect(after.processes <= before.processes, "before: \(before); after: \(after)")
        // The allocator keeps some of the memory of the busiest moment, and this test keeps its times.
        #expect(after.megabytes <= before.megabytes + 64, "before: \(before); after: \(after)")
    }

    /// A histogram of durations: each step of the scale is 2 % longer than the one before.
    private struct Times: CustomStringConvertible, Sendable {
        private var counts = [Int](repeating: 0, count: 1000)

        mutating func add(_ millis: Double) {
            counts[max(0, min(counts.count - 1, Int(log(millis * 1000) / log(1.02))))] += 1
        }

        private func quantile(_ share: Double) -> Double {
            var rest = Int(Double(counts.reduce(0, +)) * share)
            let step = counts.firstIndex { count in
                rest -= count
                return rest < 0
            }
            return pow(1.02, Double(step ?? 0)) / 1000
        }

        var p99: Double { quantile(0.99) }

        var description: String { "median \(quantile(0.5)) ms, p99 \(p99) ms" }
    }

    private static func call(_ kind: Kind, _ number: Int, _ isQuiet: Bool, _ runtime: FunctionRuntime, _ tally: Tally)
        async
    {
        var request = kind.request
        request.event = Array("\(number)".utf8)
        request.timeoutMillis = kind.isGood ? 5000 : 300
        let start = ContinuousClock.now
        var outcome: String
        var isWrong = false
        do {
            let value = try await runtime.invoke(request).value
            isWrong =
                kind.name == "forges its answer" ? value != "forged" : !kind.isGood || value != .integer(Int64(number))
            outcome = "right"
        } catch {
            outcome = (error as? any FunctionError)?.errorType ?? "\(type(of: error))"
        }
        let millis = (ContinuousClock.now - start) / .milliseconds(1)
        tally.withLock { counts in
            counts.answers["\(isQuiet ? "quiet " : "")\(kind.name): \(outcome)", default: 0] += 1
            if isWrong { counts.wrong.append("\(kind.name) \(number)") }
            guard kind.name == "good" else { return }
            if isQuiet { counts.quietTimes.add(millis) } else { counts.goodTimes.add(millis) }
        }
    }
}
