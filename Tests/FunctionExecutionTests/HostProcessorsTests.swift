import SystemCalls
import Testing

@testable import FunctionExecution

@Suite struct HostProcessorsTests {
    /// How many processors are the host's after it used so many percent of one from each look to the next.
    private static func counts(_ percents: [Int64], of processors: Int, interval: Int64 = 50_000_000) -> [Int] {
        var host = HostProcessors(all: ProcessorSet(Array(0..<processors)))
        var (now, used) = (Int64(1_000_000_000), Int64(7_000_000))
        host.look(now: now, used: used)
        return percents.map { percent in
            (now, used) = (now + interval, used + interval * percent / 100)
            host.look(now: now, used: used)
            return host.count
        }
    }

    @Test func `A host that uses most of a processor gets one, until it uses little of it`() {
        #expect(Self.counts([10, 60, 61, 100, 120], of: 2) == [0, 0, 1, 1, 1])
        #expect(Self.counts([61, 46, 45, 44, 46, 60, 70], of: 2) == [1, 1, 1, 0, 0, 0, 1])
    }

    @Test func `A host that uses several processors gets as many, at most half of all`() {
        #expect(Self.counts([100, 170, 270, 900, 900], of: 8) == [1, 2, 3, 4, 4])
        #expect(Self.counts([400, 250, 100, 10], of: 8) == [4, 3, 1, 0])
        #expect(Self.counts([400, 400], of: 3) == [1, 1])
    }

    @Test func `A host with one processor, or with an unknown number, gets none`() {
        #expect(Self.counts([100, 100], of: 1) == [0, 0])
        #expect(Self.counts([100, 100], of: 0) == [0, 0])
    }

    @Test func `The host is measured over 50 ms, not from look to look`() {
        #expect(Self.counts([100, 100, 100, 100, 100, 100], of: 2, interval: 10_000_000) == [0, 0, 0, 0, 1, 1])
        #expect(Self.counts([100, 0, 100, 0, 100, 0], of: 2, interval: 10_000_000) == [0, 0, 0, 0, 0, 0])
    }

    @Test func `Workers keep the processors with the highest numbers`() {
        let host = HostProcessors(all: ProcessorSet([70, 9, 11]))
        #expect(host.ofWorkers(leaving: 1) == ProcessorSet([11, 70]))
        #expect(host.ofWorkers(leaving: 0) == ProcessorSet([9, 11, 70]))
    }

    @Test func `A set of processors is the numbers that it was made of`() {
        #expect(ProcessorSet([1000, 3, 64, 0]).numbers == [0, 3, 64, 1000])
        #expect(ProcessorSet([-1, 5000]).numbers == [])
        #expect(ProcessorSet(of: 0)?.numbers.isEmpty == false)
    }
}
