import FunctionModel
import SystemCalls

/// Gives short work the processor before long work, where workers take all processors.
///
/// Without it, an invocation of a millisecond would wait for the time slices of workers that compute until their
/// deadline, and of workers that are being made. A worker is `low` until its first answer, and later while a restore
/// takes long. It is `idle` while it is a spare, while an invocation takes long, and until its first answer if its
/// function's last worker ended without an answer.
///
/// A host that may not raise a priority again lowers fewer, and ends a lowered worker after its next answer. It lowers:
/// workers of functions whose last worker ended without an answer, if many are at work when they are forked, and
/// workers whose invocation takes so long that a new worker costs little beside it.
struct Postponement: Sendable {
    /// Whether a lowered priority can be raised again.
    let isReversible: Bool

    /// As this process may.
    static let ofThisProcess = Postponement(isReversible: ProcessPriority.canBeTakenBack())

    /// The priority that a new worker is forked with, and keeps until its first answer while many are at work.
    /// - Parameter isSuspect: whether its function's last worker ended without an answer.
    /// - Parameter isCrowded: whether many are at work. It matters where a priority cannot be raised again.
    func first(isSuspect: Bool, isCrowded: Bool) -> ProcessPriority {
        if isReversible { return isSuspect ? .idle : .low }
        return isSuspect && isCrowded ? .idle : .usual
    }

    /// The priority that a spare is forked with.
    var spare: ProcessPriority { isReversible ? .idle : .usual }

    /// Whether a spare may become a worker that has this priority first. A spare that got ready at the usual priority
    /// would be wasted on it.
    func canBeSpare(_ first: ProcessPriority) -> Bool { isReversible || first == .usual }

    /// How much processor time one activity may take before others come first, in nanoseconds. Most take a hundredth.
    /// - Parameter loadTime: what a worker like it takes until it can serve.
    func longTime(loadTime: Int64) -> Int64 { isReversible ? 10_000_000 : max(100_000_000, 2 * loadTime) }

    /// Whether a worker may be lowered for its present activity. A worker that keeps its state must not end for it.
    func isPossible(isInvocation: Bool, _ isolation: Isolation) -> Bool {
        isReversible || isInvocation && isolation != .instance
    }
}
