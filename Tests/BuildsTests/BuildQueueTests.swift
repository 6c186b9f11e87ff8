import Foundation
import FunctionModel
import HostMemory
import Synchronization
import TestSupport
import Testing

@testable import Builds

@Suite struct BuildQueueTests {
    @Test func `Jobs run in order, at most two at a time`() {
        var queue = BuildQueueState<Int>(limits: BuildQueueLimits(threads: 2, waiting: 10, bytes: 100))
        #expect(queue.add(1, bytes: 1, isLong: false) == .startThread)
        #expect(queue.add(2, bytes: 1, isLong: false) == .startThread)
        #expect(queue.add(3, bytes: 1, isLong: false) == .queued)
        let first = queue.next(after: nil)
        let second = queue.next(after: nil)
        #expect(first?.work == 1 && second?.work == 2)
        let third = queue.next(after: second)
        #expect(third?.work == 3)
        #expect(queue.next(after: first) == nil)
        #expect(queue.next(after: third) == nil)
        #expect(queue.add(4, bytes: 1, isLong: false) == .startThread, "threads end without jobs")
    }

    @Test func `A full queue refuses, by jobs and by bytes, and recovers`() {
        var queue = BuildQueueState<Int>(limits: BuildQueueLimits(threads: 1, waiting: 2, bytes: 100))
        #expect(queue.add(1, bytes: 500, isLong: false) == .startThread, "a large job runs alone")
        #expect(queue.add(2, bytes: 1, isLong: false) == .refused)
        let first = queue.next(after: nil)
        #expect(queue.next(after: first) == nil)
        #expect(queue.add(1, bytes: 50, isLong: false) == .startThread)
        #expect(queue.add(2, bytes: 51, isLong: false) == .refused)
        #expect(queue.add(3, bytes: 50, isLong: false) == .queued)
        #expect(queue.add(4, bytes: 0, isLong: false) == .refused, "two wait")
    }

    @Test func `One thread is always left for short jobs`() {
        var queue = BuildQueueState<Int>(limits: BuildQueueLimits(threads: 2, waiting: 10, bytes: 100))
        #expect(queue.add(1, bytes: 0, isLong: true) == .startThread)
        let long = queue.next(after: nil)
        #expect(queue.add(2, bytes: 0, isLong: true) == .queued)
        #expect(queue.add(3, bytes: 0, isLong: false) == .startThread)
        let short = queue.next(after: nil)
        #expect(short?.work == 3, "it overtakes the long one")
        #expect(queue.next(after: short) == nil)
        #expect(queue.next(after: long)?.work == 2)
    }

    @Test func `What waits is reserved from the host's memory, and released when it has run`() async throws {
        let memory = ByteBudget(limit: 100)
        let queue = BuildQueue()
        queue.draw(from: memory)
        let gate = DispatchSemaphore(value: 0)
        let opened = Mutex(0)
        for _ in 0..<2 {
            #expect(
                queue.submit(bytes: 50) {
                    gate.wait()
                    opened.withLock { $0 += 1 }
                })
        }
        #expect(memory.used == 100)
        await #expect(throws: Overloaded("Too many calls are waiting for a build. Try again later.")) {
            try await queue.run(bytes: 1) {}
        }
        gate.signal()
        gate.signal()
        try await waitUntil("both have run") { opened.withLock { $0 } == 2 && memory.used == 0 }
        try await #expect(queue.run(bytes: 100) { "result" } == "result")
    }
}
