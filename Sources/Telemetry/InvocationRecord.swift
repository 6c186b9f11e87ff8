import FunctionModel

/// What one invocation did, told to every ``InvocationObserver`` once, after its outcome.
public struct InvocationRecord: Sendable {
    /// What caused an invocation.
    public enum Trigger: String, Sendable, CaseIterable {
        case http
        case library
        case commandLine
        /// A deployment makes a worker load the function. The handler is not called, and observers are not
        /// told of it.
        case loadCheck
    }

    /// How an invocation ended.
    public enum Outcome: Sendable {
        case result
        /// `errorType` is the name that the caller sees.
        case failure(any FunctionError)
        /// The caller left or cancelled before there was an outcome.
        case cancelled
    }

    public var requestID: String
    public var functionID: FunctionID
    public var revision: String
    public var trigger: Trigger
    public var outcome: Outcome
    /// Nanoseconds from submission until a worker took it, loading excluded.
    public var queueNanos: Int64 = 0
    /// Nanoseconds that it waited for a worker to be made and to load the function. 0 for a warm one.
    public var loadNanos: Int64 = 0
    /// Nanoseconds from the frame to the worker until its outcome.
    public var handlerNanos: Int64 = 0
    /// Bytes of the event and of the result.
    public var eventBytes = 0
    public var resultBytes = 0
    /// Whether a worker was made for it.
    public var isCold = false

    public init(
        requestID: String, functionID: FunctionID, revision: String, trigger: Trigger, outcome: Outcome
    ) {
        self.requestID = requestID
        self.functionID = functionID
        self.revision = revision
        self.trigger = trigger
        self.outcome = outcome
    }
}

/// Receives the record of each invocation. Called on event loops and worker threads: it must not block.
public protocol InvocationObserver: Sendable {
    /// - Parameter logs: the lines that the function wrote, in order; empty if each was passed on when it was written.
    func invocationEnded(_ record: InvocationRecord, logs: [LogLine])
}
