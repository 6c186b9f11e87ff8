@testable import FunctionExecution

/// Functions are letters here, and time is a number that the test says.
typealias Pool = PoolState<String>

func makePool(
    perFunction: Int = 2, processors: Int = .max, share: Int = .max, workers: Int = 4, waitingPerFunction: Int = 3,
    waiting: Int = 6, idleTimeout: Int64 = 30,
    endingAllowance: Int = 0,
    starting: Int = .max, memory: Int = .max, patience: Int64 = 0, maximumPause: Int64 = 0,
    demand: @escaping @Sendable (String) -> Pool.Demand = { _ in .init() }
) -> Pool {
    Pool(
        limits: .init(
            processors: processors, workersPerFunction: perFunction, share: share, workers: workers,
            waitingPerFunction: waitingPerFunction, waiting: waiting,
            idleTimeout: idleTimeout, endingAllowance: endingAllowance, starting: starting, memory: memory,
            patience: patience,
            maximumPause: maximumPause),
        demand: demand)
}

/// What most tests need not say.
extension Pool {
    mutating func add(_ waiter: UInt64, for key: String) -> [Action] { add(waiter, for: key, now: 0) }

    mutating func workerIsReady(_ worker: UInt64, loadedBytes: Int? = nil, now: Int64) -> [Action] {
        self.worker(worker, did: .ready(privateBytes: loadedBytes), now: now)
    }

    /// The invocation that is sent ahead.
    mutating func workerHasAnswered(_ worker: UInt64) -> UInt64? {
        guard case .run(let waiter, on: worker)? = self.worker(worker, did: .answered(), now: 0).first else {
            return nil
        }
        return waiter
    }

    mutating func endAfterAnswer(_ worker: UInt64) -> [Action] {
        self.worker(worker, did: .answered(isLast: true), now: 0)
    }

    /// The invocations that fail.
    mutating func loadFailed(_ worker: UInt64, _ reason: String = "it does not load", now: Int64 = 0)
        -> [UInt64]
    {
        self.worker(worker, did: .failedToLoad(reason), now: now).compactMap { $0.failed }
    }

    mutating func workerEnded(
        _ worker: UInt64, failure: String? = nil, withZygote: Bool = false, now: Int64 = 0
    ) -> (actions: [Action], failed: UInt64?) {
        let end: End = withZygote ? .zygoteEnded : failure.map { .failed($0) } ?? .excused
        let actions = self.worker(worker, did: .ended(end), now: now)
        return (actions.filter { $0.failed == nil }, actions.lazy.compactMap { $0.failed }.first)
    }
}

extension Pool.Action {
    var failed: UInt64? { if case .fail(let waiter) = self { waiter } else { nil } }
}
