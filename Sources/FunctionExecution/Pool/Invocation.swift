import FunctionModel
import HostMemory
import NIOCore
import Synchronization
import SystemCalls
import Telemetry

/// What all invocations of a runtime share.
final class InvocationContext: Sendable {
    /// What waiting events and kept log lines are drawn from.
    let memory: ByteBudget
    let observers: [any InvocationObserver]
    /// Takes each log line as it comes. nil: lines are kept for the outcome.
    let onLogLine: (@Sendable (LogLine) -> Void)?
    let now: @Sendable () -> Int64

    init(
        memory: ByteBudget, observers: [any InvocationObserver] = [],
        onLogLine: (@Sendable (LogLine) -> Void)? = nil,
        now: @escaping @Sendable () -> Int64 = MonotonicClock.now
    ) {
        self.memory = memory
        self.observers = observers
        self.onLogLine = onLogLine
        self.now = now
    }

    var overloaded: Overloaded {
        Overloaded("The host's memory for events and results (\(memory.limit >> 20) MB) is in use.")
    }
}

/// One call of a function, from submission to its one outcome.
///
/// `phase` is an atomic state machine, so an invocation takes no lock unless it logs. It also guards the fields marked
/// `nonisolated(unsafe)`: each says which phase change publishes it, and who reads it then.
final class Invocation: Sendable {
    /// Takes the outcome once, on the thread where it comes about.
    typealias Completion = @Sendable (InvocationOutcome) -> Void

    /// Grows from one invocation to the next.
    let id: UInt64
    let function: Function
    let requestID: String
    let event: ByteBuffer
    /// Nanoseconds of the monotonic clock; nil: none.
    let deadline: Int64?
    let timeoutMillis: Int
    private let trigger: InvocationRecord.Trigger
    private let logLimit: Int
    private let context: InvocationContext

    private enum Phase: UInt8, AtomicRepresentable {
        /// Not submitted.
        case new
        case waiting
        case running
        case finished
    }

    private let phase = Atomic(Phase.new)
    /// Written before `new` becomes `waiting`; read by the one caller that makes it `finished` after that.
    private nonisolated(unsafe) var completion: Completion?
    private nonisolated(unsafe) var reservedBytes = 0
    private nonisolated(unsafe) var submitted: Int64 = 0
    /// Written before `waiting` becomes `running`; read by the one caller that makes `running` `finished`.
    private nonisolated(unsafe) var worker: Worker?
    private nonisolated(unsafe) var taken: Int64 = 0
    /// Used by the pool and by the worker that the pool gave this invocation to, one after the other.
    private nonisolated(unsafe) var attempts = 0
    private static let maximumAttempts = 3
    private let loadNanos = Atomic<Int64>(0)

    private struct Logs {
        var lines: [LogLine] = []
        /// What counts toward the limit.
        var bytes = 0
        var reservedBytes = 0
        var isCut = false
        var isClosed = false
    }

    private let logs = Mutex(Logs())
    /// Whether `logs` has ever been used: most invocations log nothing.
    private let hasLogged = Atomic(false)

    /// The trace that its caller gave. Set before it is submitted.
    nonisolated(unsafe) var trace: TraceContext?
    /// What it did, and its log lines. Written before `completion` is called, and read by what that tells. nil: there are
    /// no observers, so no times.
    private(set) nonisolated(unsafe) var record: InvocationRecord?
    private(set) nonisolated(unsafe) var outcomeLogs: [LogLine] = []

    init(
        id: UInt64, function: Function, requestID: String, event: ByteBuffer, deadline: Int64?, timeoutMillis: Int,
        trigger: InvocationRecord.Trigger = .library, logLimit: Int, context: InvocationContext
    ) {
        self.id = id
        self.function = function
        self.requestID = requestID
        self.event = event
        self.deadline = deadline
        self.timeoutMillis = timeoutMillis
        self.trigger = trigger
        self.logLimit = logLimit
        self.context = context
    }

    // MARK: Phases

    /// The caller waits for the outcome from now on.
    ///
    /// - Parameter reservedBytes: what the caller has reserved of the host's memory for the event. It is released with
    ///   the outcome. What is missing is reserved here.
    /// - Returns: false if there is an outcome already, which `completion` has been told: it has been cancelled before,
    ///   or the host has no memory for its event.
    func submit(reservedBytes: Int = 0, _ completion: @escaping Completion) -> Bool {
        let missing = event.readableBytes - reservedBytes
        let fits = context.memory.reserve(missing)
        self.reservedBytes = fits ? max(reservedBytes, event.readableBytes) : reservedBytes
        self.completion = completion
        if !context.observers.isEmpty { submitted = context.now() }
        guard exchange(.new, .waiting) == .new else {
            conclude(.failure(CancellationError()), wasRunning: false)
            return false
        }
        if !fits { finish(.failure(context.overloaded)) }
        return fits
    }

    /// The worker takes it on. Returns false if the caller no longer waits for it.
    func begin(on worker: Worker) -> Bool {
        self.worker = worker
        if !context.observers.isEmpty { taken = context.now() }
        if exchange(.waiting, .running) == .waiting { return true }
        self.worker = nil
        return false
    }

    /// The worker has ended before it took the invocation on, which waits again. Returns false if it is no longer
    /// wanted, or if this has happened too often to be an accident.
    func beginAgain() -> Bool {
        attempts += 1
        guard attempts <= Self.maximumAttempts else { return false }
        let before = exchange(.running, .waiting)
        return before == .running || before == .waiting
    }

    var isFinished: Bool { phase.load(ordering: .acquiring) == .finished }

    /// Notes that a worker was made for this invocation, which waited so long for it.
    func noteLoad(since started: Int64, now: Int64) {
        guard !context.observers.isEmpty else { return }
        loadNanos.add(max(1, now - max(started, submitted)), ordering: .relaxed)
    }

    /// The first outcome wins; later ones are ignored.
    /// - Returns: the worker it was running on, if this was the first outcome.
    @discardableResult
    func finish(_ result: Result<ByteBuffer, any Error>) -> Worker? {
        switch phase.exchange(.finished, ordering: .sequentiallyConsistent) {
        case .new, .finished: return nil
        case .waiting:
            conclude(result, wasRunning: false)
            return nil
        case .running:
            let worker = worker
            self.worker = nil
            conclude(result, wasRunning: true)
            return worker
        }
    }

    private func exchange(_ expected: Phase, _ desired: Phase) -> Phase {
        phase.compareExchange(expected: expected, desired: desired, ordering: .acquiringAndReleasing).original
    }

    private func conclude(_ result: Result<ByteBuffer, any Error>, wasRunning: Bool) {
        let logs = takeLogs()
        let completion = completion
        self.completion = nil
        outcomeLogs = logs.lines
        if !context.observers.isEmpty, trigger != .loadCheck { record = makeRecord(result, wasRunning: wasRunning) }
        completion?(InvocationOutcome(result, logs: logs.lines))
        if let record { for observer in context.observers { observer.invocationEnded(record, logs: logs.lines) } }
        context.memory.release(reservedBytes + logs.reservedBytes)
    }

    // MARK: Logs

    /// Keeps a line, or hands it on, up to the limit; then one notice that more was written.
    func add(_ line: LogLine) {
        hasLogged.store(true, ordering: .sequentiallyConsistent)
        // `finish` changes the phase first and looks for logs then: one of the two sees the other.
        guard phase.load(ordering: .sequentiallyConsistent) != .finished else { return }
        let shown: LogLine? = logs.withLock { logs in
            guard !logs.isCut, !logs.isClosed else { return nil }
            let bytes = BoundedLog.cost(of: line)
            logs.bytes += bytes
            var line = line
            if logs.bytes > logLimit {
                logs.isCut = true
                line = BoundedLog.notice(limit: logLimit)
            } else if context.onLogLine == nil {
                if context.memory.reserve(bytes) {
                    logs.reservedBytes += bytes
                } else {
                    logs.isCut = true
                    line = LogLine(level: .warning, text: "[log cut: \(context.overloaded.message)]")
                }
            }
            if context.onLogLine == nil { logs.lines.append(line) }
            return line
        }
        guard let shown else { return }
        context.onLogLine?(shown)
        guard !context.observers.isEmpty else { return }
        let identity = InvocationIdentity(
            requestID: requestID, functionID: function.id, revision: function.revision)
        for observer in context.observers { observer.invocationLogged(shown, of: identity) }
    }

    private func takeLogs() -> (lines: [LogLine], reservedBytes: Int) {
        guard hasLogged.load(ordering: .sequentiallyConsistent) else { return ([], 0) }
        return logs.withLock { logs in
            logs.isClosed = true
            defer { logs.lines = [] }
            return (logs.lines, logs.reservedBytes)
        }
    }

    // MARK: Its record

    private func makeRecord(_ result: Result<ByteBuffer, any Error>, wasRunning: Bool) -> InvocationRecord {
        let now = context.now()
        var record = InvocationRecord(
            requestID: requestID, functionID: function.id, revision: function.revision, trigger: trigger,
            outcome: .init(result))
        let end = wasRunning ? taken : now
        record.loadNanos = loadNanos.load(ordering: .relaxed)
        record.queueNanos = max(0, end - submitted - record.loadNanos)
        record.handlerNanos = max(0, now - end)
        record.eventBytes = event.readableBytes
        if case .success(let json) = result { record.resultBytes = json.readableBytes }
        record.isCold = record.loadNanos > 0
        record.trace = trace
        return record
    }
}

extension InvocationRecord.Outcome {
    fileprivate init(_ result: Result<ByteBuffer, any Error>) {
        switch result {
        case .success: self = .result
        case .failure(let error as any FunctionError): self = .failure(error)
        case .failure(is CancellationError): self = .cancelled
        case .failure(let error): self = .failure(WorkerCrashed("The invocation failed: \(error)"))
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
