import FunctionModel
import NIOCore
import Synchronization

/// One call of a function, from submission to its one outcome.
final class Invocation: Sendable {
    /// Told the outcome once, on whichever thread it comes about.
    typealias Completion = @Sendable (InvocationOutcome) -> Void

    /// Grows from one invocation to the next.
    let id: UInt64
    let function: Function
    let requestID: String
    let event: ByteBuffer
    /// Nanoseconds of the monotonic clock; nil: none.
    let deadline: Int64?
    let timeoutMillis: Int
    private let logLimit: Int
    private let onLogLine: (@Sendable (LogLine) -> Void)?
    private let state: Mutex<State>

    private enum Phase {
        /// Nobody waits for the outcome yet.
        case new
        case waiting(Completion)
        case running(Completion, Worker)
        case finished
    }

    private struct State {
        var phase: Phase = .new
        var logs: [LogLine] = []
        var logBytes = 0
        var attempts = 0
    }

    init(
        id: UInt64, function: Function, requestID: String, event: ByteBuffer, deadline: Int64?, timeoutMillis: Int,
        logLimit: Int,
        onLogLine: (@Sendable (LogLine) -> Void)? = nil
    ) {
        self.id = id
        self.function = function
        self.requestID = requestID
        self.event = event
        self.deadline = deadline
        self.timeoutMillis = timeoutMillis
        self.logLimit = logLimit
        self.onLogLine = onLogLine
        state = Mutex(State())
    }

    /// From now on somebody waits. Returns false if the invocation has been cancelled before; `completion` has been
    /// told then.
    func wait(_ completion: @escaping Completion) -> Bool {
        let isNew = state.withLock { state in
            guard case .new = state.phase else { return false }
            state.phase = .waiting(completion)
            return true
        }
        if !isNew { completion(InvocationOutcome(.failure(CancellationError()), logs: [])) }
        return isNew
    }

    /// The worker takes it on. Returns false if it is no longer wanted.
    func begin(on worker: Worker) -> Bool {
        state.withLock { state in
            guard case .waiting(let completion) = state.phase else { return false }
            state.phase = .running(completion, worker)
            return true
        }
    }

    /// The worker has ended without having taken it on: it waits again. Returns false if it is no longer wanted, or if
    /// this has happened too often to be an accident.
    func beginAgain() -> Bool {
        state.withLock { state in
            guard case .running(let completion, _) = state.phase, state.attempts < Self.maximumAttempts else {
                return false
            }
            state.attempts += 1
            state.phase = .waiting(completion)
            return true
        }
    }

    private static let maximumAttempts = 3

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
        case .waiting(let completion):
            completion(InvocationOutcome(result, logs: logs))
            return nil
        case .running(let completion, let worker):
            completion(InvocationOutcome(result, logs: logs))
            return worker
        case .new, .finished:
            return nil
        }
    }

    /// Keeps a line, or hands it on, up to the limit; then one notice that more was written.
    func add(_ line: LogLine) {
        let shown: LogLine? = state.withLock { state in
            guard state.logBytes <= logLimit else { return nil }
            state.logBytes += BoundedLog.cost(of: line)
            let line =
                state.logBytes <= logLimit
                ? line : BoundedLog.notice(limit: logLimit)
            if onLogLine == nil { state.logs.append(line) }
            return line
        }
        if let shown { onLogLine?(shown) }
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
