import DataPlane
import FunctionModel
import FunctionService
import HostMemory
import NIOCore
import Telemetry

/// Gives the fast path the use cases that it needs.
struct ServedFunctions: InvocationService {
    let service: FunctionService
    let observers: [any InvocationObserver]

    var memory: ByteBudget { service.memory }

    func resolve(
        _ id: FunctionID, on eventLoop: any EventLoop,
        _ completion: @escaping @Sendable (Result<Function, any Error>) -> Void
    ) {
        service.resolve(id, on: eventLoop, completion)
    }

    func invocation(of function: Function, event: ByteBuffer, requestID: String, timeoutMillis: Int?)
        -> any InvocationHandle
    {
        Invocation(
            pending: service.invocation(
                of: function, event: event, requestID: requestID, timeoutMillis: timeoutMillis, trigger: .http),
            function: function, requestID: requestID, eventBytes: event.readableBytes, memory: memory,
            observers: observers)
    }

    private struct Invocation: InvocationHandle {
        let pending: PendingInvocation
        let function: Function
        let requestID: String
        let eventBytes: Int
        let memory: ByteBudget
        let observers: [any InvocationObserver]

        func start(reservedBytes: Int, _ completion: @escaping @Sendable (Result<ByteBuffer, any Error>) -> Void) {
            pending.start { outcome in
                memory.release(reservedBytes)
                if !observers.isEmpty { tell(outcome) }
                completion(outcome.result)
            }
        }

        func cancel() { pending.cancel() }

        private func tell(_ outcome: CallOutcome) {
            var resultBytes = 0
            let end: InvocationRecord.Outcome
            switch outcome.result {
            case .success(let result):
                resultBytes = result.readableBytes
                end = .result
            case .failure(let error as any FunctionError): end = .failure(error)
            case .failure: end = .cancelled
            }
            var record = InvocationRecord(
                requestID: requestID, functionID: function.id, revision: function.revision, trigger: .http, outcome: end
            )
            record.eventBytes = eventBytes
            record.resultBytes = resultBytes
            for observer in observers { observer.invocationEnded(record, logs: outcome.logs) }
        }
    }
}
