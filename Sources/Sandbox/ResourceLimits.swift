import Glibc
import SystemCalls
import WorkerProtocol

/// Resource limits of processes. Children inherit them, so most are set once, in the zygote.
enum ResourceLimits {
    /// - Parameter countsProcesses: whether the zygote has a user namespace, so that the kernel counts no other programs
    ///   of the same user.
    static func setForAllWorkers(countsProcesses: Bool) throws(SystemCallError) {
        // A core file would contain other callers' events.
        try set(Self.number(RLIMIT_CORE), 0)
        // The rewinder's descriptors have numbers below this. A guest that opens all others makes only its own calls
        // fail.
        try set(Self.number(RLIMIT_NOFILE), 256)
        // Locked memory and message queues could outlive a call, so workers get none.
        try set(Self.lockedMemory, 0)
        try set(Self.messageQueues, 0)
        // All workers of a zygote together. Each one's own limit is lower.
        if countsProcesses { try set(Self.processes, UInt(64 * TaskLimit.hard)) }
    }

    /// Stops sources that fork without end while they load, and handlers that make threads without end.
    /// - Parameter isCountedAlone: whether the kernel counts this worker's apart from those of the zygote's others.
    static func setProcesses(isCountedAlone: Bool) throws(SystemCallError) {
        try set(Self.processes, UInt(isCountedAlone ? TaskLimit.hard : 2048))
        // The rewinder sends one to each thread. A queue that a guest has filled is full for others only where it is shared.
        if isCountedAlone { try set(Self.pendingSignals, 1024) }
    }

    /// Limits private writable memory to `bytes` more than now. Allocations beyond it fail, which the languages report.
    /// - Parameter temporaryFileBytes: the size of the file system for temporary files; 0 if there is none.
    static func setMemory(bytes: Int, temporaryFileBytes: Int) throws(SystemCallError) {
        try set(number(RLIMIT_DATA), UInt(Memory.privateBytes() + bytes))
        // A file without a name is memory too. The only other writable files are temporary ones, which have their own
        // limit.
        try set(number(RLIMIT_FSIZE), UInt(max(Memory.privateBytes() + bytes, temporaryFileBytes)))
        // Writing past the limit into a file with a large hole is an error for the function; without this a signal ends
        // it.
        if temporaryFileBytes > 0 { signal(SIGXFSZ, SIG_IGN) }
    }

    /// Limits of a build: enough for the largest sources, with room, and a bound on builds that never end.
    static func setForBuild() throws(SystemCallError) {
        try set(number(RLIMIT_CORE), 0)
        try set(number(RLIMIT_FSIZE), 0)
        try set(number(RLIMIT_NOFILE), 256)
        try set(number(RLIMIT_DATA), 2 << 30)
        try set(number(RLIMIT_CPU), 60)
        try set(lockedMemory, 0)
        try set(messageQueues, 0)
    }

    // RLIMIT_NPROC, RLIMIT_MEMLOCK and RLIMIT_MSGQUEUE are macros, which Swift does not import.
    private static let processes: __rlimit_resource_t = 6
    private static let pendingSignals: __rlimit_resource_t = 11
    private static let lockedMemory: __rlimit_resource_t = 8
    private static let messageQueues: __rlimit_resource_t = 12

    private static func number(_ limit: __rlimit_resource) -> __rlimit_resource_t {
        __rlimit_resource_t(limit.rawValue)
    }

    private static func set(_ number: __rlimit_resource_t, _ value: UInt) throws(SystemCallError) {
        var now = rlimit()
        getrlimit(number, &now)
        // A lower limit stays: an administrator chose it, and raising it needs a privilege.
        let value = min(value, UInt(now.rlim_max))
        var limit = rlimit(rlim_cur: value, rlim_max: value)
        guard setrlimit(number, &limit) == 0 else { throw SystemCallError("setrlimit", code: errno) }
    }
}
