import Synchronization
import Testing

@testable import FunctionExecution

@Suite struct DeadlinesTests {
    private let width = DeadlineQueue<String>.bucketWidth

    @Test func `What is due is taken out, and nothing else`() {
        var queue = DeadlineQueue<String>()
        _ = queue.add(1, "early", deadline: 10 * width)
        _ = queue.add(2, "late", deadline: 10 * width + 1)
        let before = queue.takeDue(now: 10 * width - 1)
        #expect(before.due.isEmpty && before.mustGoOn)
        let first = queue.takeDue(now: 10 * width)
        #expect(first.due == ["early"] && first.mustGoOn)
        let last = queue.takeDue(now: 20 * width)
        #expect(last.due == ["late"] && !last.mustGoOn)
    }

    @Test func `A removed entry never expires, and removing it twice or from the wrong place is harmless`() {
        var queue = DeadlineQueue<String>()
        _ = queue.add(1, "one", deadline: 5)
        queue.remove(1, deadline: 5 * width)
        #expect(!queue.isEmpty)
        queue.remove(1, deadline: 5)
        queue.remove(1, deadline: 5)
        #expect(queue.isEmpty)
        let due = queue.takeDue(now: .max).due
        #expect(due.isEmpty)
    }

    @Test func `The timer is asked for once, and again after it has found nothing left`() {
        var queue = DeadlineQueue<String>()
        var asked = [queue.add(1, "one", deadline: 1), queue.add(2, "two", deadline: 2)]
        queue.remove(1, deadline: 1)
        queue.remove(2, deadline: 2)
        // It still runs, and has yet to see that it is not needed.
        asked.append(queue.add(3, "three", deadline: 3))
        asked.append(queue.takeDue(now: width).mustGoOn)
        asked.append(queue.add(4, "four", deadline: 4))
        #expect(asked == [true, false, false, false, true])
    }

    @Test func `The farthest deadlines do no harm`() {
        var queue = DeadlineQueue<String>()
        _ = queue.add(1, "far", deadline: .max)
        let due = [queue.takeDue(now: .max - 1).due, queue.takeDue(now: .max).due]
        #expect(due == [[], ["far"]])
    }

    /// Collects what is scheduled, and says what time it is.
    private final class Clock: Sendable {
        private struct State {
            var now: Int64 = 0
            var scheduled: [(at: Int64, body: @Sendable () -> Void)] = []
        }
        private let state = Mutex(State())

        var now: Int64 { state.withLock { $0.now } }
        var scheduledCount: Int { state.withLock { $0.scheduled.count } }

        func schedule(_ delay: Int64, _ body: @escaping @Sendable () -> Void) {
            state.withLock { $0.scheduled.append(($0.now + delay, body)) }
        }

        func advance(by nanoseconds: Int64) {
            let due = state.withLock { state in
                state.now += nanoseconds
                let due = state.scheduled.filter { $0.at <= state.now }
                state.scheduled.removeAll { $0.at <= state.now }
                return due
            }
            for entry in due { entry.body() }
        }
    }

    @Test func `The timer looks again as long as there are deadlines, and then stops`() {
        let clock = Clock()
        let queue = Mutex(DeadlineQueue<String>())
        let expired = Mutex<[String]>([])
        let deadlines = Deadlines(
            schedule: { clock.schedule($0, $1) }, now: { clock.now })
        if queue.withLock({ $0.add(1, "one", deadline: 2 * width) }) {
            deadlines.start { now in
                let (due, mustGoOn) = queue.withLock { $0.takeDue(now: now) }
                expired.withLock { $0 += due }
                return mustGoOn
            }
        }
        clock.advance(by: width)
        #expect(expired.withLock { $0 } == [] && clock.scheduledCount == 1)
        clock.advance(by: width)
        #expect(expired.withLock { $0 } == ["one"] && clock.scheduledCount == 0)
    }
}
