import FunctionModel
import Synchronization
import WorkerProtocol

/// What a worker reports to the pool.
enum WorkerEvent: Sendable {
    /// The worker has loaded its function and is pristine, for the first time. `privateBytes`: its private memory, if
    /// it could be read.
    case loaded(privateBytes: Int?)
    /// The worker is pristine again.
    case ready
    /// The invocation's outcome is known; its caller is told right after this. The pool returns an invocation to send
    /// ahead, if one waits. With `isLast` the worker serves no more, and the pool ends it.
    case answered(Invocation, isLast: Bool)
    /// The process that ran this invocation, a child of the worker, ended before it answered. As `answered`, but it
    /// counts against the function, as the end of a worker does.
    case crashed(Invocation, reason: String, isLast: Bool)
    /// The worker ended while it ran this invocation, whose caller is told why right after this.
    case lost(Invocation)
    /// The worker was given an invocation whose outcome was known already, and did not begin it. The pool returns
    /// another one, if one waits.
    case skipped(Invocation)
    /// The worker ended before it began this invocation, which goes to another worker.
    case didNotTake(Invocation)
    /// The function does not load. `logs`: what it wrote while it loaded.
    case failedToLoad(any FunctionError, logs: [LogLine])
    /// The worker has ended. Reported once, and nothing follows. The error is for an invocation that waits for this
    /// worker. ``Worker/endCause`` and ``Worker/loadLogs`` are final.
    case ended(any FunctionError)
}

/// Takes what workers report. Called on the worker's event loop, outside any lock.
protocol WorkerDelegate: AnyObject, Sendable {
    /// - Returns: an invocation for this worker, after the events that say so.
    @discardableResult
    func worker(_ worker: Worker, did event: WorkerEvent) -> Invocation?
}

/// Why a worker ended.
enum WorkerEndCause: UInt8, AtomicRepresentable, Sendable {
    /// By itself, or for what its function did.
    case function
    /// The host ended it for reasons of its own.
    case host
    /// It ended with its zygote and all other workers of it.
    case zygote
    /// The process ended before it had read its function, as a spare may, or while it imported what earlier calls had
    /// imported. That is not the function.
    case neverTookFunction
    /// Its state could not be put back after an invocation that was answered. One case for each ``RetirementReason``.
    case retiredForMemory
    case retiredForThreads
    case retiredForProcess
    case retiredForLoading

    init(_ reason: RetirementReason) {
        switch reason {
        case .memory: self = .retiredForMemory
        case .threads: self = .retiredForThreads
        case .process: self = .retiredForProcess
        case .loading: self = .retiredForLoading
        }
    }

    var retirement: RetirementReason? {
        switch self {
        case .retiredForMemory: .memory
        case .retiredForThreads: .threads
        case .retiredForProcess: .process
        case .retiredForLoading: .loading
        case .function, .host, .zygote, .neverTookFunction: nil
        }
    }

    /// Whether the end speaks against the function, if the worker was starting or serving.
    var isToBlame: Bool { self == .function || retirement != nil }
}
