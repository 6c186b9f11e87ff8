/// Names in the policies for which an architecture has no system call. A filter skips these, and refuses every other
/// name that it cannot resolve, so a misspelt name ends the zygote. `script/check-arm64` compares this list with the
/// kernel's headers.
enum SystemCallNames {
    static func isAbsentHere(_ name: String) -> Bool {
        #if arch(arm64)
        absentOnARM64[name] != nil
        #else
        // x86-64 has every call that a policy names.
        false
        #endif
    }

    /// System calls that arm64 never had, and what its C library calls instead. The policies treat those in the same
    /// way.
    static let absentOnARM64: [String: String] = [
        "access": "faccessat",
        "alarm": "setitimer",
        "arch_prctl": "none: the thread pointer is an ordinary register",
        "chmod": "fchmodat",
        "dup2": "dup3",
        "epoll_create": "epoll_create1",
        "epoll_wait": "epoll_pwait",
        "getpgrp": "getpgid",
        "ioperm": "none: there are no ports",
        "iopl": "none: there are no ports",
        "lstat": "newfstatat",
        "mkdir": "mkdirat",
        "modify_ldt": "none: there are no segments",
        "open": "openat",
        "pause": "ppoll",
        "pipe": "pipe2",
        "poll": "ppoll",
        "readlink": "readlinkat",
        "rename": "renameat",
        "rmdir": "unlinkat",
        "select": "pselect6",
        "stat": "newfstatat",
        "time": "clock_gettime",
        "unlink": "unlinkat",
    ]
}
