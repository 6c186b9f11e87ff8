import Glibc
import Sandbox
import SystemCalls

extension WorkerSystemCalls {
    /// What CPython, its library and extension modules call besides what every worker does.
    static let python = WorkerSystemCalls(
        allowed: [
            SystemCallRule(.allow, "dup", "pipe", "pipe2", "eventfd2", reason: "Within the process."),
            SystemCallRule(
                .allow, "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "select", "pselect6",
                reason: "asyncio, selectors."),
            SystemCallRule(
                .allow, "recvmsg", "getsockname", "getpeername", "getsockopt", "shutdown", reason: "Socket pairs."),
            SystemCallRule(
                .allow, "stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink",
                "readlinkat", "getcwd",
                "getdents64",
                reason: "Importing looks for modules. Landlock does not hide that a file exists; the private root does."
            ),
            SystemCallRule(.allow, "chdir", "fchdir", "umask", reason: "Put back after each call."),
            SystemCallRule(.allow, "preadv", "pwritev", "preadv2", "fadvise64", reason: "Files as Python reads them."),
            SystemCallRule(.allow, "msync", "mincore", reason: "mmap objects."),
            SystemCallRule(.allow, "fcntl", when: .equal(argument: 1, 1030), reason: "F_DUPFD_CLOEXEC."),
            SystemCallRule(.allow, "ioctl", when: .equal(argument: 1, 0x5421), reason: "FIONBIO: non-blocking."),
            SystemCallRule(
                .allow, "ioctl", when: .equal(argument: 1, 0x5451), reason: "FIOCLEX: not for other programs."),
            SystemCallRule(.allow, "ioctl", when: .equal(argument: 1, 0x5450), reason: "FIONCLEX, its counterpart."),
            SystemCallRule(
                .allow, "ioctl", when: .equal(argument: 1, 0x541b), reason: "FIONREAD: how much there is to read."),
            SystemCallRule(.allow, "ioctl", when: .equal(argument: 1, 0x5401), reason: "TCGETS: isatty()."),
            SystemCallRule(
                .allow, "rt_sigpending", "rt_sigtimedwait", "pause", "alarm", "setitimer", "getitimer",
                reason: "The module signal."),
            SystemCallRule(
                .allow, "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups", "getpgid",
                "getpgrp", "getsid",
                "getpriority", "sched_getscheduler", "sched_getparam", "sched_get_priority_max",
                "sched_get_priority_min",
                "getcpu", "times",
                "uname", "getrlimit", "set_tid_address", "get_robust_list", reason: "Says what is, changes nothing."),
            SystemCallRule(
                .allow, "prctl", when: .equal(argument: 0, UInt64(Kernel.PR_GET_NAME)),
                reason: "The worker sees that it is unchanged."),
            SystemCallRule(
                .allow, "prctl", when: .equal(argument: 0, UInt64(Kernel.PR_GET_TIMERSLACK)), reason: "The same."),
        ],
        deniedWhileServing: noted + [
            SystemCallRule(
                .refuse(EPERM), "sigaltstack", when: .differs(argument: 0, 0),
                reason: "A stack for signals would stay for the next call. Reading that there is none is allowed.")
        ])

    private static let ownFiles: UInt64 = 32

    /// What a handler may change, and what is put back after the call: only by functions that leave a note, so that
    /// without a note there is nothing to look at.
    private static let noted: [SystemCallRule] = [
        SystemCallRule(
            .refuse(EPERM), "dup2", "dup3", when: .bits(argument: 1, mask: 0xffff_fff8, ownFiles),
            reason: "The worker's own files, 32 to 39: what a call puts there would stay."),
        SystemCallRule(
            .refuse(EPERM), "close", when: .bits(argument: 0, mask: 0xffff_fff8, ownFiles), reason: "The same."),
        SystemCallRule(
            .refuse(EPERM), "fcntl", when: .bits(argument: 0, mask: 0xffff_fff8, ownFiles), .equal(argument: 1, 2),
            reason: "F_SETFD, and F_SETFL below: flags of these would stay."),
        SystemCallRule(
            .refuse(EPERM), "fcntl", when: .bits(argument: 0, mask: 0xffff_fff8, ownFiles), .equal(argument: 1, 4),
            reason: "F_SETFL."),
        SystemCallRule(
            .refuse(EPERM), "fcntl", when: .bits(argument: 0, mask: 0xffff_fffc, 0), .equal(argument: 1, 2),
            reason: "The same for 0 to 3: the standard streams and the worker's socket."),
        SystemCallRule(
            .refuse(EPERM), "fcntl", when: .bits(argument: 0, mask: 0xffff_fffc, 0), .equal(argument: 1, 4),
            reason: "F_SETFL."),
        SystemCallRule(
            .refuse(EPERM), "ioctl", when: .bits(argument: 0, mask: 0xffff_fff8, ownFiles),
            .bits(argument: 1, mask: 0xffff_fff0, 0x5450),
            reason: "FIOCLEX and FIONCLEX, the same by other names."),
        SystemCallRule(
            .refuse(EPERM), "ioctl", when: .bits(argument: 0, mask: 0xffff_fff8, ownFiles),
            .equal(argument: 1, 0x5421), reason: "FIONBIO."),
        SystemCallRule(
            .refuse(EPERM), "ioctl", when: .bits(argument: 0, mask: 0xffff_fffc, 0),
            .bits(argument: 1, mask: 0xffff_fff0, 0x5450), reason: "For 0 to 3."),
        SystemCallRule(
            .refuse(EPERM), "ioctl", when: .bits(argument: 0, mask: 0xffff_fffc, 0), .equal(argument: 1, 0x5421),
            reason: "FIONBIO."),
        SystemCallRule(
            .refuse(EPERM), "madvise", when: .equal(argument: 2, 1),
            reason: "MADV_RANDOM, _SEQUENTIAL, _DONTDUMP, _DODUMP: they mark mappings, and the mark would stay."),
        SystemCallRule(.refuse(EPERM), "madvise", when: .equal(argument: 2, 2), reason: "The same."),
        SystemCallRule(
            .refuse(EPERM), "madvise", when: .bits(argument: 2, mask: 0xffff_fffe, 16), reason: "The same."),
        SystemCallRule(
            .refuse(EPERM), "close_range", when: .differs(argument: 4, NotedCalls.mark),
            reason: "The same. Programs then close one after the other."),
        SystemCallRule(
            .refuse(EPERM), "rt_sigaction", when: .differs(argument: 1, 0), .differs(argument: 4, NotedCalls.mark),
            reason: "Signal handlers, but by the worker's own sigaction(). Reading is allowed."),
        SystemCallRule(
            .refuse(EPERM), "setitimer", "alarm", "umask", "chdir", "fchdir",
            when: .differs(argument: 4, NotedCalls.mark),
            reason: "Timers, umask and working directory, the same."),
    ]
}

// Of headers that Swift's Glibc module does not import, under the kernel's names.
// swift-format-ignore: AlwaysUseLowerCamelCase
private enum Kernel {
    static let PR_GET_NAME = 16
    static let PR_GET_TIMERSLACK = 30
}
