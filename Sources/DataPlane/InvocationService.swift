import FunctionModel
import HostMemory
import NIOCore
import Telemetry

/// What the fast path needs of the host's use cases.
package protocol InvocationService: Sendable {
    /// The budget that bodies and responses draw from.
    var memory: ByteBudget { get }

    /// Finds the function as it is stored now.
    ///
    /// - Parameter completion: called at once, on the caller's stack, if the function is in memory; else later on
    ///   `eventLoop`.
    func resolve(
        _ reference: FunctionReference, on eventLoop: any EventLoop,
        _ completion: @escaping @Sendable (Result<Function, any Error>) -> Void)

    /// A call that has not started.
    func invocation(of function: Function, event: ByteBuffer, requestID: String, timeoutMillis: Int?)
        -> any InvocationHandle
}

/// What is known of a call besides its result.
package struct InvocationReport: Sendable {
    /// nil: nothing is observed.
    package let record: InvocationRecord?
    /// What the function wrote.
    package let logs: [LogLine]

    package init(record: InvocationRecord?, logs: [LogLine]) {
        self.record = record
        self.logs = logs
    }
}

/// One call of a function, from its start to its one outcome.
package protocol InvocationHandle: Sendable {
    /// The trace that the client gave. To be called before the call starts.
    func belongs(to trace: TraceContext)

    /// Valid once the call's completion has been called.
    var report: InvocationReport? { get }

    /// - Parameter reservedBytes: bytes of the memory budget that the caller has reserved for the event. The call
    ///   releases them with its outcome.
    /// - Parameter completion: called once with the result as JSON text, on any thread, perhaps before this returns.
    func start(reservedBytes: Int, _ completion: @escaping @Sendable (Result<ByteBuffer, any Error>) -> Void)

    /// Ends the call. `completion` is called, if it has not been.
    func cancel()
}

extension InvocationHandle {
    package func belongs(to trace: TraceContext) {}
    package var report: InvocationReport? { nil }
}
