import Glibc
import Sandbox

extension SystemCallPolicy {
    /// For esbuild, a program in Go with threads that reads its sources and writes to one socket.
    static let building = SystemCallPolicy(confining: [
        SystemCallRule(
            .allow, "execve", reason: "esbuild itself, once. Landlock and the private root show no other program."),
        SystemCallRule(
            .allow, "openat", when: .opensToRead(flags: 2),
            reason: "Reading the sources, and the C library. Writing is denied."),
        SystemCallRule(
            .allow, "read", "pread64", "readv", "write", "writev", "close", "lseek", "fstat",
            reason: "Files, and the answer."),
        SystemCallRule(
            .allow, "newfstatat", "statx", "stat", "lstat", "access", "faccessat", "faccessat2", "readlink",
            "readlinkat", "getdents64",
            "getcwd", reason: "Finding modules."),
        SystemCallRule(
            .allow, "fcntl", when: .atMost(argument: 1, 4), reason: "F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL."),
        SystemCallRule(.allow, "fcntl", when: .equal(argument: 1, 1030), reason: "F_DUPFD_CLOEXEC."),
        SystemCallRule(
            .allow, "ioctl", when: .equal(argument: 1, 0x5401), reason: "TCGETS: whether messages go to a terminal."),
        SystemCallRule(.allow, "ioctl", when: .equal(argument: 1, 0x5413), reason: "TIOCGWINSZ: the same."),
        SystemCallRule(
            .allow, "epoll_create1", "epoll_create", "epoll_ctl", "epoll_wait", "epoll_pwait", "eventfd2", "pipe2",
            "poll",
            reason: "Go's network poller, which starts with the first file."),
        SystemCallRule(
            .allow, "mmap", "mprotect", "munmap", "mremap", "brk", "madvise", "mincore",
            reason: "Memory, within the limit."),
        SystemCallRule(
            .allow, "clone", when: .bits(argument: 0, mask: UInt64(Kernel.CLONE_THREAD), UInt64(Kernel.CLONE_THREAD)),
            reason: "Threads, no processes."),
        SystemCallRule(
            .refuse(ENOSYS), "clone3",
            reason: "Its flags are behind a pointer. The C library falls back to clone if it is 'unknown'."),
        SystemCallRule(
            .allow, "futex", "set_robust_list", "set_tid_address", "rseq", "sched_yield", "sched_getaffinity",
            "arch_prctl", "gettid",
            "getpid", "getppid", reason: "Threads."),
        SystemCallRule(.allow, "tgkill", when: .isOwnProcess(argument: 0), reason: "Go interrupts its own threads."),
        SystemCallRule(
            .allow, "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
            reason: "The same."),
        SystemCallRule(
            .allow, "clock_gettime", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
            reason: "Usually without a system call at all."),
        SystemCallRule(.allow, "getrandom", reason: "Seeds of hash tables."),
        SystemCallRule(
            .allow, "prlimit64", when: .equal(argument: 0, 0), .equal(argument: 2, 0),
            reason: "Reading one's own limits."),
        SystemCallRule(
            .allow, "getrlimit", "getuid", "geteuid", "getgid", "getegid", "uname", "sysinfo",
            reason: "Says what is, changes nothing."),
        SystemCallRule(.allow, "exit", "exit_group", reason: "The end."),
    ])
}

// Of headers that Swift's Glibc module does not import, under the kernel's names.
// swift-format-ignore: AlwaysUseLowerCamelCase
private enum Kernel {
    static let CLONE_THREAD = 0x10000
}
