import FunctionModel
import Synchronization
import SystemCalls
import WorkerProtocol

/// Watches one worker's memory and processor time, and decides its priority.
///
/// `@unchecked Sendable`: every `var` is used only by the thread of ``WorkerWatch``; everything else is atomic.
final class WorkerOversight: @unchecked Sendable {
    private let process: WorkerProcess
    private let limits: WorkerLimits
    private let isolation: Isolation
    private let watch: WorkerWatch
    private let postponement: Postponement

    /// ``WorkerState/activity`` as of now.
    private let activity = Atomic<UInt64>(0)
    /// ``Postponement`` says when it is which.
    private let priority: Atomic<ProcessPriority>
    /// It has a lower priority because it computed when it should have been idle.
    private let isPostponedWhileIdle = Atomic<Bool>(false)
    /// The most private memory that it was seen to have in its last invocation, or while loading.
    private let largestMemory = Atomic<Int>(0)
    /// Processor time until it had loaded, in nanoseconds; 0 where it does not matter.
    private let loadTime = Atomic<Int64>(0)
    /// The activity that the watch saw last, and the processor time at that moment: its time counts from there.
    private var watched: (activity: UInt64, processorTime: Int64) = (0, 0)
    /// The same while it is idle.
    private var watchedIdle: (activity: UInt64, processorTime: Int64, isCalm: Bool) = (0, 0, false)
    /// Whether it sleeps.
    private var pulse = WorkerPulse()
    /// The private memory that ``takeGrowth()`` has reported.
    private var reportedMemory = 0
    private var lastMemory = 0
    /// The activity at the last look.
    private var lastSeen: UInt64 = 0
    /// Looks at it while it had several threads.
    private var looks = 0
    /// The threads and processes that it had started, at the last look.
    private var others = 0
    /// How many processors its process leaves to the host.
    private var leftToHost = 0

    /// - Parameter isSuspect: whether its function's last worker ended without an answer.
    init(
        process: WorkerProcess, limits: WorkerLimits, isolation: Isolation, watch: WorkerWatch,
        postponement: Postponement, isSuspect: Bool
    ) {
        self.process = process
        self.limits = limits
        self.isolation = isolation
        self.watch = watch
        self.postponement = postponement
        priority = Atomic(postponement.first(isSuspect: isSuspect, isCrowded: watch.isCrowded))
    }

    // MARK: What the worker does

    /// Called on the worker's event loop at each change.
    func workerDoes(_ activity: UInt64) {
        self.activity.store(activity, ordering: .sequentiallyConsistent)
        // What an earlier invocation used says nothing about the end of this one.
        if WorkerState<Invocation>.isInvocation(activity) { largestMemory.store(0, ordering: .sequentiallyConsistent) }
    }

    /// Whether it is doing something. From any thread.
    var isAtWork: Bool { WorkerState<Invocation>.isAtWork(activity.load(ordering: .relaxed)) }

    /// It has loaded its function.
    /// - Returns: its private memory in bytes; nil: not known.
    func workerHasLoaded() -> Int? {
        guard let usage = process.usage else { return nil }
        if !postponement.isReversible { loadTime.store(usage.processorTime(), ordering: .relaxed) }
        return usage.consumption(mayFork: false).privateBytes
    }

    /// Whether it was seen with most of the memory that it may have, in its last invocation or while loading.
    var isNearMemoryLimit: Bool { largestMemory.load(ordering: .relaxed) > limits.memoryMB << 20 / 4 * 3 }

    // MARK: Limits

    enum Excess {
        case memory
        case processes
        case threads
        /// In this activity.
        case processorTime(UInt64, limitMillis: Int)
    }

    /// Looks at the worker. Called by ``WorkerWatch`` while it is at work.
    ///
    /// A worker that has used no processor since the last look is as it was then. Many workers sleep at a time, and one
    /// system call for each is enough.
    /// - Parameters:
    ///   - now: nanoseconds of the monotonic clock.
    ///   - hasUnread: whether it has sent something that its event loop has not read yet.
    func look(_ hostProcessors: HostProcessors, now: Int64, hasUnread: () -> Bool) -> Excess? {
        let current = activity.load(ordering: .relaxed)
        let isLoading = current == WorkerState<Invocation>.loadingActivity
        // While it loads it may start processes, which multiply.
        if !isLoading, pulse.mayRest(current, now: now) {
            if !watch.isCrowded { endPostponement() }
            return nil
        }
        guard let usage = process.usage else { return nil }
        let time = usage.ownProcessorTime()
        if pulse.isUnchanged(current, time: time) {
            if !watch.isCrowded { endPostponement() }
            pulse.lookAgain(now: now) { state(usage, current, hasUnread) }
            return nil
        }
        let excess = lookAtProcessorTime(usage)
        let seen = activity.load(ordering: .sequentiallyConsistent)
        let consumption = usage.consumption(
            mayFork: isLoading, processLimit: TaskLimit.processes, byteLimit: limits.watchedBytes)
        others = max(0, consumption.threads - 1) + consumption.descendants
        pulse.look(current, time: time, now: now, hasChildren: consumption.descendants > 0) {
            state(usage, current, hasUnread)
        }
        leave(hostProcessors, usage, current)
        lastMemory = consumption.privateBytes
        let largest = largestMemory.load(ordering: .sequentiallyConsistent)
        if consumption.privateBytes > largest {
            largestMemory.store(consumption.privateBytes, ordering: .sequentiallyConsistent)
            // The next invocation may have begun meanwhile: this was not its memory.
            if activity.load(ordering: .sequentiallyConsistent) != seen {
                largestMemory.store(0, ordering: .sequentiallyConsistent)
            }
        }
        if consumption.chargedBytes > limits.watchedBytes { return .memory }
        if consumption.descendants > TaskLimit.processes { return .processes }
        if consumption.threads > 1 { lowerNewThreads(usage) }
        return consumption.threads > TaskLimit.watched ? .threads : excess
    }

    /// A thread that started while the others were being lowered has its starter's old priority, and so have those that
    /// it starts.
    private func lowerNewThreads(_ usage: ProcessUsage) {
        looks &+= 1
        let lowered = priority.load(ordering: .relaxed)
        guard looks % Self.looksBetweenLowering == 0, lowered != .usual else { return }
        usage.setPriority(lowered)
        if priority.load(ordering: .sequentiallyConsistent) == .usual { usage.setPriority(.usual) }
    }
    private static let looksBetweenLowering = 8

    /// Looks at an idle worker. What it sent said that it had finished; if it computes nevertheless, it gets what others
    /// leave, and soon ends.
    /// - Parameter isThorough: otherwise only those that have become idle a moment ago are looked at.
    /// - Returns: whether it has computed for so long that it must end.
    func computesWhileIdle(isThorough: Bool) -> Bool {
        let current = activity.load(ordering: .relaxed)
        guard !WorkerState<Invocation>.isAtWork(current), let usage = process.usage else { return false }
        guard watchedIdle.activity == current else {
            watchedIdle = (current, usage.processorTime(), isCalm: false)
            return false
        }
        guard isThorough || !watchedIdle.isCalm else { return false }
        let used = usage.processorTime() - watchedIdle.processorTime
        watchedIdle.isCalm = used < Self.calmProcessorTime
        if !watchedIdle.isCalm { postponeIdle(usage, current) }
        return used > Self.idleProcessorTime
    }

    /// What an engine may use after a call has ended, for example to finish compiling. In nanoseconds.
    private static let idleProcessorTime: Int64 = 200_000_000
    /// What it may use of that at its usual priority.
    private static let calmProcessorTime: Int64 = 2_000_000

    /// A worker sleeps if it has no processor and wants none. If it has answered, and its event loop is busy with others,
    /// it sleeps too, but not in its call.
    private func state(_ usage: ProcessUsage, _ current: UInt64, _ hasUnread: () -> Bool) -> WorkerPulse.Finding {
        // To ask for each of many threads would take longer than all other looks.
        if others > Self.mostOthers { return .unknown }
        if usage.isRunnable(others: others) { return .awake }
        return hasUnread() || activity.load(ordering: .relaxed) != current ? .unknown : .asleep
    }

    private static let mostOthers = 64

    // MARK: What the pool wants to know

    /// How long it has computed and slept in calls since this was last asked for, in nanoseconds.
    func takeTimesOfCalls() -> (computed: Int64, slept: Int64) {
        let times = pulse.takeTimes()
        return activity.load(ordering: .relaxed) & 1 == 1 ? times : (0, 0)
    }

    /// Whether it is doing something, other than waiting in a call. From the watch's thread.
    var mayCompute: Bool { isAtWork && !pulse.sleeps }

    /// Its private memory, if that has changed notably since it was last asked for.
    func takeGrowth() -> Int? {
        guard abs(lastMemory - reportedMemory) >= Self.notableBytes else { return nil }
        reportedMemory = lastMemory
        return lastMemory
    }
    private static let notableBytes = 256 << 10

    /// Short calls leave the host its processors. A worker that is seen twice at the same call may use all. One that
    /// waits most of the time stays as it is: to move it would cost more than its calls.
    private func leave(_ hostProcessors: HostProcessors, _ usage: ProcessUsage, _ current: UInt64) {
        let isNew = current != lastSeen
        lastSeen = current
        let isShort = isNew && current != WorkerState<Invocation>.loadingActivity
        if isShort, pulse.finding != .awake { return }
        let count = isShort ? hostProcessors.count : 0
        guard count != leftToHost else { return }
        leftToHost = count
        usage.setProcessors(hostProcessors.ofWorkers(leaving: count))
    }

    private func lookAtProcessorTime(_ usage: ProcessUsage) -> Excess? {
        let current = activity.load(ordering: .relaxed)
        let isInvocation = current & 1 == 1
        if !watch.isCrowded { endPostponement() }
        let isLongRestore =
            !isInvocation && current != WorkerState<Invocation>.loadingActivity && watched.activity == current
            && priority.load(ordering: .relaxed) == .low
        let lower: ProcessPriority = isInvocation || isLongRestore ? .idle : .low
        let mayPostpone =
            watch.isCrowded && priority.load(ordering: .relaxed).rawValue < lower.rawValue
            && postponement.isPossible(isInvocation: isInvocation, isolation)
        guard WorkerState<Invocation>.isAtWork(current), mayPostpone || isInvocation && limits.cpuMillis != nil else {
            return nil
        }
        let time = usage.processorTime()
        guard watched.activity == current else {
            watched = (current, time)
            return nil
        }
        let used = time - watched.processorTime
        let longTime =
            isLongRestore
            ? Self.idleProcessorTime : postponement.longTime(loadTime: loadTime.load(ordering: .relaxed))
        if mayPostpone, used > longTime {
            postpone(usage, current, lower)
        }
        guard isInvocation, let limit = limits.cpuMillis, used / 1_000_000 >= limit else { return nil }
        return .processorTime(current, limitMillis: limit)
    }

    // MARK: Priority

    /// What its zygote gives its process.
    var forkPriority: ProcessPriority { priority.load(ordering: .sequentiallyConsistent) }

    /// The process exists, with the priority that its zygote gave it, or a spare's.
    func beginPostponement() {
        guard postponement.isReversible, let usage = process.usage else { return }
        if !watch.isCrowded { priority.store(.usual, ordering: .sequentiallyConsistent) }
        usage.setPriority(priority.load(ordering: .sequentiallyConsistent))
        // `endPostponement` may have run between these two lines.
        if priority.load(ordering: .sequentiallyConsistent) == .usual { usage.setPriority(.usual) }
    }

    /// It is about to be killed, and others need its memory.
    func hurry() { process.usage?.setPriority(.usual) }

    /// Returns false if the activity had ended.
    @discardableResult
    private func postpone(_ usage: ProcessUsage, _ current: UInt64, _ lower: ProcessPriority) -> Bool {
        priority.store(lower, ordering: .sequentiallyConsistent)
        usage.setPriority(lower)
        // Its event loop may have ended the activity meanwhile. If so, either `endPostponement` saw the new priority,
        // or the change of activity is seen here.
        guard postponement.isReversible, activity.load(ordering: .sequentiallyConsistent) != current else {
            return true
        }
        priority.store(.usual, ordering: .sequentiallyConsistent)
        usage.setPriority(.usual)
        return false
    }

    /// - Parameter current: its activity, in which it should be idle.
    private func postponeIdle(_ usage: ProcessUsage, _ current: UInt64) {
        // A worker that is lowered already stays so until its first answer.
        guard watch.isCrowded, postponement.isReversible, priority.load(ordering: .sequentiallyConsistent) == .usual
        else { return }
        isPostponedWhileIdle.store(true, ordering: .sequentiallyConsistent)
        if !postpone(usage, current, .idle) { isPostponedWhileIdle.store(false, ordering: .sequentiallyConsistent) }
    }

    /// It begins an invocation after having been idle.
    func wakes() {
        guard isPostponedWhileIdle.load(ordering: .sequentiallyConsistent) else { return }
        isPostponedWhileIdle.store(false, ordering: .sequentiallyConsistent)
        endPostponement()
    }

    func endPostponement() {
        guard postponement.isReversible, priority.exchange(.usual, ordering: .sequentiallyConsistent) != .usual else {
            return
        }
        process.usage?.setPriority(.usual)
    }

    /// Whether it serves slowly from now on, so that another worker should take its place.
    var isPostponedForGood: Bool {
        !postponement.isReversible && priority.load(ordering: .sequentiallyConsistent) != .usual
    }
}
