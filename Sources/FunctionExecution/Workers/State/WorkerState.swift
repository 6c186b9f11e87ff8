import FunctionModel
import SystemCalls
import WorkerProtocol

/// What one worker is doing, and what follows from what it says, from the time, and from its end.
///
/// Pure: it takes an event and returns what is to be done. ``Worker`` carries that out. Two things are decided
/// elsewhere, on any thread, and come as arguments: whether the worker has been told to end (`isEnding`), and the time
/// (nanoseconds of the monotonic clock).
///
/// Every invocation has one outcome: the first frame that answers it, else the end of the process. The end of the
/// process and the end of its stream come in any order, and the worker has ended when both are known.
struct WorkerState<Call: AnyObject> {
    enum Phase {
        /// It has yet to say that it has loaded its function.
        case loading
        /// Pristine, without an invocation.
        case ready
        case running(Call)
        /// It has answered and goes back to its state as just loaded. `next` has been sent ahead to it.
        case restoring(next: Call?)
        /// It takes nothing more: its function does not load, or its end has been reported.
        case ended
    }

    private enum Stream { case opening, open, closed }

    private enum Process: Equatable {
        case running
        /// nil: it ended in an unknown way, with its zygote or before it was made.
        case ended(ProcessExit?)
    }

    private(set) var phase = Phase.loading {
        didSet { phaseCount += 2 }
    }
    private var phaseCount = Self.loadingActivity
    /// ``activity`` until it has loaded.
    static var loadingActivity: UInt64 { 2 }
    private var stream = Stream.opening
    private var process = Process.running
    private var isFunctionSent = false
    private var hasSpoken = false
    private var wasReset = false
    private var hasReportedEnd = false
    /// Whether the worker may say which modules it has learned: once, before it is ready after its first call.
    private var mayReportImports = false

    /// What the host found wrong first. It says more than how the process ended.
    private(set) var fault: (any FunctionError)?

    /// When loading or restoring must be over; 0: it does neither.
    private(set) var preparationDeadline: Int64
    private let loadTimeout: Int64

    /// How long its zygote may take to make the process, in nanoseconds. The zygote may have to start first, and may
    /// have other workers to make.
    static var forkTimeout: Int64 { 60_000_000_000 }

    /// - Parameter loadTimeout: how long the function may take to load, and each restore, in nanoseconds.
    init(loadTimeout: Int64, now: Int64) {
        self.loadTimeout = loadTimeout
        preparationDeadline = later(now, by: Self.forkTimeout)
    }

    /// Names the present phase among all that this worker goes through. Odd: it runs an invocation. ``isAtWork(_:)``
    /// tells whether it is ready.
    var activity: UInt64 {
        switch phase {
        case .ready: phaseCount | Self.idle
        case .running: phaseCount | 1
        case .loading, .restoring, .ended: phaseCount
        }
    }

    private static var idle: UInt64 { 1 << 63 }

    /// Whether an ``activity`` is an invocation.
    static func isInvocation(_ activity: UInt64) -> Bool { activity & 1 == 1 }

    /// Whether an ``activity`` is anything but waiting for an invocation.
    static func isAtWork(_ activity: UInt64) -> Bool { activity & idle == 0 }

    var isLoading: Bool { if case .loading = phase { true } else { false } }

    /// Whether it may be importing what its first call has imported.
    var isLearning: Bool { if case .restoring = phase { mayReportImports } else { false } }

    // MARK: Start

    /// The process exists. The function's time to load begins now: making the process took the zygote's time.
    mutating func processWasMade(now: Int64) {
        if isLoading { preparationDeadline = later(now, by: loadTimeout) }
    }

    /// The worker was told to learn the imports of its first call.
    mutating func learns() { mayReportImports = true }

    /// The stream is open. Returns whether to send the function; else the stream is to be closed.
    mutating func streamOpened() -> Bool {
        // The worker may have ended before this is called.
        guard stream == .opening else { return false }
        stream = .open
        isFunctionSent = process == .running && fault == nil
        return isFunctionSent
    }

    // MARK: Invocations

    /// Returns whether the invocation is to be sent. If not, the worker does not take it.
    mutating func begin(_ call: Call, isEnding: Bool) -> Bool {
        guard case .ready = phase, stream == .open, !isEnding else { return false }
        phase = .running(call)
        return true
    }

    /// The same for an invocation that goes to a worker which is still restoring.
    mutating func beginAhead(_ call: Call, isEnding: Bool) -> Bool {
        guard case .restoring(next: nil) = phase, stream == .open, !isEnding else { return false }
        phase = .restoring(next: call)
        return true
    }

    /// Whether it runs this invocation, or has it to run next.
    func has(_ call: Call) -> Bool {
        switch phase {
        case .running(let current): current === call
        case .restoring(let next?): next === call
        default: false
        }
    }

    // MARK: Frames

    enum FrameAction {
        case ignore
        /// It has loaded its function.
        case loaded
        case restored
        /// It has restored and runs the invocation that had been sent ahead.
        case restoredAndRuns
        case failLoading
        /// The payload has the modules that are in its snapshot.
        case addImports
        case keepLoadLine
        case addLine(to: Call)
        /// The payload is the outcome. ``answered(now:)`` follows if it can be read.
        case answer(Call)
        /// The worker cannot be trusted.
        case refuse
    }

    /// A frame of this kind has come.
    mutating func received(_ kind: Frame.FromWorker, isEnding: Bool) -> FrameAction {
        switch (kind, phase) {
        // It was told to end after it had sent this. What was sent ahead to it goes to another.
        case (.ready, _) where isEnding: return .ignore
        case (.ready, .restoring(let next?)):
            mayReportImports = false
            phase = .running(next)
            preparationDeadline = 0
            return .restoredAndRuns
        case (.ready, .restoring):
            mayReportImports = false
            phase = .ready
            preparationDeadline = 0
            return .restored
        case (.ready, .loading):
            phase = .ready
            preparationDeadline = 0
            return .loaded
        case (.log, .loading):
            hasSpoken = true
            return .keepLoadLine
        // The lines of the first load, again after each invocation.
        case (.log, .restoring): return .ignore
        case (.log, .running(let call)): return .addLine(to: call)
        case (.imports, .restoring) where mayReportImports:
            mayReportImports = false
            return .addImports
        case (.result, .running(let call)), (.failure, .running(let call)): return .answer(call)
        case (.loadFailed, .loading): return .failLoading
        case (_, .ended): return .ignore
        default: return .refuse
        }
    }

    /// Whether a frame of this kind may come now. Asked for a frame that has only begun, before its payload is kept.
    func expects(_ kind: Frame.FromWorker, isEnding: Bool) -> Bool {
        var copy = self
        if case .refuse = copy.received(kind, isEnding: isEnding) { return false }
        return true
    }

    /// The invocation that it runs has its outcome.
    mutating func answered(now: Int64) {
        preparationDeadline = later(now, by: loadTimeout)
        phase = .restoring(next: nil)
    }

    // MARK: Faults

    /// The host found something wrong. The first one counts.
    mutating func note(_ error: any FunctionError) { fault = fault ?? error }

    /// The function does not load.
    mutating func loadingFailed(_ error: any FunctionError) {
        note(error)
        preparationDeadline = 0
        phase = .ended
    }

    enum Overdue { case loading, restoring }

    /// The time of this deadline has come. nil: it has been kept, or another one counts by now.
    func overdue(at deadline: Int64) -> Overdue? {
        guard deadline != 0, deadline == preparationDeadline else { return nil }
        return isLoading ? .loading : .restoring
    }

    // MARK: The end

    enum EndAction {
        case none
        /// What the process wrote before it ended is still to be read; then comes the end of the stream. It must not
        /// wait for others that have inherited the stream's other side.
        case stopReading
        /// The stream is to be closed.
        case closeStream
        /// The zygote will say how the process ended.
        case awaitProcessEnd
        /// Both ends are known.
        case end
    }

    /// The process has ended. nil: in an unknown way.
    mutating func processEnded(_ exit: ProcessExit?) -> EndAction {
        if process == .running { process = .ended(exit) }
        switch stream {
        case .opening: return .none
        case .open: return .stopReading
        case .closed: return .end
        }
    }

    /// The worker is given up: the stream closes whatever it still holds.
    func giveUp() -> EndAction {
        switch stream {
        case .opening: .none
        case .open: .closeStream
        case .closed: process == .running ? .none : .end
        }
    }

    /// The process ended before it had read all that was sent to it, or the function could not be sent.
    mutating func streamWasReset() { wasReset = wasReset || isLoading && !hasSpoken }

    mutating func streamClosed() -> EndAction {
        stream = .closed
        return process == .running ? .awaitProcessEnd : .end
    }

    enum Ending {
        case lost(Call)
        case notTaken(Call)
        /// It had no invocation.
        case alone
    }

    struct End {
        let ending: Ending
        /// nil: not known.
        let exit: ProcessExit?
        /// What the worker itself shows of the reason. The host may know a better one.
        let cause: WorkerEndCause
    }

    private static func retirement(_ exit: ProcessExit?) -> RetirementReason? {
        guard case .code(let code) = exit else { return nil }
        return RetirementReason(rawValue: code)
    }

    /// The end is certain. nil: it has been reported before.
    mutating func end() -> End? {
        guard !hasReportedEnd else { return nil }
        hasReportedEnd = true
        let exit: ProcessExit? = if case .ended(let exit) = process { exit } else { nil }
        let (ending, cause): (Ending, WorkerEndCause) =
            switch phase {
            case .running(let call): (.lost(call), .function)
            case .restoring(let next):
                (next.map { .notTaken($0) } ?? .alone, Self.retirement(exit).map { WorkerEndCause($0) } ?? .function)
            case .loading:
                (.alone, fault == nil && !hasSpoken && (wasReset || !isFunctionSent) ? .neverTookFunction : .function)
            case .ready, .ended: (.alone, .function)
            }
        preparationDeadline = 0
        phase = .ended
        return End(ending: ending, exit: exit, cause: cause)
    }
}

/// Durations come from settings: the sum is capped instead of overflowing.
private func later(_ now: Int64, by duration: Int64) -> Int64 {
    let (sum, overflows) = now.addingReportingOverflow(duration)
    return overflows ? .max : sum
}
