import Glibc
import Synchronization

/// When a process gets the processor, beside others of this one's priority.
public enum ProcessPriority: UInt8, AtomicRepresentable, Sendable {
    /// As this process does.
    case usual
    /// A thirtieth of what a usual one gets of a core, where both want it, and all where no other does.
    case low
    /// What others leave. They get the processor at once when they want it, on whichever core.
    case idle

    /// What `low` adds to the niceness.
    public static let addedNiceness: Int32 = 15

    private static let process = __priority_which_t(PRIO_PROCESS.rawValue)
    private static let usualNiceness = getpriority(process, id_t(getpid()))
    /// SCHED_IDLE, which headers declare only to those who define _GNU_SOURCE.
    private static let idlePolicy: Int32 = 5

    /// Returns false if that is not allowed.
    @discardableResult
    func apply(to thread: pid_t) -> Bool {
        var none = sched_param()
        if self == .idle { return sched_setscheduler(thread, Self.idlePolicy, &none) == 0 }
        let niceness = Self.usualNiceness + (self == .low ? Self.addedNiceness : 0)
        return sched_setscheduler(thread, SCHED_OTHER, &none) == 0
            && setpriority(Self.process, id_t(thread), niceness) == 0
    }

    /// Whether this process may take back what it has made of another's: root may, others as far as RLIMIT_NICE lets
    /// them. Tried on a thread made for it, which stays behind if not.
    public static func canBeTakenBack() -> Bool {
        var thread = pthread_t()
        // What a thread can return: a pointer, here to nothing, or nil.
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
