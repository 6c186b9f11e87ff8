import DataPlane
import FunctionModel
import FunctionService
import HostMemory
import NIOCore
import Telemetry

/// Gives the fast path the use cases that it needs.
struct ServedFunctions: InvocationService {
    let service: FunctionService

    var memory: ByteBudget { service.memory }

    func resolve(
        _ reference: FunctionReference, on eventLoop: any EventLoop,
        _ completion: @escaping @Sendable (Result<Function, any Error>) -> Void
    ) {
        service.resolve(reference, on: eventLoop, completion)
    }

    func invocation(of function: Function, event: ByteBuffer, requestID: String, timeoutMillis: Int?)
        -> any InvocationHandle
    {
        Invocation(
            pending: service.invocation(
                of: function, event: event, requestID: requestID, timeoutMillis: timeoutMillis, trigger: .http))
    }

    private struct Invocation: InvocationHandle {
        let pending: PendingInvocation

        func start(reservedBytes: Int, _ completion: @escaping @Sendable (Result<ByteBuffer, any Error>) -> Void) {
            pending.start(reservedBytes: reservedBytes, onResult: completion)
        }

        func belongs(to trace: TraceContext) { pending.belongs(to: trace) }

        var report: InvocationReport? { InvocationReport(record: pending.record, logs: pending.logs) }

        func cancel() { pending.cancel() }
    }
}
