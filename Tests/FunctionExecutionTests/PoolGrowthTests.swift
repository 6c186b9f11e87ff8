import Testing

@testable import FunctionExecution

/// More workers for functions that wait, memory that is used up, and workers that are kept ready.
@Suite struct PoolGrowthTests {
    /// A pool with two processors whose function "a" has one busy worker for each, and so many calls that wait.
    private static func waiting(_ count: Int, perFunction: Int = 100, share: Int = 2, workers: Int = 100) -> Pool {
        var pool = makePool(
            perFunction: perFunction, processors: 2, share: share, workers: workers, waitingPerFunction: 300,
            waiting: 300, starting: 8)
        for waiter in 1...UInt64(count + 2) { _ = pool.add(waiter, for: "a") }
        for worker in UInt64(1)...2 { _ = pool.workerIsReady(worker, now: 0) }
        return pool
    }

    /// The watch sees the same again and again, and each worker that starts gets ready.
    private static func look(_ pool: inout Pool, _ looks: Int, asleep: Bool) {
        for _ in 0..<looks {
            let busy = pool.workerCount - pool.idleCount - pool.startingCount
            var new = pool.saw("a", computed: asleep ? 0 : Int64(busy), slept: asleep ? Int64(busy) : 0, now: 0)
            while !new.isEmpty {
                let started = new.compactMap { if case .start(let id, _) = $0 { id } else { nil } }
                new = started.flatMap { pool.workerIsReady($0, now: 0) }
            }
        }
    }

    @Test func `A function that computes has a worker for each processor, however many calls wait`() {
        var pool = Self.waiting(50)
        Self.look(&pool, 100, asleep: false)
        #expect(pool.workerCount == 2 && pool.waitingCount == 50)
    }

    @Test func `A function that sleeps gets a worker for each call that waits`() {
        var pool = Self.waiting(50, workers: 200)
        Self.look(&pool, 100, asleep: true)
        #expect(pool.workerCount == 52 && pool.waitingCount == 0)
    }

    @Test func `Its own limit holds`() {
        var pool = Self.waiting(50, perFunction: 10, workers: 200)
        Self.look(&pool, 100, asleep: true)
        #expect(pool.workerCount == 10 && pool.waitingCount == 42)
    }

    @Test func `It leaves as many workers free as it has, and each further one as many as are left`() {
        var pool = Self.waiting(200, perFunction: 100, workers: 100)
        Self.look(&pool, 100, asleep: true)
        #expect(pool.workerCount == 50)
        // The operator may allow a function more.
        pool = Self.waiting(200, perFunction: 80, share: 80, workers: 100)
        Self.look(&pool, 100, asleep: true)
        #expect(pool.workerCount == 80)
    }

    @Test func `Another function has its workers beside one that sleeps`() {
        var pool = Self.waiting(200, perFunction: 100, workers: 100)
        Self.look(&pool, 100, asleep: true)
        for waiter in UInt64(1000)...1001 {
            guard case .start(let worker, "b")? = pool.add(waiter, for: "b").first else {
                Issue.record("no worker starts")
                return
            }
            #expect(pool.workerIsReady(worker, now: 0) == [.run(waiter, on: worker)])
        }
    }

    @Test func `It leaves as much memory as it has`() {
        var pool = makePool(
            perFunction: 100, processors: 2, share: 2, workers: 100, waitingPerFunction: 300, waiting: 300, starting: 8,
            memory: 400 << 20
        ) { _ in .init(memory: FunctionMemory(most: 100 << 20)) }
        for waiter in UInt64(1)...102 { _ = pool.add(waiter, for: "a") }
        for worker in UInt64(1)...2 { _ = pool.workerIsReady(worker, loadedBytes: 6 << 20, now: 0) }
        for _ in 0..<100 {
            for case .start(let id, _) in pool.saw("a", computed: 0, slept: 2, now: 0) {
                _ = pool.workerIsReady(id, loadedBytes: 6 << 20, now: 0)
                _ = pool.saw(id, privateBytes: 10 << 20)
            }
        }
        #expect(pool.workerCount > 10)
        #expect(pool.promisedMemory <= 210 << 20, "\(pool.promisedMemory >> 20)")
        let next = UInt64(pool.workerCount) + 1
        #expect(pool.add(1000, for: "b") == [.start(next, "b")])
    }

    @Test func `Where calls begin to compute, no more run at once than help, and none is lost`() {
        var pool = Self.waiting(18, workers: 200)
        Self.look(&pool, 100, asleep: true)
        #expect(pool.workerCount == 20 && pool.waitingCount == 0)
        for waiter in UInt64(100)..<150 { _ = pool.add(waiter, for: "a") }
        for _ in 0..<50 { _ = pool.saw("a", computed: 20, slept: 0, now: 0) }
        // Each worker ends its call. All but two of them become idle although calls wait.
        var running: Set<UInt64> = []
        for worker in UInt64(1)...20 {
            for action in pool.workerIsReady(worker, now: 1) {
                if case .run(_, let other) = action { running.insert(other) }
            }
        }
        #expect(running.count == 2 && pool.idleCount == 18 && pool.waitingCount == 48)
        // Those two serve all of the others, one after the other.
        var served = 2
        while let worker = running.popFirst() {
            for case .run(_, let other) in pool.workerIsReady(worker, now: 2) {
                served += 1
                running.insert(other)
            }
            #expect(running.count <= 2)
        }
        #expect(served == 50 && pool.waitingCount == 0 && pool.idleCount == 20)
    }

    @Test func `A call that waits beside idle workers runs when a busy one ends, and when calls sleep again`() {
        var pool = Self.waiting(2, workers: 200)
        Self.look(&pool, 100, asleep: true)
        #expect(pool.workerCount == 4)
        for _ in 0..<50 { _ = pool.saw("a", computed: 4, slept: 0, now: 0) }
        for worker in UInt64(3)...4 { _ = pool.workerIsReady(worker, now: 1) }
        #expect(pool.add(10, for: "a") == [] && pool.idleCount == 2)
        #expect(pool.workerEnded(1).actions == [.run(10, on: 4)])
        #expect(pool.add(11, for: "a") == [])
        #expect(pool.add(12, for: "a") == [])
        var actions: [Pool.Action] = []
        for _ in 0..<50 where actions.isEmpty { actions = pool.saw("a", computed: 0, slept: 2, now: 2) }
        #expect(actions.first == .run(11, on: 3))
    }

    // MARK: Memory

    /// A pool with 100 MiB whose function "a" has three busy workers of 10 each and "b" has one. Either may use 30.
    private static func crowded() -> Pool {
        var pool = makePool(perFunction: 3, workers: 9, waitingPerFunction: 9, waiting: 9, memory: 100 << 20) { _ in
            .init(memory: FunctionMemory(most: 30 << 20))
        }
        for (worker, function) in [(UInt64(1), "a"), (2, "a"), (3, "a"), (4, "b")] {
            _ = pool.add(worker, for: function)
            _ = pool.workerIsReady(worker, loadedBytes: 5 << 20, now: 0)
            _ = pool.saw(worker, privateBytes: 10 << 20)
        }
        return pool
    }

    @Test func `If more memory is used than there is, the largest worker of the function that uses the most ends`() {
        var pool = Self.crowded()
        #expect(pool.usedMemory == 40 << 20)
        // All grow at once.
        #expect(pool.saw(1, privateBytes: 20 << 20) == [])
        #expect(pool.saw(4, privateBytes: 29 << 20) == [])
        #expect(pool.saw(2, privateBytes: 25 << 20) == [])
        #expect(pool.usedMemory == 84 << 20)
        #expect(pool.saw(3, privateBytes: 27 << 20) == [.endForMemory(3)])
        #expect(pool.usedMemory == 74 << 20 && pool.memoryEndCount == 1)
        // What it sends while it is being ended changes nothing, and its end is no failure of its function.
        #expect(pool.saw(3, privateBytes: 40 << 20) == [])
        _ = pool.workerEnded(3, failure: "it was ended")
        #expect(!pool.isSuspect("a"))
    }

    @Test func `A function that has one large worker is spared as long as another has more than one worker may use`() {
        var pool = makePool(perFunction: 9, workers: 20, waitingPerFunction: 9, waiting: 20, memory: 200 << 20) {
            .init(memory: FunctionMemory(most: ($0 == "large" ? 150 : 20) << 20))
        }
        _ = pool.add(1, for: "large")
        _ = pool.workerIsReady(1, loadedBytes: 5 << 20, now: 0)
        for worker in UInt64(2)...6 {
            _ = pool.add(worker, for: "many")
            _ = pool.workerIsReady(worker, loadedBytes: 5 << 20, now: 0)
            #expect(pool.saw(worker, privateBytes: 15 << 20) == [])
        }
        #expect(pool.saw(1, privateBytes: 130 << 20) == [.endForMemory(6)])
    }

    @Test func `Idle workers end before any call does`() {
        var pool = Self.crowded()
        _ = pool.workerIsReady(4, now: 1)
        var actions: [Pool.Action] = []
        for worker in UInt64(1)...3 { actions += pool.saw(worker, privateBytes: 36 << 20) }
        #expect(actions == [.end(4), .endForMemory(3)])
    }

    // MARK: Workers that are kept ready

    private static func warm(_ minimum: Int = 2, workers: Int = 9, starting: Int = 8, memory: Int = 1000) -> Pool {
        makePool(
            perFunction: 4, workers: workers, waitingPerFunction: 9, waiting: 9, idleTimeout: 30, starting: starting,
            memory: memory << 20, maximumPause: 1_000_000_000
        ) { .init(memory: FunctionMemory(most: 50 << 20), minimumWorkers: $0 == "warm" ? minimum : 0) }
    }

    @Test func `Workers that are to be ready start without a call, and do not end for want of one`() {
        var pool = Self.warm()
        #expect(pool.keepReady(["warm", "cold"], now: 0) == [.start(1, "warm"), .start(2, "warm")])
        for worker in UInt64(1)...2 { #expect(pool.workerIsReady(worker, now: 0) == []) }
        #expect(pool.keepHouse(now: 1000) == [])
        #expect(pool.add(1, for: "warm") == [.run(1, on: 2)])
        // A third one ends when it has been idle for long.
        _ = pool.add(2, for: "warm")
        #expect(pool.add(3, for: "warm") == [.start(3, "warm")])
        _ = pool.workerIsReady(3, now: 1001)
        for worker in UInt64(1)...3 { _ = pool.workerIsReady(worker, now: 1002) }
        #expect(pool.keepHouse(now: 1031) == [])
        #expect(pool.keepHouse(now: 1032) == [.end(1)])
        #expect(pool.keepHouse(now: 5000) == [])
    }

    @Test func `One that ends is replaced, also if no call waits`() {
        var pool = Self.warm(1)
        _ = pool.keepReady(["warm"], now: 0)
        _ = pool.workerIsReady(1, now: 0)
        #expect(pool.workerEnded(1).actions == [])
        #expect(pool.keepHouse(now: 1) == [.start(2, "warm")])
    }

    @Test func `A function that does not load is tried again, less and less often`() {
        var pool = Self.warm(1)
        #expect(pool.keepReady(["warm"], now: 0) == [.start(1, "warm")])
        var starts = 0
        for now in 0..<600 {
            let time = Int64(now) * 10_000_000
            let started = pool.workerCount
            if started > 0 {
                let worker = UInt64(starts + 1)
                #expect(pool.loadFailed(worker, now: time) == [])
                _ = pool.workerEnded(worker, failure: "it does not load", now: time)
                starts += 1
            }
            _ = pool.keepHouse(now: time)
        }
        // Six seconds: 5 at once, then after 0.1, 0.2, 0.4, 0.8, and each second.
        #expect(starts > 8 && starts < 16, "\(starts)")
    }

    @Test func `Another revision takes the place of the one before`() {
        var pool = makePool(perFunction: 4, idleTimeout: 30) { _ in .init(minimumWorkers: 1) }
        _ = pool.keepReady(["one"], now: 0)
        _ = pool.workerIsReady(1, now: 0)
        #expect(pool.keepReady(["two"], now: 1) == [.start(2, "two")])
        _ = pool.workerIsReady(2, now: 2)
        #expect(pool.keepHouse(now: 31) == [.end(1)])
        #expect(pool.keepHouse(now: 500) == [])
    }

    @Test func `Others that need the place of a ready worker get it last, and it comes back later`() {
        var pool = Self.warm(1, workers: 2)
        _ = pool.keepReady(["warm"], now: 0)
        _ = pool.workerIsReady(1, now: 0)
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(2, now: 1)
        _ = pool.workerIsReady(2, now: 2)
        // The one of "a" was used later.
        #expect(pool.add(2, for: "b") == [.end(2)])
        #expect(pool.workerEnded(2).actions == [.start(3, "b")])
        _ = pool.workerIsReady(3, now: 3)
        #expect(pool.evictedReadyCount == 0)
        #expect(pool.add(3, for: "c") == [.end(1)])
        #expect(pool.evictedReadyCount == 1)
        #expect(pool.workerEnded(1).actions == [.start(4, "c")])
        _ = pool.workerIsReady(4, now: 4)
        for worker in UInt64(3)...4 { _ = pool.workerIsReady(worker, now: 5) }
        // The others end, and it starts again after a pause.
        #expect(pool.keepHouse(now: 100).count == 2 && pool.idleCount == 0)
        for worker in UInt64(3)...4 { _ = pool.workerEnded(worker) }
        #expect(pool.keepHouse(now: 200) == [])
        #expect(pool.keepHouse(now: 10_000_000_200) == [.start(5, "warm")])
    }

    @Test func `No memory is taken from others to have a worker ready`() {
        var pool = Self.warm(1, memory: 100)
        _ = pool.add(1, for: "a")
        _ = pool.add(2, for: "b")
        #expect(pool.keepReady(["warm"], now: 0) == [])
        #expect(pool.functionCount == 2)
        _ = pool.workerEnded(1)
        #expect(pool.keepHouse(now: 1) == [.start(3, "warm")])
    }

    @Test func `A function's own idle timeout counts`() {
        var pool = makePool(idleTimeout: 30) { .init(idleTimeout: $0 == "long" ? 100 : nil) }
        for (worker, function) in [(UInt64(1), "long"), (2, "usual")] {
            _ = pool.add(worker, for: function)
            _ = pool.workerIsReady(worker, now: 0)
            _ = pool.workerIsReady(worker, now: 0)
        }
        #expect(pool.keepHouse(now: 30) == [.end(2)])
        #expect(pool.keepHouse(now: 99) == [])
        #expect(pool.keepHouse(now: 100) == [.end(1)])
    }
}
