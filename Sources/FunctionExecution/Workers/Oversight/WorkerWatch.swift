import Foundation
import FunctionModel
import NIOCore
import Synchronization
import SystemCalls

/// The thread that looks at the memory and the processor time of workers at work, ends those that have used too much,
/// lowers the priority of those that compute for long, and keeps short calls off the processors that are the host's.
///
/// The kernel's own limit (RLIMIT_DATA) refuses memory, which most programs report in their own words. The watch is for
/// what that limit does not count, and for programs that do not give up. The kernel's limit of processor time counts
/// seconds of a process, not of an invocation. A thread of its own, because an event loop has others to serve. It looks
/// at a busy worker every 5 ms, and notices within 15 ms that a worker is busy: time for a process to grow by 5 to 15
/// MB. One that sleeps costs one system call at each look, and one that sleeps for long is looked at every 20 ms.
///
/// It tells the pool what it saw: which functions' workers sleep, and how much memory each worker has.
final class WorkerWatch: Sendable {
    /// What one round of looks saw.
    struct Sights: Sendable {
        /// How long the calls of one function computed and slept since the round before, in nanoseconds.
        struct Calls: Sendable {
            let function: Function
            var computed: Int64 = 0
            var slept: Int64 = 0
        }

        var calls: [Calls] = []
        /// Private memory in bytes, by the worker's number, where it has changed notably.
        var memory: [UInt64: Int] = [:]
    }

    private struct State {
        var workers: [ObjectIdentifier: Worker] = [:]
        var isRunning = false
        var report: (@Sendable (Sights) -> Void)?
    }

    private let state = Mutex(State())
    private let crowded = Atomic<Bool>(false)

    /// Whether as many workers as there are processors computed within the last second. Only then is there something to
    /// postpone. A moment without a crowd must not give all long work its usual priority back.
    var isCrowded: Bool { crowded.load(ordering: .relaxed) }
    private static let processors = System.coreCount
    /// In nanoseconds.
    private static let crowdInterval: Int64 = 1_000_000_000
    /// Nanoseconds between two looks at all idle workers. Others look at those that became idle since.
    private static let idleInterval: Int64 = 100_000_000

    /// Watches this worker until ``remove(_:)``.
    func add(_ worker: Worker) {
        let mustStart = state.withLock { state in
            state.workers[ObjectIdentifier(worker)] = worker
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard mustStart else { return }
        let thread = Thread { [self] in run() }
        thread.name = "worker watch"
        thread.start()
    }

    /// - Parameter report: told what each round saw, if it saw anything, on the watch's thread.
    func tell(_ report: @escaping @Sendable (Sights) -> Void) { state.withLock { $0.report = report } }

    func remove(_ worker: Worker) {
        state.withLock { $0.workers[ObjectIdentifier(worker)] = nil }
    }

    /// The thread ends when there has been no worker for a while.
    private func run() {
        // Where hundreds of workers compute, it would wait for each of them while they grow.
        ProcessPriority.raiseThisThread()
        var idleRounds = 0
        var lastIdleLook: Int64 = 0
        var lastCrowd = -Self.crowdInterval
        var hostProcessors = HostProcessors(all: ProcessorSet(of: 0))
        while true {
            let known: ([Worker], (@Sendable (Sights) -> Void)?)? = state.withLock { state in
                if state.workers.isEmpty, idleRounds > 20 {
                    state.isRunning = false
                    return nil
                }
                return (Array(state.workers.values), state.report)
            }
            guard let (workers, report) = known else { return }
            idleRounds = workers.isEmpty ? idleRounds + 1 : 0
            let busy = workers.filter(\.oversight.isAtWork)
            let now = MonotonicClock.now()
            if busy.count(where: \.oversight.mayCompute) >= Self.processors { lastCrowd = now }
            crowded.store(now - lastCrowd < Self.crowdInterval, ordering: .relaxed)
            hostProcessors.look(now: now, used: ProcessorClock.now())
            for worker in busy { worker.enforceLimits(hostProcessors, now: now) }
            if let report, let sights = Sights(of: busy) { report(sights) }
            let isThorough = now - lastIdleLook >= Self.idleInterval
            if isThorough { lastIdleLook = now }
            for worker in workers { worker.endIfComputingWhileIdle(isThorough: isThorough) }
            // Idle workers use nothing: look less often whether one is at work.
            usleep(!busy.isEmpty ? 5000 : workers.isEmpty ? 100_000 : 15_000)
        }
    }
}

extension WorkerWatch.Sights {
    /// nil: nothing was seen.
    fileprivate init?(of workers: [Worker]) {
        var places: [ObjectIdentifier: Int] = [:]
        for worker in workers {
            if let bytes = worker.oversight.takeGrowth() { memory[worker.id] = bytes }
            let times = worker.oversight.takeTimesOfCalls()
            guard times.computed + times.slept > 0 else { continue }
            let place = places[ObjectIdentifier(worker.function), default: calls.count]
            if place == calls.count {
                places[ObjectIdentifier(worker.function)] = place
                calls.append(Calls(function: worker.function))
            }
            calls[place].computed += times.computed
            calls[place].slept += times.slept
        }
        if calls.isEmpty, memory.isEmpty { return nil }
    }
}
