import Foundation
import FunctionModel
import PolyglotFaaS
import SystemCalls
import TestSupport
import Testing

/// Functions that wait have more workers than there are processors, and functions that compute have not.
@Suite(.serialized) struct WaitingTests {
    private static let processors = ProcessInfo.processInfo.activeProcessorCount

    /// Makes so many calls at once.
    /// - Returns: how often each outcome came, and the most workers that there were at a time.
    private static func call(_ runtime: FunctionRuntime, _ count: Int, _ request: InvocationRequest) async -> (
        outcomes: [String: Int], workers: Int
    ) {
        let watch = Task {
            var most = 0
            while !Task.isCancelled {
                most = max(most, runtime.workerCount)
                try? await Task.sleep(for: .milliseconds(2))
            }
            return most
        }
        let outcomes = await withTaskGroup(of: String.self) { group in
            for _ in 0..<count { group.addTask { await runtime.outcome(of: request) } }
            return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
        watch.cancel()
        return (outcomes, await watch.value)
    }

    @Test(arguments: [
        InvocationRequest.js(
            "exports.handler = async e => { await new Promise(done => setTimeout(done, e)); return e }", 1500),
        .python("import time\ndef handler(e):\n  time.sleep(e / 1000)\n  return e", 1500),
        .python("import asyncio\nasync def handler(e):\n  await asyncio.sleep(e / 1000)\n  return e", 1500),
    ]) func `Calls that wait have a worker each, with the default options`(request: InvocationRequest) async throws {
        try await withRuntime { runtime in
            var request = request
            request.timeoutMillis = 60_000
            let (outcomes, workers) = await Self.call(runtime, 60, request)
            #expect(outcomes == ["result": 60])
            // A slow machine has not started the last of them when the first ones are done.
            #expect(workers > min(30, 3 * Self.processors), "\(workers)")
        }
    }

    @Test(arguments: [
        InvocationRequest.js("exports.handler = e => { const end = Date.now() + e; while (Date.now() < end) {} }", 30),
        .python("import time\ndef handler(e):\n  end = time.time() + e / 1000\n  while time.time() < end: pass", 30),
    ]) func `Calls that compute have a worker for each processor, however many there are`(request: InvocationRequest)
        async throws
    {
        for isolation in [Isolation.invocation, .process] {
            try await withRuntime { runtime in
                var request = request
                (request.timeoutMillis, request.isolation) = (60_000, isolation)
                let (outcomes, workers) = await Self.call(runtime, 60, request)
                #expect(outcomes == ["result": 60])
                #expect(workers <= Self.processors, "\(isolation)")
            }
        }
    }

    @Test func `A function that only sleeps leaves half of the workers to others`() async throws {
        try await withRuntime {
            $0.maximumWorkers = 4 * Self.processors
        } _: { runtime in
            var sleep = InvocationRequest.python("import time\ndef handler(e): time.sleep(60)", timeoutMillis: 60_000)
            sleep.limits.maxConcurrency = 10_000
            let sleepers = (0..<(8 * Self.processors)).map { _ in
                Task { [sleep] in await runtime.outcome(of: sleep) }
            }
            try await waitUntil("it has all that it may have", within: .seconds(60)) {
                runtime.workerCount == 2 * Self.processors
            }
            // Others have all of theirs at once, which would not end before the sleepers do.
            for number in 0..<Self.processors {
                let others = (0..<2).map { _ in
                    let source = "import time\ndef handler(e):\n  time.sleep(e)\n  return e # \(number)"
                    return Task { await runtime.outcome(of: .python(source, 0.2, timeoutMillis: 40_000)) }
                }
                for other in others { #expect(await other.value == "result") }
            }
            for sleeper in sleepers { sleeper.cancel() }
            for sleeper in sleepers { _ = await sleeper.value }
        }
    }

    // MARK: Memory

    /// Private memory of all workers of this process, in MB.
    private static func memory() -> Int {
        ProcessTable.descendants(of: getpid()).filter(\.isWorkerExecutable).reduce(0) { sum, process in
            let fields = (ProcessTable.text("/proc/\(process.pid)/statm") ?? "").split(separator: " ").map {
                Int($0) ?? 0
            }
            return sum + (fields.count > 2 ? ((fields[1] - fields[2]) * Int(getpagesize())) >> 20 : 0)
        }
    }

    private static let limit = 4 << 30

    @Test(.enabled(if: MachineMemory.available() > 2 * limit, "it needs 8 GB of memory"))
    func `Where 200 workers grow at once, some end with a reason, and the host and others go on`() async throws {
        try await withRuntime {
            $0.memoryShare = Double(Self.limit) / Double(MachineMemory.available())
            $0.maximumWorkersPerFunction = 200
            ($0.maximumWorkers, $0.maximumWaitingPerFunction) = (210, 250)
        } _: { runtime in
            // All sleep until the same moment, and then each wants 60 MB: 12 GB, and 2 is what they may have of 4.
            let source = """
                import time
                def handler(start):
                    time.sleep(max(0, start - time.time()))
                    kept = []
                    for _ in range(60):
                        kept.append(bytearray(b'x') * (1 << 20))
                        time.sleep(0.01)
                    return len(kept)
                """
            let start = Date().timeIntervalSince1970 + 12
            let request = InvocationRequest.python(source, .number(start), timeoutMillis: 120_000)
            let calls = Task { await Self.call(runtime, 200, request) }
            let sampling = Task {
                var most = 0
                while !Task.isCancelled {
                    most = max(most, Self.memory())
                    try? await Task.sleep(for: .milliseconds(20))
                }
                return most
            }
            // Others are called all the time, functions with a worker and new ones.
            let good = Task {
                var others: [String: Int] = [:]
                var number = 0
                while !Task.isCancelled {
                    number += 1
                    let source = "def handler(e): return e # \(number % 4 == 0 ? number : 0)"
                    let outcome = await runtime.outcome(of: .python(source, timeoutMillis: 60_000))
                    // The last one is cancelled.
                    if !Task.isCancelled { others[outcome, default: 0] += 1 }
                    try? await Task.sleep(for: .milliseconds(50))
                }
                return others
            }
            let (outcomes, workers) = await calls.value
            good.cancel()
            sampling.cancel()
            let others = await good.value
            let most = await sampling.value
            print("WAITING \(workers) workers, at most \(most) MB, \(outcomes), others \(others)")
            #expect(workers > 100)
            #expect(outcomes["result", default: 0] > 0 && outcomes["Overloaded", default: 0] > 0)
            #expect(Set(outcomes.keys) == ["result", "Overloaded"])
            #expect(others.keys.allSatisfy { $0 == "result" }, "\(others)")
            // What grows between two looks, and the workers of other tests.
            #expect(most < Self.limit >> 21 + 1000, "\(most)")
            #expect(runtime.evictions.invocations == outcomes["Overloaded"])
        }
    }
}
