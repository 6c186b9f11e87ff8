import FunctionModel
import Testing

@testable import FunctionExecution
@testable import SystemCalls

@Suite struct HostProcessorTests {
    /// The host uses so many percent of a processor from one look to the next.
    private static func isNeeded(_ percents: [Int64], processors: [Int] = [0, 1], interval: Int64 = 50_000_000)
        -> [Bool]
    {
        var processor = HostProcessor(all: ProcessorSet(processors))
        var (now, used) = (Int64(1_000_000_000), Int64(7_000_000))
        processor.look(now: now, used: used)
        return percents.map { percent in
            (now, used) = (now + interval, used + interval * percent / 100)
            processor.look(now: now, used: used)
            return processor.isNeeded
        }
    }

    @Test func `A host that uses most of a processor gets it for itself, until it uses little of it`() {
        #expect(Self.isNeeded([10, 60, 61, 100, 120]) == [false, false, true, true, true])
        #expect(Self.isNeeded([61, 46, 45, 44, 46, 60, 70]) == [true, true, true, false, false, false, true])
    }

    @Test func `It is looked at over a while, not from moment to moment`() {
        #expect(
            Self.isNeeded([100, 100, 100, 100, 100, 100], interval: 10_000_000) == [
                false, false, false, false, true, true,
            ])
        #expect(
            Self.isNeeded([100, 0, 100, 0, 100, 0], interval: 10_000_000) == [false, false, false, false, false, false])
    }

    @Test func `The second of two processors is the workers', whatever their numbers`() {
        #expect(HostProcessor(all: ProcessorSet([0, 1])).others == ProcessorSet([1]))
        #expect(HostProcessor(all: ProcessorSet([70, 9])).others == ProcessorSet([70]))
    }

    @Test(arguments: [[3], [0, 1, 2], [0, 1, 2, 3]])
    func `With any other number of processors workers run on all`(processors: [Int]) {
        #expect(HostProcessor(all: ProcessorSet(processors)).others == nil)
        #expect(Self.isNeeded([100, 100], processors: processors) == [false, false])
        #expect(HostProcessor(all: nil).others == nil)
    }

    @Test func `A set of processors is the numbers it was made of`() {
        #expect(ProcessorSet([1000, 3, 64, 0]).numbers == [0, 3, 64, 1000])
        #expect(ProcessorSet([-1, 5000]).numbers == [])
        #expect(ProcessorSet(of: 0)?.numbers.isEmpty == false)
    }

    private static let hasTwo = ProcessorSet(of: 0)?.numbers.count == 2

    @Test(.enabled(if: hasTwo, "this machine has not two processors"), arguments: [SandboxMode.bestEffort, .off])
    func `Short calls leave the host a processor while it needs it, a long one may use both`(sandbox: SandboxMode)
        async throws
    {
        let all = try #require(ProcessorSet(of: 0)).numbers
        // Runs until it may use just these, for a while.
        let source = """
            import os, time
            def handler(event):
              start = time.monotonic()
              while sorted(os.sched_getaffinity(0)) != event[0] and time.monotonic() - start < event[1]: pass
              return sorted(os.sched_getaffinity(0))
            """
        let (both, second) = (
            JSONValue.array(all.map { .integer(Int64($0)) }), JSONValue.array([.integer(Int64(all[1]))])
        )
        try await withRuntime {
            ($0.maximumWorkersPerFunction, $0.sandbox) = (1, sandbox)
        } _: { runtime in
            // This process is the host, and busy.
            let busy = Task.detached { while !Task.isCancelled { await Task.yield() } }
            defer { busy.cancel() }
            let end = ContinuousClock.now + .seconds(20)
            var seen = both
            while seen == both, ContinuousClock.now < end {
                seen = try await runtime.value(.python(source, .array([second, 0.05])))
            }
            #expect(seen == second)
            try await #expect(runtime.value(.python(source, .array([both, 10]), timeoutMillis: 60_000)) == both)
            #expect(runtime.retiredWorkerCount == 0)
        }
    }
}
