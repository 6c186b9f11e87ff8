import Foundation
import FunctionModel
import HostMemory
import Synchronization

/// The one queue of what is built on this host: scripts, bundles and packages. Each job runs a confined process, and
/// blocks a thread of the queue until that process has ended.
///
/// The queue is bounded in jobs and in bytes. It has threads only while it has jobs.
final class BuildQueue: Sendable {
    private typealias Work = @Sendable () -> Void

    private struct State {
        var jobs: BuildQueueState<Work>
        var memory: ByteBudget
    }

    private let state: Mutex<State>

    init(limits: BuildQueueLimits = BuildQueueLimits()) {
        state = Mutex(State(jobs: BuildQueueState(limits: limits), memory: ByteBudget(limit: limits.bytes)))
    }

    /// What waits is reserved from this budget from now on.
    func draw(from memory: ByteBudget) { state.withLock { $0.memory = memory } }

    /// Runs `work` on a thread of the queue.
    /// - Parameters:
    ///   - bytes: what the job holds in memory until it has ended.
    ///   - isLong: whether it may take minutes. One thread is always left for other jobs.
    /// - Returns: false if the queue is full; then `work` is not run.
    func submit(bytes: Int, isLong: Bool = false, _ work: @escaping @Sendable () -> Void) -> Bool {
        let admission = state.withLock { state in
            let memory = state.memory
            guard memory.reserve(bytes) else { return BuildQueueAdmission.refused }
            let job: Work = {
                work()
                memory.release(bytes)
            }
            let admission = state.jobs.add(job, bytes: bytes, isLong: isLong)
            if admission == .refused { memory.release(bytes) }
            return admission
        }
        switch admission {
        case .refused: return false
        case .queued: break
        case .startThread: Thread.detachNewThread { [self] in serve() }
        }
        return true
    }

    /// Runs `work` on a thread of the queue and returns its result.
    /// - Throws: `Overloaded` if the queue is full.
    func run<Result: Sendable>(
        bytes: Int, isLong: Bool = false, _ work: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            let isAdmitted = submit(bytes: bytes, isLong: isLong) {
                continuation.resume(with: Swift.Result { try work() })
            }
            if !isAdmitted { continuation.resume(throwing: Self.full) }
        }
    }

    static let full = Overloaded("Too many calls are waiting for a build. Try again later.")

    private func serve() {
        var last: BuildQueueState<Work>.Job?
        while true {
            let next = state.withLock { $0.jobs.next(after: last) }
            guard let next else { return }
            next.work()
            last = next
        }
    }
}
