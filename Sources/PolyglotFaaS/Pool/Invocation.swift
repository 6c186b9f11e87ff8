import FunctionModel
import NIOCore
import Synchronization

/// One call of a function, from submission to its one outcome.
final class Invocation: Sendable {
    /// Grows from one invocation to the next.
    let id: UInt64
    let function: FunctionKey
    let requestID: String
    let event: ByteBuffer
    /// Nanoseconds of the monotonic clock; nil: none.
    let deadline: Int64?
    let timeoutMillis: Int
    private let logLimit: Int
    private let state: Mutex<State>

    private enum Phase {
        /// Nobody waits for the outcome yet.
        case new
        case waiting(CheckedContinuation<InvocationOutcome, Never>)
        case running(CheckedContinuation<InvocationOutcome, Never>, Worker)
        case finished
    }

    private struct State {
        var phase: Phase = .new
        var logs: [LogLine] = []
        var logBytes = 0
    }

    init(
        id: UInt64, function: FunctionKey, requestID: String, event: ByteBuffer, deadline: Int64?, timeoutMillis: Int, logLimit: Int
    ) {
        self.id = id
        self.function = function
        self.requestID = requestID
        self.event = event
        self.deadline = deadline
        self.timeoutMillis = timeoutMillis
        self.logLimit = logLimit
        state = Mutex(State())
    }

    /// From now on somebody waits. Returns false if the invocation has been cancelled before; the continuation is resumed then.
    func wait(_ continuation: CheckedContinuation<InvocationOutcome, Never>) -> Bool {
        let isNew = state.withLock { state in
            guard case .new = state.phase else { return false }
            state.phase = .waiting(continuation)
            return true
        }
        if !isNew { continuation.resume(returning: InvocationOutcome(.failure(CancellationError()), logs: [])) }
        return isNew
    }

    /// The worker takes it on. Returns false if it is no longer wanted.
    func begin(on worker: Worker) -> Bool {
        state.withLock { state in
            guard case .waiting(let continuation) = state.phase else { return false }
            state.phase = .running(continuation, worker)
            return true
        }
    }

    /// The worker has ended without having taken it on: it waits again. Returns false if it is no longer wanted.
    func beginAgain() -> Bool {
        state.withLock { state in
            guard case .running(let continuation, _) = state.phase else { return false }
            state.phase = .waiting(continuation)
            return true
        }
    }

    /// The first outcome wins; later ones are ignored.
    /// - Returns: the worker it was running on, if this was the first outcome.
    @discardableResult
    func finish(_ result: Result<ByteBuffer, any Error>) -> Worker? {
        let (phase, logs) = state.withLock { state in
            let phase = state.phase
            state.phase = .finished
            return (phase, state.logs)
        }
        switch phase {
        case .waiting(let continuation):
            continuation.resume(returning: InvocationOutcome(result, logs: logs))
            return nil
        case .running(let continuation, let worker):
            continuation.resume(returning: InvocationOutcome(result, logs: logs))
            return worker
        case .new, .finished:
            return nil
        }
    }

    /// Keeps a line, up to the limit; then one notice that more was written.
    func add(_ line: LogLine) {
        state.withLock { state in
            guard state.logBytes <= logLimit else { return }
            state.logBytes += line.text.utf8.count + 1
            if state.logBytes <= logLimit {
                state.logs.append(line)
            } else {
                state.logs.append(LogLine(level: .warning, text: "[log cut: more than \(logLimit) bytes]"))
            }
        }
    }
}

/// How an invocation ended, inside the package: the result's bytes as the worker sent them.
package struct InvocationOutcome: Sendable {
    package let result: Result<ByteBuffer, any Error>
    package let logs: [LogLine]

    init(_ result: Result<ByteBuffer, any Error>, logs: [LogLine]) {
        self.result = result
        self.logs = logs
    }
}

/// A function as the pool tells it from others: equal only if everything is equal, cheap to hash.
struct FunctionKey: Hashable, Sendable {
    let function: Function

    func hash(into hasher: inout Hasher) {
        // Every invocation hashes this. The revision stands for the content; the size tells most of the rest apart where a
        // caller gave no revision. Equality compares the texts, which is quick when they are the same storage.
        hasher.combine(function.id)
        hasher.combine(function.revision)
        hasher.combine(function.definition.sourceCode.utf8.count)
    }
}
