import Glibc
import SystemCalls

/// Limits that the kernel keeps for each process. They are inherited, so most are set once, in the zygote.
enum ResourceLimits {
    /// - Parameter countsProcesses: whether processes are counted within a user namespace of our own. Elsewhere other
    ///   programs of the same user would be counted too.
    static func setForAllWorkers(countsProcesses: Bool) throws(SystemCallError) {
        // A core file would hold the events of strangers.
        try set(Self.number(RLIMIT_CORE), 0)
        // The rewinder's own are below this; a guest that opens all the others has itself to blame.
        try set(Self.number(RLIMIT_NOFILE), 256)
        // Memory that cannot be swapped, and message queues, outlive no call if there are none.
        try set(Self.lockedMemory, 0)
        try set(Self.messageQueues, 0)
        // Against a source that forks without end while it is loaded, and a handler that does the same with threads.
        // All workers of a language count together.
        if countsProcesses { try set(Self.processes, 2048) }
    }

    /// Private writable memory: `bytes` more than there is now. Allocations past it fail, which the languages report.
    /// - Parameter temporaryFileBytes: the size of the file system for temporary files; 0 if there is none.
    static func setMemory(bytes: Int, temporaryFileBytes: Int) throws(SystemCallError) {
        try set(number(RLIMIT_DATA), UInt(Memory.privateBytes() + bytes))
        // A file without a name is memory too. Of others, only temporary files can be written, and those have a limit
        // of their own.
        try set(number(RLIMIT_FSIZE), UInt(max(Memory.privateBytes() + bytes, temporaryFileBytes)))
        // A file with a large hole has a size past the limit, which is an error for the function, and not its end.
        if temporaryFileBytes > 0 { signal(SIGXFSZ, SIG_IGN) }
    }

    /// For a build: what esbuild needs for the largest sources, with room, and an end to what would never end.
    static func setForBuild() throws(SystemCallError) {
        try set(number(RLIMIT_CORE), 0)
        try set(number(RLIMIT_FSIZE), 0)
        try set(number(RLIMIT_NOFILE), 256)
        try set(number(RLIMIT_DATA), 2 << 30)
        try set(number(RLIMIT_CPU), 60)
        try set(lockedMemory, 0)
        try set(messageQueues, 0)
    }

    // RLIMIT_NPROC, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE: macros that Swift does not import.
    private static let processes: __rlimit_resource_t = 6
    private static let lockedMemory: __rlimit_resource_t = 8
    private static let messageQueues: __rlimit_resource_t = 12

    private static func number(_ limit: __rlimit_resource) -> __rlimit_resource_t {
        __rlimit_resource_t(limit.rawValue)
    }

    private static func set(_ number: __rlimit_resource_t, _ value: UInt) throws(SystemCallError) {
        var now = rlimit()
        getrlimit(number, &now)
        // What is lower already stays: raising it takes a privilege, and somebody wanted it low.
        let value = min(value, UInt(now.rlim_max))
        var limit = rlimit(rlim_cur: value, rlim_max: value)
        guard setrlimit(number, &limit) == 0 else { throw SystemCallError("setrlimit", code: errno) }
    }
}
