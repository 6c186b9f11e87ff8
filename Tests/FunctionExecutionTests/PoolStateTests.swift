import TestSupport
import Testing

@testable import FunctionExecution

@Suite struct PoolStateTests {
    @Test func `The first invocation starts a worker and runs when it is ready`() {
        var pool = makePool()
        #expect(pool.add(1, for: "a") == [.start(1, "a")])
        #expect(pool.waitingCount == 1)
        #expect(pool.workerIsReady(1, now: 0) == [.run(1, on: 1)])
        #expect(pool.waitingCount == 0)
    }

    @Test func `An idle worker takes the next invocation at once`() {
        var pool = makePool()
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        #expect(pool.workerIsReady(1, now: 1) == [])
        #expect(pool.idleCount == 1)
        #expect(pool.add(2, for: "a") == [.run(2, on: 1)])
        #expect(pool.idleCount == 0)
    }

    @Test func `The most recently used idle worker is used first, so that the others can end`() {
        var pool = makePool()
        _ = pool.add(1, for: "a")
        _ = pool.add(2, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        _ = pool.workerIsReady(2, now: 0)
        _ = pool.workerIsReady(2, now: 1)
        _ = pool.workerIsReady(1, now: 2)
        #expect(pool.add(3, for: "a") == [.run(3, on: 1)])
    }

    @Test func `A worker that is not to serve again ends after its answer, which speaks for its function`() {
        var pool = makePool(perFunction: 1)
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        _ = pool.add(2, for: "a")
        #expect(pool.endAfterAnswer(1) == [.end(1)])
        // It says that it is pristine while it is being ended.
        #expect(pool.workerIsReady(1, now: 1) == [])
        #expect(pool.workerEnded(1).actions == [.start(2, "a")])
        #expect(!pool.isSuspect("a"))
        // Nothing follows for one that is idle or unknown.
        _ = pool.workerIsReady(2, now: 2)
        _ = pool.workerIsReady(2, now: 3)
        #expect(pool.endAfterAnswer(2) == [])
        #expect(pool.endAfterAnswer(7) == [])
    }

    @Test func `Workers are started for those who wait, up to the function's limit`() {
        var pool = makePool(perFunction: 2)
        #expect(pool.add(1, for: "a") == [.start(1, "a")])
        #expect(pool.add(2, for: "a") == [.start(2, "a")])
        #expect(pool.add(3, for: "a") == [])
        #expect(pool.workerIsReady(1, now: 0) == [.run(1, on: 1)])
        #expect(pool.workerIsReady(2, now: 0) == [.run(2, on: 2)])
        #expect(pool.workerIsReady(1, now: 1) == [.run(3, on: 1)])
    }

    @Test func `A full queue of a function rejects the next invocation of it and of no other`() {
        var pool = makePool(waitingPerFunction: 2)
        _ = pool.add(1, for: "a")
        _ = pool.add(2, for: "a")
        #expect(pool.add(3, for: "a") == [.reject(3, .functionQueueFull)])
        #expect(pool.add(4, for: "b") == [.start(3, "b")])
    }

    @Test func `A full host queue rejects whoever comes`() {
        var pool = makePool(waitingPerFunction: 2, waiting: 2)
        _ = pool.add(1, for: "a")
        _ = pool.add(2, for: "b")
        #expect(pool.add(3, for: "c") == [.reject(3, .hostQueueFull)])
    }

    @Test func `A waiter that is removed is passed over, and frees its place in the queue`() {
        var pool = makePool(perFunction: 1, waitingPerFunction: 2)
        _ = pool.add(1, for: "a")
        _ = pool.add(2, for: "a")
        let removals = [pool.remove(1), pool.remove(1)]
        #expect(removals == [true, false])
        #expect(pool.add(3, for: "a") == [])
        #expect(pool.workerIsReady(1, now: 0) == [.run(2, on: 1)])
        #expect(pool.workerIsReady(1, now: 0) == [.run(3, on: 1)])
    }

    @Test func `An idle worker ends after the idle timeout and not before`() {
        var pool = makePool(idleTimeout: 30)
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        _ = pool.workerIsReady(1, now: 100)
        #expect(pool.keepHouse(now: 129) == [])
        #expect(pool.keepHouse(now: 130) == [.end(1)])
        #expect(pool.keepHouse(now: 131) == [])
        // It is ending, so it gets no more calls.
        #expect(pool.add(2, for: "a") == [.start(2, "a")])
    }

    @Test
    func
        `At the host's limit the least recently used idle worker gives way, and its slot is used when its end is confirmed`()
    {
        var pool = makePool(workers: 2)
        _ = pool.add(1, for: "a")
        _ = pool.add(2, for: "b")
        _ = pool.workerIsReady(1, now: 0)
        _ = pool.workerIsReady(2, now: 0)
        _ = pool.workerIsReady(2, now: 5)
        _ = pool.workerIsReady(1, now: 6)
        #expect(pool.add(3, for: "c") == [.end(2)])
        #expect(pool.workerCount == 2)
        #expect(pool.workerEnded(2).actions == [.start(3, "c")])
        #expect(pool.workerIsReady(3, now: 7) == [.run(3, on: 3)])
    }

    @Test func `A few ending workers need not have ended before others take their places`() {
        var pool = makePool(perFunction: 1, workers: 3, endingAllowance: 2)
        for (number, function) in [(UInt64(1), "a"), (2, "b"), (3, "c")] {
            _ = pool.add(number, for: function)
            _ = pool.workerIsReady(number, now: 0)
            _ = pool.workerIsReady(number, now: Int64(number))
        }
        #expect(pool.add(4, for: "d") == [.end(1), .start(4, "d")])
        #expect(pool.add(5, for: "e") == [.end(2), .start(5, "e")])
        #expect(pool.add(6, for: "f") == [])
        #expect(pool.workerCount == 5)
        #expect(pool.workerEnded(1).actions == [.end(3), .start(6, "f")])
    }

    @Test func `A function without a worker comes before one that could use another`() {
        var pool = makePool(perFunction: 2, workers: 2)
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        _ = pool.add(2, for: "b")
        _ = pool.workerIsReady(2, now: 0)
        #expect(pool.add(3, for: "a") == [])
        #expect(pool.add(4, for: "c") == [])
        #expect(pool.workerEnded(2).actions == [.start(3, "c")])
    }

    @Test
    func
        `At the host's limit a function gets another worker at the cost of others only when somebody has waited for one`()
    {
        var pool = makePool(
            perFunction: 2, workers: 2, waitingPerFunction: 9, waiting: 9, idleTimeout: 100, patience: 20)
        for (number, function) in [(UInt64(1), "a"), (2, "b")] {
            _ = pool.add(number, for: function)
            _ = pool.workerIsReady(number, now: 0)
        }
        _ = pool.workerIsReady(1, now: 1)
        #expect(pool.add(3, for: "b", now: 10) == [])
        #expect(pool.add(4, for: "b", now: 29) == [])
        #expect(pool.keepHouse(now: 29) == [])
        #expect(pool.keepHouse(now: 30) == [.end(1)])
        #expect(pool.workerEnded(1, now: 31).actions == [.start(3, "b")])
    }

    @Test func `A function without a worker does not have to be patient`() {
        var pool = makePool(perFunction: 2, workers: 1, patience: 20)
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        _ = pool.workerIsReady(1, now: 1)
        #expect(pool.add(2, for: "b", now: 1) == [.end(1)])
    }

    @Test func `Memory that idle workers have is taken for another worker only when somebody has waited for one`() {
        var pool = makePool(perFunction: 2, workers: 9, idleTimeout: 100, memory: 250, patience: 20) { _ in
            .init(memory: FunctionMemory(most: 100))
        }
        for (number, function) in [(UInt64(1), "a"), (2, "b")] {
            _ = pool.add(number, for: function)
            _ = pool.workerIsReady(number, now: 0)
        }
        _ = pool.workerIsReady(1, now: 1)
        #expect(pool.add(3, for: "b", now: 10) == [])
        #expect(pool.keepHouse(now: 29) == [])
        #expect(pool.keepHouse(now: 30) == [.end(1), .start(3, "b")])
    }

    @Test func `Of those that could use another worker, one that has waited long is not held up by one that has not`() {
        var pool = makePool(perFunction: 2, workers: 3, idleTimeout: 100, patience: 20)
        for (number, function) in [(UInt64(1), "idle"), (2, "busy"), (3, "slow")] {
            _ = pool.add(number, for: function)
            _ = pool.workerIsReady(number, now: 0)
        }
        _ = pool.workerIsReady(1, now: 0)
        #expect(pool.add(4, for: "busy", now: 10) == [])
        #expect(pool.add(5, for: "slow", now: 10) == [])
        #expect(pool.workerHasAnswered(2) == 4)
        #expect(pool.add(6, for: "busy", now: 29) == [])
        // One is looked at each time.
        let actions = [pool.keepHouse(now: 31), pool.keepHouse(now: 31)]
        #expect(actions == [[], [.end(1)]])
        #expect(pool.workerEnded(1, now: 32).actions == [.start(4, "slow")])
    }

    @Test func `A worker gives way to nobody who waits for something else than room`() {
        var pool = makePool(perFunction: 1, workers: 2, starting: 1)
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        _ = pool.add(2, for: "b")
        #expect(pool.add(3, for: "c") == [])
        #expect(pool.workerIsReady(1, now: 1) == [])
        #expect(pool.idleCount == 1)
        #expect(pool.workerIsReady(2, now: 2) == [.run(2, on: 2), .end(1)])
    }

    @Test func `At the host's limit a worker gives way to a function that has none and has waited longer`() {
        var pool = makePool(perFunction: 1, workers: 1)
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        #expect(pool.add(2, for: "b") == [])
        #expect(pool.add(3, for: "a") == [])
        #expect(pool.workerIsReady(1, now: 1) == [.end(1)])
        #expect(pool.workerEnded(1).actions == [.start(2, "b")])
        #expect(pool.workerIsReady(2, now: 2) == [.run(2, on: 2)])
        #expect(pool.workerIsReady(2, now: 3) == [.end(2)])
        #expect(pool.workerEnded(2).actions == [.start(3, "a")])
    }

    @Test func `A worker that ends before it is ready fails the one invocation that has waited longest`() {
        var pool = makePool(perFunction: 1)
        _ = pool.add(1, for: "a")
        _ = pool.add(2, for: "a")
        let (actions, failed) = pool.workerEnded(1)
        #expect(failed == 1)
        #expect(actions == [.start(2, "a")])
    }

    @Test func `A busy worker that ends fails nobody who waits, and is replaced`() {
        var pool = makePool(perFunction: 1)
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        _ = pool.add(2, for: "a")
        let (actions, failed) = pool.workerEnded(1)
        #expect(failed == nil)
        #expect(actions == [.start(2, "a")])
    }

    @Test func `A function that does not load fails all who wait for it, and the next invocation tries again`() {
        var pool = makePool(perFunction: 1)
        _ = pool.add(1, for: "a")
        _ = pool.add(2, for: "a")
        #expect(pool.loadFailed(1) == [1, 2])
        #expect(pool.workerEnded(1).actions == [])
        #expect(pool.add(3, for: "a") == [.start(2, "a")])
    }

    @Test func `A worker's slot stays charged until its end is confirmed`() {
        var pool = makePool(perFunction: 1)
        _ = pool.add(1, for: "a")
        _ = pool.loadFailed(1)
        #expect(pool.add(2, for: "a") == [])
        #expect(pool.workerEnded(1).actions == [.start(2, "a")])
    }

    @Test func `Shutting down rejects who waits and whoever comes, and ends workers when they are done`() {
        var pool = makePool(perFunction: 1)
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        _ = pool.add(2, for: "a")
        _ = pool.add(3, for: "b")
        _ = pool.workerIsReady(2, now: 0)
        _ = pool.workerIsReady(2, now: 1)
        #expect(pool.shutDown() == [.reject(2, .shuttingDown), .end(2)])
        #expect(pool.add(4, for: "c") == [.reject(4, .shuttingDown)])
        #expect(pool.workerIsReady(1, now: 2) == [.end(1)])
    }

    @Test func `A worker that has answered is given the next invocation before it is ready, if one waits`() {
        var pool = makePool(perFunction: 1)
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        let nobody = pool.workerHasAnswered(1)
        #expect(nobody == nil)
        _ = pool.workerIsReady(1, now: 1)
        _ = pool.add(2, for: "a")
        _ = pool.add(3, for: "a")
        let next = pool.workerHasAnswered(1)
        #expect(next == 3)
        #expect(pool.waitingCount == 0)
        #expect(pool.idleCount == 0)
    }

    @Test func `An invocation that was sent ahead to a worker that ended is the first to be served`() {
        var pool = makePool(perFunction: 1)
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        _ = pool.add(2, for: "a")
        _ = pool.add(3, for: "a")
        _ = pool.workerHasAnswered(1)
        let actions = [pool.putBack(2, for: "a", now: 0), pool.workerEnded(1).actions, pool.workerIsReady(2, now: 1)]
        #expect(actions == [[], [.start(2, "a")], [.run(2, on: 2)]])
    }

    @Test func `A worker that should give way is not given anything ahead`() {
        var pool = makePool(perFunction: 1, workers: 1)
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        _ = pool.add(2, for: "b")
        _ = pool.add(3, for: "a")
        let next = pool.workerHasAnswered(1)
        #expect(next == nil)
    }

    @Test func `Nothing is kept of a function that has no worker and nobody waiting`() {
        var pool = makePool()
        for round in UInt64(1)...1000 {
            _ = pool.add(round, for: "function \(round)")
            _ = pool.workerIsReady(round, now: 0)
            _ = pool.workerEnded(round)
        }
        #expect(pool.functionCount == 0)
        #expect(pool.workerCount == 0)
    }

    @Test func `Late and unknown reports change nothing`() {
        var pool = makePool()
        #expect(pool.workerIsReady(99, now: 0) == [])
        #expect(pool.loadFailed(99) == [])
        #expect(pool.workerEnded(99).actions == [])
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        _ = pool.workerIsReady(1, now: 0)
        // Idle already: a second report does not make it idle twice.
        #expect(pool.workerIsReady(1, now: 0) == [])
        #expect(pool.idleCount == 1)
    }

    // MARK: Starting

    @Test func `No more workers start at a time than may, and who has waited longest is next`() {
        var pool = makePool(waiting: 9, starting: 2)
        #expect(pool.add(1, for: "a") == [.start(1, "a")])
        #expect(pool.add(2, for: "b") == [.start(2, "b")])
        #expect(pool.add(3, for: "c") == [])
        #expect(pool.add(4, for: "d") == [])
        #expect(pool.workerIsReady(2, now: 0) == [.run(2, on: 2), .start(3, "c")])
        #expect(pool.loadFailed(1) == [1])
        #expect(pool.workerEnded(1).actions == [.start(4, "d")])
    }

    @Test func `One function does not get more than half of the starts, and functions that grow take turns`() {
        var pool = makePool(perFunction: 9, workers: 20, waitingPerFunction: 9, waiting: 20, starting: 4)
        for (waiter, function) in [(UInt64(1), "a"), (2, "a"), (3, "a"), (4, "b"), (5, "b"), (6, "b")] {
            _ = pool.add(waiter, for: function)
        }
        // Two each.
        #expect(pool.startingCount == 4)
        #expect(pool.workerIsReady(1, now: 0) == [.run(1, on: 1), .start(5, "a")])
        #expect(pool.workerIsReady(3, now: 0) == [.run(4, on: 3), .start(6, "b")])
    }

    // MARK: Memory

    private static func hungry(_ megabytes: Int, _ memory: Int, keeps: Bool = false, workers: Int = 9) -> Pool {
        makePool(workers: workers, waiting: 9, memory: memory << 20) { _ in
            .init(memory: FunctionMemory(most: megabytes << 20, keeps: keeps))
        }
    }

    @Test func `A first worker has all promised that it may use, one that has loaded what it has and a reserve`() {
        var pool = Self.hungry(100, 1000)
        _ = pool.add(1, for: "a")
        #expect(pool.promisedMemory == 100 << 20)
        _ = pool.workerIsReady(1, loadedBytes: 6 << 20, now: 0)
        #expect(pool.promisedMemory == 10 << 20)
        _ = pool.workerIsReady(1, now: 1)
        #expect(pool.promisedMemory == 10 << 20)
        _ = pool.add(2, for: "a")
        #expect(pool.promisedMemory == 10 << 20)
        // Its next worker loads the same.
        _ = pool.add(3, for: "a")
        #expect(pool.promisedMemory == 20 << 20)
        _ = pool.workerEnded(1)
        _ = pool.workerEnded(2)
        #expect(pool.promisedMemory == 0)
    }

    @Test func `One that keeps what its calls have used is promised that while it is idle`() {
        var pool = Self.hungry(100, 1000, keeps: true)
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, loadedBytes: 6 << 20, now: 0)
        #expect(pool.saw(1, privateBytes: 50 << 20) == [])
        #expect(pool.promisedMemory == 50 << 20)
        _ = pool.workerIsReady(1, now: 1)
        #expect(pool.promisedMemory == 54 << 20)
    }

    @Test func `What a function's calls take is promised to its next calls, and forgotten in time`() {
        var pool = Self.hungry(100, 1000)
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, loadedBytes: 6 << 20, now: 0)
        #expect(pool.saw(1, privateBytes: 46 << 20) == [])
        #expect(pool.promisedMemory == 46 << 20)
        _ = pool.workerIsReady(1, now: 1)
        #expect(pool.promisedMemory == 10 << 20)
        _ = pool.add(2, for: "a")
        #expect(pool.promisedMemory == 46 << 20)
        _ = pool.workerIsReady(1, now: 2)
        for _ in 0..<1000 { _ = pool.keepHouse(now: 3) }
        _ = pool.add(3, for: "a")
        #expect(pool.promisedMemory == 10 << 20)
    }

    @Test func `Idle workers give up their memory, least recently used first, then invocations are rejected`() {
        var pool = Self.hungry(100, 215)
        for (waiter, function) in [(UInt64(1), "a"), (2, "b")] {
            _ = pool.add(waiter, for: function)
            _ = pool.workerIsReady(waiter, loadedBytes: 6 << 20, now: 0)
            _ = pool.workerIsReady(waiter, now: Int64(waiter))
        }
        #expect(pool.promisedMemory == 20 << 20)
        #expect(pool.add(3, for: "c") == [.start(3, "c")])
        #expect(pool.add(4, for: "a") == [.run(4, on: 1)])
        // 120 are promised, 10 of them to an idle worker.
        #expect(pool.add(5, for: "d") == [.end(2), .start(4, "d")])
        #expect(pool.promisedMemory == 210 << 20)
        #expect(pool.add(6, for: "b") == [.reject(6, .memoryPromised)])
        _ = pool.workerIsReady(3, loadedBytes: 6 << 20, now: 3)
        #expect(pool.promisedMemory == 120 << 20)
    }

    @Test func `A worker that finds no memory to serve with stays idle`() {
        var pool = Self.hungry(100, 130)
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, loadedBytes: 6 << 20, now: 0)
        // Its calls take 40.
        _ = pool.saw(1, privateBytes: 46 << 20)
        _ = pool.workerIsReady(1, now: 1)
        #expect(pool.add(2, for: "b") == [.start(2, "b")])
        #expect(pool.add(3, for: "a") == [.reject(3, .memoryPromised)])
        #expect(pool.idleCount == 1)
        #expect(pool.promisedMemory == 110 << 20)
        _ = pool.workerEnded(2)
        #expect(pool.add(4, for: "a") == [.run(4, on: 1)])
    }

    @Test func `Who waits for memory gets it when a worker has done`() {
        var pool = makePool(perFunction: 2, memory: 150 << 20) { _ in
            .init(memory: FunctionMemory(most: 100 << 20))
        }
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        // The function has a worker, so they may wait for it.
        #expect(pool.add(2, for: "a") == [])
        #expect(pool.workerIsReady(1, now: 1) == [.run(2, on: 1)])
    }

    @Test func `A function that wants more than there is for all is rejected`() {
        var pool = Self.hungry(300, 200)
        #expect(pool.add(1, for: "a") == [.reject(1, .memoryPromised)])
        #expect(pool.functionCount == 0)
    }

    // MARK: Repeated failures

    /// A function whose worker ends by itself `count` times, at the time 0.
    private static func failing(_ count: Int) -> Pool {
        var pool = makePool(maximumPause: 1_000_000_000)
        for number in 0..<UInt64(count) {
            _ = pool.add(number, for: "a", now: 0)
            _ = pool.workerEnded(number + 1, failure: "it crashed", now: 0)
        }
        return pool
    }

    private static func pause(_ failures: Int, _ millis: Int64) -> Pool.Rejection {
        .failing(.init(failures: failures, remaining: millis * 1_000_000, lastFailure: "it crashed"))
    }

    @Test func `A few failures have no consequence`() {
        var pool = Self.failing(4)
        #expect(pool.add(9, for: "a", now: 0) == [.start(5, "a")])
    }

    @Test func `From then on the function waits, each time twice as long, up to the maximum`() {
        var pool = Self.failing(5)
        #expect(pool.add(9, for: "a", now: 0) == [.reject(9, Self.pause(5, 100))])
        #expect(pool.add(10, for: "b", now: 0) == [.start(6, "b")])
        var (worker, now) = (UInt64(7), Int64(100_000_000))
        for (failures, millis) in [(6, Int64(200)), (7, 400), (8, 800), (9, 1000), (10, 1000)] {
            #expect(pool.add(11, for: "a", now: now) == [.start(worker, "a")])
            // They wait for the one attempt, and hear of its failure.
            #expect(pool.add(12, for: "a", now: now) == [])
            let (actions, failed) = pool.workerEnded(worker, failure: "it crashed", now: now)
            #expect(failed == 11)
            #expect(actions == [.reject(12, Self.pause(failures, millis))])
            #expect(
                pool.add(13, for: "a", now: now + millis * 1_000_000 - 1) == [
                    .reject(13, .failing(.init(failures: failures, remaining: 1, lastFailure: "it crashed")))
                ])
            now += millis * 1_000_000
            worker += 1
        }
    }

    @Test func `One answer ends the trial`() {
        var pool = Self.failing(5)
        #expect(pool.add(9, for: "a", now: 100_000_000) == [.start(6, "a")])
        _ = pool.add(10, for: "a", now: 100_000_000)
        _ = pool.workerIsReady(6, now: 100_000_001)
        let next = pool.workerHasAnswered(6)
        #expect(next == 10)
        #expect(pool.add(11, for: "a", now: 100_000_002) == [.start(7, "a")])
    }

    @Test func `A source that does not load counts too, and a worker that the host has ended does not`() {
        var pool = makePool(maximumPause: 1_000_000_000)
        for number in UInt64(1)...5 {
            _ = pool.add(number, for: "a", now: 0)
            #expect(pool.loadFailed(number, "it crashed", now: 0) == [number])
            _ = pool.workerEnded(number, failure: "it crashed", now: 0)
        }
        #expect(pool.add(9, for: "a", now: 0) == [.reject(9, Self.pause(5, 100))])
        for number in UInt64(6)...20 {
            #expect(pool.add(number, for: "b", now: 0) == [.start(number, "b")])
            #expect(pool.workerEnded(number, now: 0).failed == number)
        }
    }

    @Test func `Failures are forgotten after a while without calls`() {
        var pool = Self.failing(5)
        _ = pool.keepHouse(now: 60_100_000_000)
        #expect(pool.add(9, for: "a", now: 60_100_000_001) == [.start(6, "a")])
        #expect(pool.workerEnded(6, failure: "it crashed", now: 60_100_000_002).failed == 9)
        #expect(pool.add(10, for: "a", now: 60_100_000_003) == [.start(7, "a")])
    }

    @Test func `A function is suspect from a worker that ended instead of answering to the next answer`() {
        var pool = makePool()
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        #expect(!pool.isSuspect("a"))
        _ = pool.workerEnded(1)
        #expect(pool.isSuspect("a") && !pool.isSuspect("b"))
        _ = pool.add(2, for: "a")
        _ = pool.workerIsReady(2, now: 0)
        #expect(pool.isSuspect("a"))
        _ = pool.workerHasAnswered(2)
        #expect(!pool.isSuspect("a"))
        // The end of a zygote says nothing about the functions of its workers.
        _ = pool.add(3, for: "b")
        _ = pool.workerIsReady(3, now: 0)
        _ = pool.workerEnded(3, withZygote: true, now: 0)
        #expect(!pool.isSuspect("b"))
        // One that ends while it has nothing to do says nothing.
        _ = pool.workerIsReady(2, now: 0)
        _ = pool.workerEnded(2)
        #expect(!pool.isSuspect("a"))
    }

    @Test func `A call whose process ends counts as a failure, though its worker goes on`() {
        var pool = makePool(maximumPause: 1_000_000_000)
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        for call in UInt64(2)...5 {
            #expect(pool.worker(1, did: .answered(crash: "it crashed"), now: 0) == [])
            _ = pool.workerIsReady(1, now: 0)
            #expect(pool.add(call, for: "a", now: 0) == [.run(call, on: 1)])
        }
        // The fifth in a row ends the worker, and the function waits.
        #expect(pool.worker(1, did: .answered(crash: "it crashed"), now: 0) == [.end(1)])
        _ = pool.workerEnded(1)
        #expect(pool.add(9, for: "a", now: 0) == [.reject(9, Self.pause(5, 100))])
    }

    @Test func `An answer between crashes clears them, and an invocation that was skipped does not`() {
        var pool = makePool(maximumPause: 1_000_000_000)
        _ = pool.add(1, for: "a")
        _ = pool.workerIsReady(1, now: 0)
        _ = pool.worker(1, did: .answered(crash: "it crashed"), now: 0)
        _ = pool.workerIsReady(1, now: 0)
        _ = pool.add(2, for: "a")
        #expect(pool.worker(1, did: .skipped, now: 0) == [])
        #expect(pool.isSuspect("a"))
        _ = pool.worker(1, did: .answered(), now: 0)
        #expect(!pool.isSuspect("a"))
    }

    @Test func `A process that ended before it read its function fails nobody and blames no function`() {
        var pool = makePool(perFunction: 1, maximumPause: 1_000_000_000)
        _ = pool.add(1, for: "a")
        for worker in UInt64(1)...4 {
            #expect(pool.worker(worker, did: .ended(.neverTookFunction), now: 0) == [.start(worker + 1, "a")])
        }
        #expect(!pool.isSuspect("a"))
        // An executable that never reads is not started forever.
        #expect(pool.worker(5, did: .ended(.neverTookFunction), now: 0) == [.fail(1)])
        // One that loads starts the count anew.
        _ = pool.add(2, for: "a")
        _ = pool.workerIsReady(6, now: 0)
        #expect(pool.worker(6, did: .ended(.excused), now: 0) == [])
        _ = pool.add(3, for: "a")
        #expect(pool.worker(7, did: .ended(.neverTookFunction), now: 0) == [.start(8, "a")])
    }

    @Test func `Other workers of a function that has failed go on serving`() {
        var pool = makePool(perFunction: 2, maximumPause: 1_000_000_000)
        _ = pool.add(1, for: "a", now: 0)
        _ = pool.workerIsReady(1, now: 0)
        for worker in UInt64(2)...6 {
            _ = pool.add(worker, for: "a", now: 0)
            _ = pool.workerEnded(worker, failure: "it crashed", now: 0)
        }
        #expect(pool.add(7, for: "a", now: 0) == [], "it waits for the one that serves")
        #expect(pool.workerIsReady(1, now: 1) == [.run(7, on: 1)])
    }

    // MARK: All together

    /// A long random history against the rules that must hold after every step.
    @Test(arguments: [0, 2]) func `No history of events breaks the limits or loses an invocation`(endingAllowance: Int)
    {
        for seed in UInt64(1)...40 { RandomHistory(seed: seed, endingAllowance: endingAllowance).run() }
    }
}

private struct RandomHistory {
    private var random: SeededGenerator
    private let endingAllowance: Int
    private var pool: Pool
    private var starting: Set<UInt64> = []
    private var idle: Set<UInt64> = []
    private var ending: Set<UInt64> = []
    private var busy: [UInt64: UInt64] = [:]
    private var open: Set<UInt64> = []
    private var functionOf: [UInt64: String] = [:]
    private var now: Int64 = 0

    init(seed: UInt64, endingAllowance: Int) {
        random = SeededGenerator(seed: seed)
        self.endingAllowance = endingAllowance
        pool = makePool(
            perFunction: 3, processors: 2, share: 2, workers: 4, waitingPerFunction: 3, waiting: 8,
            idleTimeout: 200_000_000,
            endingAllowance: endingAllowance, starting: 2,
            memory: 250 << 20, maximumPause: 200_000_000
        ) {
            .init(
                memory: FunctionMemory(
                    most: $0 < "d" ? 100 << 20 : 60 << 20, keeps: $0 == "a", hasCopy: $0 == "c"),
                minimumWorkers: 1)
        }
    }

    func run() {
        var history = self
        history.perform(history.pool.keepReady(["b", "e"], now: 0))
        for step in 1...2000 { history.step(UInt64(step)) }
        history.finish()
    }

    private mutating func step(_ number: UInt64) {
        now += 10_000_000
        switch Int.random(in: 0..<11, using: &random) {
        case 0...3:
            open.insert(number)
            perform(pool.add(number, for: "abcdef".randomElement(using: &random).map(String.init) ?? "a", now: now))
        case 4, 5:
            if let worker = (Array(starting) + Array(busy.keys)).sorted().randomElement(using: &random) {
                ready(worker)
            }
        case 6:
            if let worker = (Array(starting) + Array(busy.keys) + Array(ending) + Array(idle)).sorted().randomElement(
                using: &random)
            {
                end(worker)
            }
        case 7:
            if let waiter = open.sorted().randomElement(using: &random), pool.remove(waiter) { open.remove(waiter) }
        case 8:
            perform(pool.keepHouse(now: now))
        case 9:
            look()
        default:
            if let worker = starting.sorted().randomElement(using: &random) {
                starting.remove(worker)
                ending.insert(worker)
                for waiter in pool.loadFailed(worker, "it does not load", now: now) { Self.take(waiter, from: &open) }
            }
        }
        let live = starting.count + idle.count + busy.count + ending.count
        #expect(live - min(ending.count, endingAllowance) <= 4)
        #expect(pool.workerCount == live)
        #expect(pool.idleCount == idle.count)
        #expect(pool.startingCount == starting.count && starting.count <= 2)
        #expect(pool.promisedMemory >= 0 && (0...250 << 20).contains(pool.usedMemory))
        for function in Set(functionOf.values) {
            let own = (starting.union(idle).union(ending).union(busy.keys)).count { functionOf[$0] == function }
            #expect(own <= 3)
        }
        #expect(pool.waitingCount + busy.count == open.count)
    }

    /// The watch has looked at the workers.
    private mutating func look() {
        if let function = "abcdef".randomElement(using: &random).map(String.init) {
            perform(pool.saw(function, computed: 1, slept: Int64.random(in: 0...2, using: &random), now: now))
        }
        if let worker = (Array(starting) + Array(busy.keys)).sorted().randomElement(using: &random) {
            perform(pool.saw(worker, privateBytes: Int.random(in: 0...120, using: &random) << 20))
        }
    }

    /// Checks that all calls that still wait are served in the end.
    private mutating func finish() {
        perform(pool.keepReady([], now: now))
        for _ in 0..<1000 where !open.isEmpty {
            now += 1
            for worker in ending.sorted() { end(worker) }
            for worker in (Array(starting) + Array(busy.keys)).sorted() { ready(worker) }
        }
        #expect(open.isEmpty)
    }

    private mutating func ready(_ worker: UInt64) {
        starting.remove(worker)
        if let done = busy.removeValue(forKey: worker) { open.remove(done) }
        idle.insert(worker)
        perform(pool.workerIsReady(worker, now: now))
    }

    private mutating func end(_ worker: UInt64) {
        starting.remove(worker)
        idle.remove(worker)
        ending.remove(worker)
        if let failed = busy.removeValue(forKey: worker) { open.remove(failed) }
        let (actions, failed) = pool.workerEnded(
            worker, failure: Bool.random(using: &random) ? "it crashed" : nil, now: now)
        if let failed { Self.take(failed, from: &open) }
        perform(actions)
    }

    private static func take(_ number: UInt64, from set: inout Set<UInt64>) {
        let wasThere = set.remove(number) != nil
        #expect(wasThere)
    }

    private mutating func perform(_ actions: [Pool.Action]) {
        for action in actions {
            switch action {
            case .start(let worker, let function):
                starting.insert(worker)
                functionOf[worker] = function
            case .run(let waiter, let worker):
                #expect(open.contains(waiter))
                Self.take(worker, from: &idle)
                busy[worker] = waiter
            case .end(let worker):
                Self.take(worker, from: &idle)
                ending.insert(worker)
            case .endForMemory(let worker):
                #expect(starting.contains(worker) || busy[worker] != nil)
                starting.remove(worker)
                if let lost = busy.removeValue(forKey: worker) { open.remove(lost) }
                ending.insert(worker)
            case .reject(let waiter, _), .fail(let waiter):
                Self.take(waiter, from: &open)
            }
        }
    }
}
