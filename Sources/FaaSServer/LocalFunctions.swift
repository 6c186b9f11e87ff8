import DataPlane
import FileStorage
import FunctionModel
import FunctionService
import HostMemory
import NIOCore
import PolyglotFaaS
import Telemetry

/// Functions of a local store, run by a runtime of this process.
struct LocalFunctions: InvocationService {
    let runtime: FunctionRuntime
    let cache: FunctionCache
    let observers: [any InvocationObserver]

    var memory: ByteBudget { runtime.memory }

    func resolve(
        _ id: FunctionID, on eventLoop: any EventLoop,
        _ completion: @escaping @Sendable (Result<Function, any Error>) -> Void
    ) {
        completion(Result { try cache.function(id) })
    }

    func invocation(of function: Function, event: ByteBuffer, requestID: String, timeoutMillis: Int?)
        -> any InvocationHandle
    {
        Invocation(
            pending: FunctionRuntime.PendingInvocation(
                runtime, function, event: event, requestID: requestID, timeoutMillis: timeoutMillis),
            function: function, requestID: requestID, eventBytes: event.readableBytes, observers: observers)
    }

    private struct Invocation: InvocationHandle {
        let pending: FunctionRuntime.PendingInvocation
        let function: Function
        let requestID: String
        let eventBytes: Int
        let observers: [any InvocationObserver]

        func start(_ completion: @escaping @Sendable (Result<ByteBuffer, any Error>) -> Void) {
            pending.start { outcome in
                if !observers.isEmpty { tell(outcome) }
                completion(outcome.result)
            }
        }

        func cancel() { pending.cancel() }

        private func tell(_ outcome: InvocationOutcome) {
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

extension FunctionRuntime {
    var health: ServiceHealth {
        ServiceHealth(
            workers: workerCount, retiredWorkers: retiredWorkerCount, sandbox: configuration.sandbox.rawValue,
            controlGroups: .init(controlGroupReport),
            languages: sandboxReports.map {
                .init(languageID: $0.language.id, engine: $0.engine, layers: $0.layers.map(ServiceHealth.Layer.init))
            })
    }
}

extension ServiceHealth.Layer {
    init(_ layer: SandboxReport.Layer) { self.init(name: layer.name, state: layer.state, detail: layer.detail) }
}
