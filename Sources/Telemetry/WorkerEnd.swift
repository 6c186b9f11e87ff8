import FunctionModel

/// The end of one worker process.
public struct WorkerEnd: Sendable {
    public enum Reason: String, Sendable, CaseIterable {
        /// It had no invocation for a while.
        case idle
        /// Others needed its place or its memory.
        case evicted
        /// Its invocation ran out of time.
        case deadline
        /// Its invocation was cancelled.
        case cancelled
        /// The functions of the host used more memory than there is.
        case hostMemory = "host_memory"
        /// The host stopped.
        case shutdown
        /// It used more memory, processor time, threads or processes than its limits.
        case limit
        /// A system call that ends the process.
        case violation
        /// Its function did not load.
        case loading
        /// It ended by itself, or sent what it must not.
        case crash
        /// Its zygote ended.
        case zygote
        /// It ended before it had read its function.
        case unused
        /// Its state could not be put back after an invocation.
        case retired
        /// The host ended it for another reason.
        case host
    }

    /// What could not be put back, of ``Reason/retired``.
    public enum Retirement: String, Sendable, CaseIterable {
        case memory
        case threads
        case process
        case loading
    }

    public let functionID: FunctionID
    public let revision: String
    public let reason: Reason
    public let retirement: Retirement?

    public init(functionID: FunctionID, revision: String, reason: Reason, retirement: Retirement? = nil) {
        self.functionID = functionID
        self.revision = revision
        self.reason = reason
        self.retirement = retirement
    }
}
