import Glibc
import Synchronization

/// How much processor time a process gets, compared with processes of this process's priority.
public enum ProcessPriority: UInt8, AtomicRepresentable, Sendable {
    /// The same priority as this process.
    case usual
    /// A thirtieth of a core's time where a process of the usual priority wants the same core; all of it otherwise.
    case low
    /// Only the time that no other process wants. Others preempt it at once, on any core.
    case idle

    /// How much `low` adds to the nice value.
    public static let addedNiceness: Int32 = 15

    private static let process = __priority_which_t(PRIO_PROCESS.rawValue)
    private static let usualNiceness = getpriority(process, id_t(getpid()))
    /// SCHED_IDLE: headers declare it only with _GNU_SOURCE.
    private static let idlePolicy: Int32 = 5

    /// Returns false if the kernel does not permit it.
    @discardableResult
    func apply(to thread: pid_t) -> Bool {
        var none = sched_param()
        if self == .idle { return sched_setscheduler(thread, Self.idlePolicy, &none) == 0 }
        let niceness = Self.usualNiceness + (self == .low ? Self.addedNiceness : 0)
        return sched_setscheduler(thread, SCHED_OTHER, &none) == 0
            && setpriority(Self.process, id_t(thread), niceness) == 0
    }

    /// Puts the calling thread before this process's other threads, and before all workers, if the kernel permits it.
    public static func raiseThisThread() {
        _ = setpriority(process, 0, max(-20, usualNiceness - 10))
    }

    /// Whether this process may raise a priority again that it lowered: root may, others as far as RLIMIT_NICE permits.
    /// Tries it on a new thread, which keeps the lower priority if raising fails.
    public static func canBeTakenBack() -> Bool {
        var thread = pthread_t()
        // A thread returns a pointer or nil: any non-nil pointer means success.
        let attempt: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { _ in
            UnsafeMutableRawPointer(bitPattern: ProcessPriority.lowThenUsual() ? 1 : 0)
        }
        guard pthread_create(&thread, nil, attempt, nil) == 0 else { return false }
        var isPossible: UnsafeMutableRawPointer?
        pthread_join(thread, &isPossible)
        return isPossible != nil
    }

    private static func lowThenUsual() -> Bool { low.apply(to: 0) && idle.apply(to: 0) && usual.apply(to: 0) }
}
