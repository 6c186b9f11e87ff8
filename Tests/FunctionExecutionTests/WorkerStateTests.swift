import FunctionModel
import SystemCalls
import Testing
import WorkerProtocol

@testable import FunctionExecution

@Suite struct WorkerStateTests {
    private final class Call {}

    private typealias State = WorkerState<Call>

    private static let second: Int64 = 1_000_000_000

    /// A worker to which the function has been sent.
    private static func loading(now: Int64 = 0) -> State {
        var state = State(loadTimeout: 10 * second, now: now)
        #expect(state.streamOpened() == true)
        return state
    }

    private static func ready() -> State {
        var state = loading()
        #expect(state.received(.ready, isEnding: false) == .loaded)
        return state
    }

    private static func running(_ call: Call) -> State {
        var state = ready()
        #expect(state.begin(call, isEnding: false) == true)
        return state
    }

    private static func restoring(now: Int64 = 0) -> State {
        var state = running(Call())
        state.answered(now: now)
        return state
    }

    // MARK: Invocations

    @Test func `A worker loads, runs, restores and is ready again`() {
        let call = Call()
        var state = Self.loading()
        #expect(state.received(.ready, isEnding: false) == .loaded)
        #expect(state.begin(call, isEnding: false) == true)
        #expect(state.received(.log, isEnding: false) == .addLine(to: call))
        #expect(state.received(.result, isEnding: false) == .answer(call))
        state.answered(now: 5)
        #expect(state.received(.ready, isEnding: false) == .restored)
        #expect(state.begin(Call(), isEnding: false) == true)
    }

    @Test func `An invocation sent ahead runs once the worker has restored`() {
        let next = Call()
        var state = Self.restoring()
        #expect(state.beginAhead(next, isEnding: false) == true)
        #expect(state.beginAhead(Call(), isEnding: false) == false, "one at a time")
        #expect(state.received(.ready, isEnding: false) == .restoredAndRuns)
        #expect(state.received(.failure, isEnding: false) == .answer(next))
    }

    @Test func `Only a ready worker with an open stream that is not told to end begins an invocation`() {
        var closed = Self.ready()
        _ = closed.streamClosed()
        var opening = State(loadTimeout: 1, now: 0)
        var (loading, ready, running, restoring) = (
            Self.loading(), Self.ready(), Self.running(Call()), Self.restoring()
        )
        #expect(closed.begin(Call(), isEnding: false) == false)
        #expect(opening.begin(Call(), isEnding: false) == false)
        #expect(loading.begin(Call(), isEnding: false) == false)
        #expect(running.begin(Call(), isEnding: false) == false)
        #expect(restoring.begin(Call(), isEnding: false) == false)
        #expect(ready.begin(Call(), isEnding: true) == false)
        #expect(ready.begin(Call(), isEnding: false) == true)
    }

    @Test func `Nothing is sent ahead to a worker that is told to end, has lost its stream or is not restoring`() {
        var closed = Self.restoring()
        _ = closed.streamClosed()
        var (ready, restoring) = (Self.ready(), Self.restoring())
        #expect(closed.beginAhead(Call(), isEnding: false) == false)
        #expect(ready.beginAhead(Call(), isEnding: false) == false)
        #expect(restoring.beginAhead(Call(), isEnding: true) == false)
        #expect(restoring.beginAhead(Call(), isEnding: false) == true)
    }

    @Test func `A worker has the invocation that it runs and the one sent ahead, until each is answered`() {
        let (call, next) = (Call(), Call())
        var state = Self.running(call)
        #expect(state.has(call) && !state.has(next))
        state.answered(now: 0)
        #expect(!state.has(call))
        #expect(state.beginAhead(next, isEnding: false) == true)
        #expect(state.has(next) && !state.has(call))
    }

    // MARK: Frames at the wrong time

    @Test(arguments: [Frame.FromWorker.result, .failure, .loadFailed, .log, .ready, .imports])
    func `A ready worker may send nothing`(kind: Frame.FromWorker) {
        var state = Self.ready()
        #expect(!state.expects(kind, isEnding: false))
        #expect(state.received(kind, isEnding: false) == .refuse)
    }

    @Test func `A worker says once what it has learned, after its first answer and before it is ready`() {
        func learner() -> State {
            var state = State(loadTimeout: 10 * Self.second, now: 0)
            state.learns()
            #expect(state.streamOpened() == true)
            return state
        }
        var state = learner()
        #expect(state.received(.imports, isEnding: false) == .refuse, "not while loading")
        state = learner()
        #expect(state.received(.ready, isEnding: false) == .loaded && !state.isLearning)
        #expect(state.received(.imports, isEnding: false) == .refuse, "not while ready")
        state = learner()
        #expect(state.received(.ready, isEnding: false) == .loaded)
        #expect(state.begin(Call(), isEnding: false) == true)
        #expect(!state.expects(.imports, isEnding: false), "not while it runs")
        state.answered(now: 0)
        #expect(state.isLearning && state.expects(.imports, isEnding: false))
        #expect(state.received(.imports, isEnding: false) == .addImports)
        #expect(!state.isLearning)
        #expect(state.received(.imports, isEnding: false) == .refuse, "once")
    }

    @Test(arguments: [false, true])
    func `A worker that has gone back once, or was not told to learn, has nothing to say of it`(isTold: Bool) {
        var state = State(loadTimeout: 10 * Self.second, now: 0)
        if isTold { state.learns() }
        #expect(state.streamOpened() == true)
        #expect(state.received(.ready, isEnding: false) == .loaded)
        for _ in 0..<(isTold ? 2 : 1) {
            #expect(state.begin(Call(), isEnding: false) == true)
            state.answered(now: 0)
            if isTold { #expect(state.received(.ready, isEnding: false) == .restored) }
        }
        #expect(state.received(.imports, isEnding: false) == .refuse)
    }

    @Test(arguments: [Frame.FromWorker.result, .failure])
    func `A worker that loads has nothing to answer`(kind: Frame.FromWorker) {
        var state = Self.loading()
        #expect(!state.expects(kind, isEnding: false))
        #expect(state.received(kind, isEnding: false) == .refuse)
    }

    @Test(arguments: [Frame.FromWorker.ready, .loadFailed])
    func `A worker that runs has loaded already`(kind: Frame.FromWorker) {
        var state = Self.running(Call())
        #expect(state.received(kind, isEnding: false) == .refuse)
    }

    @Test(arguments: [Frame.FromWorker.result, .failure], [false, true])
    func `A second answer is refused, also when the next invocation has been sent ahead`(
        kind: Frame.FromWorker, isSentAhead: Bool
    ) {
        var state = Self.restoring()
        let next = Call()
        if isSentAhead { #expect(state.beginAhead(next, isEnding: false) == true) }
        #expect(!state.expects(kind, isEnding: false))
        #expect(state.received(kind, isEnding: false) == .refuse)
        // What was sent ahead goes to another worker.
        _ = state.streamClosed()
        #expect(state.end()?.ending == (isSentAhead ? .notTaken(next) : .alone))
    }

    @Test func `Lines of a load that is repeated are dropped`() {
        var state = Self.restoring()
        #expect(state.received(.log, isEnding: false) == .ignore)
    }

    @Test func `Asking whether a frame may come changes nothing`() {
        let state = Self.loading()
        #expect(state.expects(.ready, isEnding: false) && state.expects(.log, isEnding: false))
        #expect(state.isLoading)
    }

    // MARK: Frames after a kill

    @Test func `A worker that is told to end cannot become ready any more`() {
        var (loading, restoring, ready) = (Self.loading(), Self.restoring(), Self.ready())
        #expect(loading.received(.ready, isEnding: true) == .ignore)
        #expect(loading.isLoading)
        #expect(restoring.received(.ready, isEnding: true) == .ignore)
        #expect(ready.received(.ready, isEnding: true) == .ignore)
        let next = Call()
        #expect(restoring.beginAhead(next, isEnding: false) == true)
        #expect(restoring.received(.ready, isEnding: true) == .ignore)
        #expect(restoring.end()?.ending == .notTaken(next))
    }

    @Test func `An answer that was on its way when the worker was killed counts`() {
        let call = Call()
        var state = Self.running(call)
        #expect(state.received(.log, isEnding: true) == .addLine(to: call))
        #expect(state.received(.result, isEnding: true) == .answer(call))
        state.answered(now: 0)
        #expect(state.end()?.ending == .alone)
    }

    @Test(arguments: [Frame.FromWorker.result, .failure, .loadFailed, .log, .ready])
    func `After a failed load, and after the end, frames mean nothing`(kind: Frame.FromWorker) {
        var failed = Self.loading()
        failed.loadingFailed(LoadError("no"))
        #expect(failed.received(kind, isEnding: false) == .ignore)
        var ended = Self.running(Call())
        _ = ended.end()
        #expect(ended.received(kind, isEnding: false) == .ignore)
    }

    // MARK: Time

    @Test func `Making the process has its own time, loading begins when it is made`() {
        var state = State(loadTimeout: 10 * Self.second, now: 100)
        #expect(state.preparationDeadline == 100 + State.forkTimeout)
        state.processWasMade(now: 5 * Self.second)
        #expect(state.preparationDeadline == 15 * Self.second)
        #expect(state.overdue(at: 15 * Self.second) == .loading)
    }

    @Test func `A process that is reported late does not start the time of a worker that has loaded`() {
        var state = Self.ready()
        state.processWasMade(now: 5)
        #expect(state.preparationDeadline == 0)
    }

    @Test func `Restoring has a deadline, running and waiting have none here`() {
        var state = Self.restoring(now: 3)
        #expect(state.preparationDeadline == 3 + 10 * Self.second)
        #expect(state.overdue(at: state.preparationDeadline) == .restoring)
        _ = state.received(.ready, isEnding: false)
        #expect(state.preparationDeadline == 0)
        #expect(state.overdue(at: 0) == nil)
    }

    @Test func `A deadline that has been kept, and one of an earlier restore, mean nothing`() {
        var state = Self.restoring(now: 3)
        let old = state.preparationDeadline
        #expect(state.beginAhead(Call(), isEnding: false) == true)
        #expect(state.received(.ready, isEnding: false) == .restoredAndRuns)
        #expect(state.overdue(at: old) == nil)
        state.answered(now: 4)
        #expect(state.overdue(at: old) == nil)
    }

    @Test func `A timeout near the end of time does not overflow`() {
        var state = State(loadTimeout: .max, now: .max - 1)
        state.processWasMade(now: .max - 1)
        #expect(state.preparationDeadline == .max)
    }

    @Test func `Each activity has its own number, odd when running, and says whether the worker is at work`() {
        var state = Self.loading()
        var seen = [state.activity]
        for _ in 0..<3 {
            _ = state.received(.ready, isEnding: false)
            #expect(!WorkerState<Call>.isAtWork(state.activity))
            seen.append(state.activity)
            #expect(state.begin(Call(), isEnding: false) == true)
            seen.append(state.activity)
            #expect(state.activity % 2 == 1)
            #expect(WorkerState<Call>.isAtWork(state.activity))
            state.answered(now: 0)
            seen.append(state.activity)
            #expect(state.beginAhead(Call(), isEnding: false) == true)
            seen.append(state.activity)
            _ = state.received(.ready, isEnding: false)
            seen.append(state.activity)
            state.answered(now: 0)
        }
        #expect(Set(seen).count == seen.count)
    }

    // MARK: The end

    @Test func `The process may end first: what it wrote is read before the end`() {
        let call = Call()
        var state = Self.running(call)
        #expect(state.processEnded(.code(3)) == .stopReading)
        #expect(state.received(.result, isEnding: false) == .answer(call))
        state.answered(now: 0)
        #expect(state.streamClosed() == .end)
        let end = state.end()
        #expect(end?.ending == .alone && end?.exit == .code(3))
    }

    @Test func `The stream may end first: the zygote then says how the process ended`() {
        let call = Call()
        var state = Self.running(call)
        #expect(state.streamClosed() == .awaitProcessEnd)
        #expect(state.processEnded(.signal(9)) == .end)
        let end = state.end()
        #expect(end?.ending == .lost(call) && end?.exit == .signal(9) && end?.cause == .function)
    }

    @Test func `The end is reported once, and what the zygote says first counts`() {
        var state = Self.ready()
        _ = state.processEnded(.code(1))
        _ = state.processEnded(.code(2))
        _ = state.processEnded(nil)
        #expect(state.streamClosed() == .end)
        #expect(state.end()?.exit == .code(1))
        #expect(state.end() == nil)
        #expect(state.processEnded(.code(1)) == .end, "and then nothing is left to report")
        #expect(state.end() == nil)
    }

    @Test func `A worker whose exit stays unknown ends all the same`() {
        var state = Self.ready()
        #expect(state.streamClosed() == .awaitProcessEnd)
        let end = state.end()
        #expect(end != nil && end?.exit == nil)
    }

    @Test func `Giving up closes an open stream, and ends a worker without one`() {
        var opening = State(loadTimeout: 1, now: 0)
        #expect(opening.giveUp() == .none)
        opening.note(Overloaded("no"))
        #expect(opening.streamOpened() == false, "what is wrong by then keeps the function from being sent")
        #expect(opening.giveUp() == .closeStream)
        var closed = Self.ready()
        _ = closed.streamClosed()
        #expect(closed.giveUp() == .none, "the zygote has yet to say how the process ended")
        _ = closed.processEnded(.code(1))
        #expect(closed.giveUp() == .end)
    }

    @Test func `A stream that closes before it is reported open stays closed`() {
        var state = State(loadTimeout: 1, now: 0)
        #expect(state.streamClosed() == .awaitProcessEnd)
        #expect(state.streamOpened() == false)
        #expect(state.giveUp() == .none)
        #expect(state.processEnded(.signal(9)) == .end)
        #expect(state.end()?.cause == .neverTookFunction)
    }

    @Test func `A process that ended before its stream was open is sent nothing, and took nothing`() {
        var state = State(loadTimeout: 1, now: 0)
        #expect(state.processEnded(.signal(9)) == .none)
        #expect(state.streamOpened() == false)
        #expect(state.giveUp() == .closeStream)
        #expect(state.streamClosed() == .end)
        #expect(state.end()?.cause == .neverTookFunction)
    }

    @Test func `A stream that is reset before the first word says that the function was not read`() {
        var state = Self.loading()
        state.streamWasReset()
        _ = state.streamClosed()
        #expect(state.end()?.cause == .neverTookFunction)
    }

    @Test func `A function that has run is to blame for its worker's end, whatever the stream does`() {
        var ended = Self.loading()
        _ = ended.streamClosed()
        #expect(ended.end()?.cause == .function, "it read its function, and ended")
        var spoke = Self.loading()
        _ = spoke.received(.log, isEnding: false)
        spoke.streamWasReset()
        #expect(spoke.end()?.cause == .function)
        var ran = Self.running(Call())
        ran.streamWasReset()
        #expect(ran.end()?.cause == .function)
        var wrong = Self.loading()
        wrong.streamWasReset()
        wrong.note(WorkerCrashed("The worker sent nonsense."))
        #expect(wrong.end()?.cause == .function)
    }

    @Test func `Only a worker that has answered retires, whatever exit code a guest chooses`() {
        var restoring = Self.restoring()
        _ = restoring.processEnded(.code(RetirementReason.threads.rawValue))
        #expect(restoring.end()?.cause == .retiredForThreads)
        var running = Self.running(Call())
        _ = running.processEnded(.code(RetirementReason.memory.rawValue))
        #expect(running.end()?.cause == .function)
    }

    @Test func `The first fault counts`() {
        var state = Self.running(Call())
        state.note(CPULimitExceeded(limitMillis: 5))
        state.note(WorkerCrashed("later"))
        #expect(state.fault as? CPULimitExceeded == CPULimitExceeded(limitMillis: 5))
        var failed = Self.loading()
        failed.note(MemoryLimitExceeded(limitMB: 1))
        failed.loadingFailed(LoadError("later"))
        #expect(failed.fault is MemoryLimitExceeded)
    }
}

extension WorkerState.FrameAction: Equatable {
    public static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.ignore, .ignore), (.loaded, .loaded), (.restored, .restored), (.restoredAndRuns, .restoredAndRuns),
            (.failLoading, .failLoading), (.keepLoadLine, .keepLoadLine), (.addImports, .addImports),
            (.refuse, .refuse):
            true
        case (.addLine(let left), .addLine(let right)), (.answer(let left), .answer(let right)): left === right
        default: false
        }
    }
}

extension WorkerState.Ending: Equatable {
    public static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.alone, .alone): true
        case (.lost(let left), .lost(let right)), (.notTaken(let left), .notTaken(let right)): left === right
        default: false
        }
    }
}
