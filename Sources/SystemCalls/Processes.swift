import CLinuxShims
import Glibc

/// How a process ended.
public enum ProcessExit: Equatable, Sendable, CustomStringConvertible {
    case code(Int32)
    case signal(Int32)

    /// Reads the status word that `waitpid` stores.
    public init(waitStatus status: Int32) {
        let signal = status & 0x7f
        self = signal == 0 ? .code((status >> 8) & 0xff) : .signal(signal)
    }

    /// The status word, without the parts that are not kept.
    public var waitStatus: Int32 {
        switch self {
        case .code(let code): code << 8
        case .signal(let signal): signal
        }
    }

    public var description: String {
        switch self {
        case .code(let code): "exit code \(code)"
        case .signal(let signal): "signal \(signal) (\(String(cString: strsignal(signal))))"
        }
    }
}

public enum ForkSide: Sendable {
    case parent(child: pid_t)
    case child
}

/// Starts, ends and collects processes.
public enum Processes {
    /// - Precondition: the calling process has exactly one thread (``threadCount()``).
    public static func fork() throws(SystemCallError) -> ForkSide {
        let pid = faas_fork()
        guard pid >= 0 else { throw .last("fork") }
        return pid == 0 ? .child : .parent(child: pid)
    }

    /// Zeroes 32 KiB of the stack below the caller, where earlier calls left values. Frames of later calls have parts
    /// that they do not write, and JavaScriptCore's collector treats every value there that looks like a pointer as
    /// one: it would keep an unused context alive, with all that is in it. The collector itself is called with much
    /// less than 32 KiB of stack below the caller.
    public static func clearDeadStack() { faas_clear_dead_stack() }

    /// Starts a program with `socket` as its descriptor 3 and with only this environment.
    public static func spawn(
        _ path: String, arguments: [String], environment: [String], socket: Int32
    ) throws(SystemCallError) -> pid_t {
        try start(path, arguments, environment, socket, call: "posix_spawn", faas_spawn)
    }

    /// The same, in namespaces of its own; see `faas_spawn_isolated`. Throws where the kernel does not permit that.
    public static func spawnIsolated(
        _ path: String, arguments: [String], environment: [String], socket: Int32
    ) throws(SystemCallError) -> pid_t {
        try start(path, arguments, environment, socket, call: "clone", faas_spawn_isolated)
    }

    private typealias Texts = UnsafePointer<UnsafeMutablePointer<CChar>?>

    private static func start(
        _ path: String, _ arguments: [String], _ environment: [String], _ socket: Int32, call: String,
        _ spawn: (UnsafeMutablePointer<pid_t>, UnsafePointer<CChar>, Texts, Texts, Int32) -> Int32
    ) throws(SystemCallError) -> pid_t {
        let argv = ([path] + arguments).map { strdup($0) } + [nil]
        let envp = environment.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let code = spawn(&pid, path, argv, envp, socket)
        guard code == 0 else { throw SystemCallError("\(call) \(path)", code: code) }
        return pid
    }

    /// Replaces this process by another program, with the same environment. Returns only if that fails.
    public static func become(_ path: String, arguments: [String]) -> SystemCallError {
        let argv = ([path] + arguments).map { strdup($0) } + [nil]
        execv(path, argv)
        return .last("execve \(path)")
    }

    /// Sets the priority of a child that has one thread.
    public static func setPriority(_ priority: ProcessPriority, of child: pid_t) { priority.apply(to: child) }

    /// Opens a pidfd: it refers to this process even after the pid is reused.
    /// - Precondition: `pid` is an uncollected child of the caller. Otherwise the pid may already be another process's.
    public static func openHandle(_ pid: pid_t) throws(SystemCallError) -> Int32 {
        try checked("pidfd_open", faas_pidfd_open(pid))
    }

    /// Opens a handle of a child that the caller has just spawned. If the kernel cannot open one, the child is killed
    /// and collected before the error is thrown, so that no zombie remains.
    ///
    /// - Parameter open: opens the handle. Tests make it fail.
    public static func takeHandle(
        ofChild pid: pid_t, open: (pid_t) throws(SystemCallError) -> Int32 = openHandle
    ) throws(SystemCallError) -> Int32 {
        do {
            return try open(pid)
        } catch {
            kill(child: pid)
            _ = try? wait(for: pid)
            throw error
        }
    }

    /// Kills the process. It is not an error if it has ended already.
    public static func kill(handle: Int32) {
        _ = faas_pidfd_kill(handle, SIGKILL)
    }

    /// Whether the process has ended. It may not have been collected yet.
    public static func hasEnded(handle: Int32) -> Bool { waitForEnd(handle: handle, timeoutMillis: 0) }

    /// Waits until the process ends, at most this long. Returns whether it has ended.
    public static func waitForEnd(handle: Int32, timeoutMillis: Int32) -> Bool {
        var entry = pollfd(fd: handle, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, timeoutMillis) > 0
    }

    /// Kills the caller's remaining descendants and collects them. Returns false if they do not all end.
    public static func endDescendants() -> Bool {
        // A process may fork while it is killed, so look again, but not without end.
        for _ in 0..<100 {
            var status: Int32 = 0
            let pid = waitpid(-1, &status, WNOHANG)
            if pid < 0 { return errno == ECHILD }
            if pid > 0 { continue }
            for pid in children() {
                kill(child: pid)
                _ = try? wait(for: pid)
            }
        }
        return false
    }

    /// Kills and collects all children. Their children become the caller's (``adoptOrphans()``) and end too.
    public static func endAllChildren() {
        while true {
            for pid in children() { kill(child: pid) }
            var status: Int32 = 0
            if waitpid(-1, &status, 0) < 0 && errno != EINTR { return }
        }
    }

    /// Kills an uncollected child of the caller.
    public static func kill(child pid: pid_t) {
        _ = Glibc.kill(pid, SIGKILL)
    }

    /// Kills all processes of a group.
    public static func kill(group: pid_t) {
        _ = Glibc.kill(-group, SIGKILL)
    }

    /// Puts the caller into a new group of its own, whose number is its pid.
    public static func makeGroup() throws(SystemCallError) {
        guard setpgid(0, 0) == 0 else { throw .last("setpgid") }
    }

    /// Collects one child that has ended; nil if no child has ended.
    public static func collectEndedChild() -> (pid: pid_t, exit: ProcessExit)? {
        var status: Int32 = 0
        let pid = waitpid(-1, &status, WNOHANG)
        return pid > 0 ? (pid, ProcessExit(waitStatus: status)) : nil
    }

    /// Waits for this child to end and collects it.
    public static func wait(for child: pid_t) throws(SystemCallError) -> ProcessExit {
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 {
            if errno != EINTR { throw .last("waitpid") }
        }
        return ProcessExit(waitStatus: status)
    }

    /// The caller's children from `/proc`, including ended ones. Empty where the kernel does not list children.
    public static func children() -> [pid_t] {
        ProcessFiles.read(.children).split(separator: " ").compactMap { pid_t($0) }
    }

    /// Number of threads of this process, from `/proc/self`.
    public static func threadCount() -> Int {
        // Each thread is a subfolder, and a folder has one link for each subfolder.
        var info = stat()
        if fstat(ProcessFiles.File.threads.rawValue, &info) == 0 { return Int(info.st_nlink) - 2 }
        // The second field is the name in parentheses, which may contain anything. num_threads is 17 fields after it.
        guard let afterName = Descriptors.readText("/proc/self/stat").split(separator: ")").last else { return 0 }
        let fields = afterName.split(separator: " ")
        return fields.count > 17 ? Int(fields[17]) ?? 0 : 0
    }

    /// Sets how large the stacks of new threads are, unless their maker says otherwise.
    public static func setThreadStacks(bytes: Int) throws(SystemCallError) {
        _ = try checked("pthread_setattr_default_np", faas_set_thread_stacks(bytes))
    }

    /// Makes the kernel kill this process when the thread that forked it ends.
    /// - Returns: false if the parent has ended already, so that the signal will not come.
    public static func endWithParent(_ parent: pid_t) throws(SystemCallError) -> Bool {
        _ = try checked("prctl(PR_SET_PDEATHSIG)", faas_set_parent_death_signal(SIGKILL))
        return getppid() == parent
    }

    /// Makes orphaned descendants children of this process.
    public static func adoptOrphans() throws(SystemCallError) {
        _ = try checked("prctl(PR_SET_CHILD_SUBREAPER)", faas_set_child_subreaper())
    }

    /// Programs started from here on cannot gain privileges.
    public static func renouncePrivileges() throws(SystemCallError) {
        _ = try checked("prctl(PR_SET_NO_NEW_PRIVS)", faas_set_no_new_privileges())
    }

    /// Removes one variable. `clearenv` would set the list to null, and JavaScriptCore reads it.
    public static func removeEnvironmentVariable(_ name: String) {
        unsetenv(name)
    }

    /// Changes to `/`: the working directory would tell guests where the host was started.
    public static func leaveWorkingDirectory() throws(SystemCallError) {
        guard chdir("/") == 0 else { throw .last("chdir /") }
    }

    /// Forbids core files: they would contain other callers' events.
    public static func leaveNoCoreDump() throws(SystemCallError) {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        guard setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none) == 0 else {
            throw .last("setrlimit(RLIMIT_CORE)")
        }
    }
}
