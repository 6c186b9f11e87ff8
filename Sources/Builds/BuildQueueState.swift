/// What a ``BuildQueue`` does with a job.
enum BuildQueueAdmission: Equatable, Sendable {
    case refused
    /// A thread that runs already takes it.
    case queued
    /// The caller starts a thread, which asks for jobs.
    case startThread
}

/// The bounds of a ``BuildQueue``.
struct BuildQueueLimits: Sendable {
    /// Jobs that run at the same time. A build is mostly processor time, and invocations need some too.
    var threads = 2
    /// Jobs that wait.
    var waiting = 512
    /// Bytes that all jobs hold.
    var bytes = 256 << 20
}

/// Which jobs wait and run. Pure: ``BuildQueue`` has the threads.
struct BuildQueueState<Work: Sendable>: Sendable {
    struct Job: Sendable {
        let work: Work
        let bytes: Int
        /// It may take minutes: one thread is always left for others.
        let isLong: Bool
    }

    private let limits: BuildQueueLimits
    private var waiting: [Job] = []
    private var bytes = 0
    private var threads = 0
    private var runningLong = 0

    init(limits: BuildQueueLimits) { self.limits = limits }

    var waitingCount: Int { waiting.count }

    mutating func add(_ work: Work, bytes size: Int, isLong: Bool) -> BuildQueueAdmission {
        // A job that is larger than the limit runs alone.
        guard waiting.count < limits.waiting, bytes == 0 || bytes + size <= limits.bytes else { return .refused }
        waiting.append(Job(work: work, bytes: size, isLong: isLong))
        bytes += size
        guard threads < limits.threads, canRun(isLong: isLong) else { return .queued }
        threads += 1
        return .startThread
    }

    /// The job that a thread runs next, in the order in which they were added.
    /// - Parameter last: the job that this thread has ended; nil if it has just started.
    /// - Returns: nil if the thread ends.
    mutating func next(after last: Job?) -> Job? {
        if let last {
            bytes -= last.bytes
            if last.isLong { runningLong -= 1 }
        }
        guard let index = waiting.firstIndex(where: { canRun(isLong: $0.isLong) }) else {
            threads -= 1
            return nil
        }
        let job = waiting.remove(at: index)
        if job.isLong { runningLong += 1 }
        return job
    }

    private func canRun(isLong: Bool) -> Bool { !isLong || runningLong < max(1, limits.threads - 1) }
}
