import FunctionModel
import PolyglotFaaS
import SystemCalls
import TestSupport
import Testing

/// Workers stay off the host's processors, in the running system.
@Suite struct HostProcessorsTests {
    private static let hasSeveral = (ProcessorSet(of: 0)?.numbers.count ?? 0) > 1

    @Test(.enabled(if: hasSeveral, "this machine has one processor"), arguments: [SandboxMode.bestEffort, .off])
    func `Short calls leave a processor to the busy host, a long call may use all`(sandbox: SandboxMode) async throws {
        let numbers = try #require(ProcessorSet(of: 0)).numbers
        // It runs until it may use fewer processors than at first, or all, and for a while at most.
        let source = """
            import os, time
            def handler(event):
              start = time.monotonic()
              while (len(os.sched_getaffinity(0)) == event[0]) != event[1] and time.monotonic() - start < event[2]: pass
              return sorted(os.sched_getaffinity(0))
            """
        let all = JSONValue.array(numbers.map { .integer(Int64($0)) })
        let count = JSONValue.integer(Int64(numbers.count))
        try await withRuntime {
            ($0.maximumWorkersPerFunction, $0.sandbox) = (1, sandbox)
        } _: { runtime in
            // This process is the host, and busy.
            let busy = Task.detached { while !Task.isCancelled { await Task.yield() } }
            defer { busy.cancel() }
            let end = ContinuousClock.now + .seconds(20)
            var seen = all
            while seen == all, ContinuousClock.now < end {
                seen = try await runtime.value(.python(source, .array([count, false, 0.05])))
            }
            guard case .array(let left) = seen else {
                Issue.record("not a list: \(seen)")
                return
            }
            #expect(left.count < numbers.count && left.count >= (numbers.count + 1) / 2)
            try await #expect(
                runtime.value(.python(source, .array([count, true, 10]), timeoutMillis: 60_000)) == all)
            #expect(runtime.retiredWorkerCount == 0)
        }
    }
}
