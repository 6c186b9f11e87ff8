import FunctionModel
import Glibc
import NIOCore
import SystemCalls
import WorkerProtocol

/// Translates what a worker reports, and how it ends, into the errors that callers see.
struct WorkerFailure {
    let function: Function
    let limits: WorkerLimits

    /// - Parameters:
    ///   - event: the event of the invocation that failed; nil while loading.
    ///   - isNearMemoryLimit: whether the worker has been seen with most of the memory that it may have.
    func error(for failure: Failure, event: ByteBuffer? = nil, isNearMemoryLimit: Bool) -> any FunctionError {
        let definition = function.definition
        switch failure.kind {
        case .invalidEvent:
            return InvalidEvent(notJSON: event, engineMessage: failure.message)
        case .handlerNotFound:
            return HandlerNotFound(
                functionName: definition.functionName, languageID: definition.language.id, found: failure.message)
        case .loadError where limits.isRefusedMemory(failure, definition.language):
            return MemoryLimitExceeded(limitMB: limits.memoryMB, whileLoading: true)
        case .loadError:
            return LoadError(failure, sourceName: definition.sourceName)
        case .handlerError where limits.isRefusedMemory(failure, definition.language):
            return MemoryLimitExceeded(limitMB: limits.memoryMB)
        case .sandboxViolation:
            return SandboxViolation()
        case .handlerError:
            return HandlerError(
                errorType: failure.name.isEmpty ? "Error" : failure.name, message: failure.message,
                stackTrace: failure.stackTrace)
        case .resultNotSerializable:
            return ResultNotSerializable(failure.message)
        case .workerError:
            return isNearMemoryLimit ? MemoryLimitExceeded(limitMB: limits.memoryMB) : WorkerCrashed(failure.message)
        }
    }

    /// - Parameter hasRunOutOfMemory: whether the kernel ended it for the memory of its control group.
    func error(
        forEnd exit: ProcessExit?, hasRunOutOfMemory: @autoclosure () -> Bool, isNearMemoryLimit: Bool
    ) -> any FunctionError {
        if exit == .signal(SIGSYS) { return SandboxViolation() }
        if hasRunOutOfMemory() { return MemoryLimitExceeded(limitMB: limits.memoryMB) }
        // An engine that is refused memory may crash instead of reporting it.
        if case .signal(let signal) = exit, isNearMemoryLimit,
            [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGSEGV].contains(signal)
        {
            return MemoryLimitExceeded(limitMB: limits.memoryMB)
        }
        return WorkerCrashed("The worker ended before it answered\(exit.map { ": \($0)" } ?? "").")
    }

    func resultTooLong(_ length: Int) -> any FunctionError {
        ResultNotSerializable(
            "The result is \(length) bytes of JSON; the limit is \(limits.maximumResultBytes) bytes.")
    }

    var loadingTooLong: any FunctionError {
        LoadError("The source did not load within \(limits.loadTimeout / 1_000_000)ms.")
    }
}

extension Failure.Kind {
    /// Whether the process that ran the handler ended instead of answering.
    var isCrash: Bool { self == .workerError || self == .sandboxViolation }
}

extension LoadError {
    fileprivate init(_ failure: Failure, sourceName: String) {
        let line = failure.line > 0 ? Int(failure.line) : nil
        let column = failure.column > 0 ? Int(failure.column) : nil
        // The innermost frame names the file, which may be a dependency's: "at name (file:line:column)" or "at
        // file:line:column".
        let end = line.map { ":\($0)" + (column.map { ":\($0)" } ?? "") } ?? ""
        let frame = failure.stackTrace.first.map { $0.hasSuffix(")") ? $0.dropLast() : $0[...] } ?? ""
        let file =
            frame.hasSuffix(end)
            ? frame.dropLast(end.count).split(whereSeparator: { $0 == "(" || $0 == " " }).last.map(String.init) : nil
        let place = line == nil ? "" : " at \(file ?? sourceName)\(end)"
        let name = failure.name.isEmpty ? "" : "\(failure.name): "
        self.init(
            "The source does not load: \(name)\(failure.message)\(place)", line: line, column: column,
            stackTrace: failure.stackTrace)
    }
}

extension InvalidEvent {
    /// The engine found that the event is wrong; our own reader also says where.
    fileprivate init(notJSON event: ByteBuffer?, engineMessage: String) {
        if let error = event.flatMap({ JSONError.first(in: $0.readableBytesView) }) {
            self.init("The event is not JSON: \(error)")
        } else {
            // It is JSON, but nested deeper or longer than this engine reads.
            self.init("The event cannot be read: \(engineMessage)")
        }
    }
}
