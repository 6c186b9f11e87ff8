import Glibc
import SystemCalls

/// The properties of a worker that change which system calls it may make.
public struct WorkerKind: Hashable, Sendable {
    /// Whether the worker forks itself, for each call or for the first ones.
    public var forks: Bool
    /// Whether signals reach only this worker and what it has forked (Landlock). Otherwise a worker may signal only
    /// itself.
    public var signalsAreConfined: Bool
    /// Whether a layer confines which files can be opened. Otherwise no file can be opened.
    public var filesAreConfined: Bool
    /// Whether there is a folder for temporary files, and Landlock denies writing files outside of it.
    public var writesTemporaryFiles: Bool

    public init(forks: Bool, signalsAreConfined: Bool, filesAreConfined: Bool, writesTemporaryFiles: Bool) {
        self.forks = forks
        self.signalsAreConfined = signalsAreConfined
        self.filesAreConfined = filesAreConfined
        self.writesTemporaryFiles = writesTemporaryFiles
    }
}

/// The system calls of one language's workers, besides those of every worker. Each worker executable brings its own.
public struct WorkerSystemCalls: Sendable {
    /// Calls of the engine and its library. Allowed from before the function's source is loaded.
    public var allowed: [SystemCallRule]
    /// Calls that are denied again when only the guest still runs.
    public var deniedWhileServing: [SystemCallRule]

    public init(allowed: [SystemCallRule], deniedWhileServing: [SystemCallRule]) {
        self.allowed = allowed
        self.deniedWhileServing = deniedWhileServing
    }
}

extension SystemCallPolicy {
    /// The policy from before the function's source is loaded: a list of allowed calls, a shorter list of calls that
    /// end the process, and an error for all other calls.
    public static func loading(_ kind: WorkerKind, _ language: WorkerSystemCalls) -> SystemCallPolicy {
        var rules = everyWorker + language.allowed
        if kind.writesTemporaryFiles {
            rules += temporaryFiles
        } else if kind.filesAreConfined {
            rules.append(
                SystemCallRule(
                    .allow, "openat", when: .opensToRead(flags: 2),
                    reason: "Reading what Landlock or the private root shows. Writing is denied."))
            rules.append(
                SystemCallRule(
                    .allow, "open", when: .opensToRead(flags: 1), reason: "The same, by its old name."))
        }
        if kind.forks {
            rules.append(
                SystemCallRule(
                    .allow, "clone",
                    when: .bits(
                        argument: 0, mask: ~0xff, UInt64(Kernel.CLONE_CHILD_SETTID | Kernel.CLONE_CHILD_CLEARTID)),
                    reason:
                        "fork(), which the worker serves calls with. The copy gives it up before it runs the handler."))
            rules.append(
                SystemCallRule(
                    .allow, "prctl", when: .equal(argument: 0, UInt64(Kernel.PR_SET_CHILD_SUBREAPER)),
                    reason: "Processes that a copy leaves behind become children of the worker, which ends them."))
        }
        // Signals above 31 wait in a queue, which the kernel counts for all processes of a user. 33 is the rewinder's, for
        // threads, and comes with a mark.
        let reason = "abort(), the threads of the engine's collector, stopping threads for the rewind."
        let receiver: [SystemCallRule.Condition] = kind.signalsAreConfined ? [] : [.isOwnProcess(argument: 0)]
        rules.append(
            SystemCallRule(
                .allow, ["kill"], when: receiver + [.atMost(argument: 1, 31)],
                reason: "\(reason) Landlock keeps signals within the worker; without it, only to itself."))
        rules.append(
            SystemCallRule(.allow, ["tgkill"], when: receiver + [.atMost(argument: 2, 31)], reason: "The same."))
        rules.append(
            SystemCallRule(
                .allow, ["tgkill"],
                when: receiver + [.equal(argument: 2, 33), .equal(argument: 4, NotedCalls.mark)], reason: "The same."))
        return SystemCallPolicy(confining: rules)
    }

    /// A second policy on top, when the worker itself no longer needs these calls: in a forked copy before the handler
    /// runs, after the snapshot, and after loading where state is kept.
    public static func serving(_ kind: WorkerKind, _ language: WorkerSystemCalls) -> SystemCallPolicy {
        var rules = finished + language.deniedWhileServing
        if !kind.writesTemporaryFiles {
            rules.append(
                SystemCallRule(.refuse(EPERM), "ftruncate", reason: "The guest has no file that it could shorten."))
        }
        return SystemCallPolicy(rules: rules, otherwise: .allow)
    }

    /// An allow-list: calls that no program makes by accident end the process; all others fail with EPERM.
    public init(confining rules: [SystemCallRule]) {
        self.init(rules: rules + Self.ending, otherwise: .refuse(EPERM))
    }

    // MARK: What is allowed

    private static let everyWorker: [SystemCallRule] = [
        SystemCallRule(
            .allow, "read", "write", "readv", "writev", reason: "The worker's socket, and what the guest has opened."),
        SystemCallRule(
            .allow, "recvfrom",
            reason:
                "The same for sockets. There are only connected ones. sendmsg could put descriptors on their way, "
                + "which the kernel counts for all processes of a user together."),
        SystemCallRule(.allow, "close", "lseek", "pread64", "fstat", reason: "The rewinder's files; whatever is open."),
        SystemCallRule(
            .allow, "fcntl", when: .atMost(argument: 1, 4), reason: "F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL."),
        SystemCallRule(
            .allow, "newfstatat", when: .equal(argument: 3, 0x1000),
            reason:
                "fstat() as the C library makes it, with AT_EMPTY_PATH. A path with it is for languages that can open "
                + "files."
        ),
        SystemCallRule(.allow, "poll", "ppoll", "restart_syscall", reason: "Waiting."),
        SystemCallRule(.allow, "munmap", "mremap", "brk", reason: "Memory, within the limit."),
        SystemCallRule(.allow, "mprotect", reason: "Memory. Code too: engines make it, and load extensions late."),
        SystemCallRule(
            .allow, ["mmap"], when: [.bits(argument: 3, mask: mapAnonymous | mapHuge, 0)], reason: "Files."),
        SystemCallRule(
            .allow, ["mmap"], when: [.bits(argument: 3, mask: mapShared | mapHuge, 0)],
            reason:
                "Private memory. No limit counts shared memory without a file, and a process that has no copies needs "
                + "none: the worker's own mmap() makes it private. Huge pages are the whole machine's."),
        SystemCallRule(
            .allow, ["madvise"], when: [.atMost(argument: 2, 4)],
            reason: "NORMAL, RANDOM, SEQUENTIAL, WILLNEED, DONTNEED."),
        SystemCallRule(.allow, "madvise", when: .equal(argument: 2, 8), reason: "FREE: allocators give memory back."),
        SystemCallRule(
            .allow, "madvise", when: .equal(argument: 2, 16), reason: "DONTDUMP: what an engine reserves."),
        SystemCallRule(.allow, "madvise", when: .equal(argument: 2, 17), reason: "DODUMP, its counterpart."),
        SystemCallRule(
            .allow, "futex", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", reason: "Locks and threads."
        ),
        SystemCallRule(
            .allow, "clone", when: .equal(argument: 0, threadFlags),
            reason: "A thread, exactly as the C library makes one."),
        SystemCallRule(
            .refuse(ENOSYS), "clone3",
            reason: "Its flags are behind a pointer. The C library falls back to clone if it is 'unknown'."),
        SystemCallRule(.allow, "gettid", "getpid", "getppid", reason: "Numbers of its own namespace."),
        SystemCallRule(.allow, "exit", "exit_group", reason: "The end."),
        SystemCallRule(.allow, "getrandom", reason: "Random numbers."),
        SystemCallRule(
            .allow, "clock_gettime", "clock_getres", "gettimeofday", "time",
            reason: "Usually without a system call at all."),
        SystemCallRule(.allow, "clock_nanosleep", "nanosleep", reason: "Waiting."),
        SystemCallRule(.allow, "getrusage", reason: "The rewinder's page faults."),
        SystemCallRule(
            .allow, "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "sigaltstack",
            reason: "Engines and guests handle signals."),
        SystemCallRule(
            .allow, "rt_sigaction", when: .atMost(argument: 0, 31),
            reason: "Put back after each call. Those above 31 are not looked at, so they cannot be set."),
        SystemCallRule(.allow, "wait4", "waitid", reason: "The worker collects what it has forked."),
        SystemCallRule(
            .allow, "prlimit64", when: .equal(argument: 0, 0), .equal(argument: 2, 0),
            reason: "Reading one's own limits."),
        SystemCallRule(
            .allow, "prctl", when: .equal(argument: 0, UInt64(Kernel.PR_SET_PDEATHSIG)),
            .equal(argument: 1, UInt64(SIGKILL)),
            reason: "A forked copy ends with the worker."),
        SystemCallRule(
            .allow, "dup2", "dup3", "close_range",
            reason: "A forked copy arranges its descriptors; the worker puts them back."),
        SystemCallRule(
            .allow, "fcntl", when: .equal(argument: 1, 1033), reason: "F_ADD_SEALS: makes the snapshot read-only."),
        SystemCallRule(
            .allow, "ftruncate", "pwrite64",
            reason:
                "The snapshot. Its file is made before: a file without a name is memory that no limit on memory "
                + "counts."),
        SystemCallRule(.allow, "seccomp", reason: "The second filter. Denied by it."),
        SystemCallRule(
            .allow, "socketpair", when: .equal(argument: 0, UInt64(AF_UNIX)), .bits(argument: 1, mask: 0xf, 1),
            .equal(argument: 2, 0),
            reason:
                "Streams between the worker's own processes, and of event loops. A datagram socket could be aimed "
                + "elsewhere."
        ),
        SystemCallRule(
            .allow, "sendto", when: .equal(argument: 4, 0), .bits(argument: 3, mask: ~sendFlags, 0),
            reason: "send(). With an address, or out of band (which a reader of the stream does not see), refused."),
        // The rewinder reads its own page table. The number is PAGEMAP_SCAN.
        SystemCallRule(.allow, "ioctl", when: .equal(argument: 1, 0xc060_6610), reason: "Which pages are dirty."),
    ]

    /// Landlock confines opening, making, moving and removing to the folder; everything else that is visible is mounted
    /// read-only. Links, devices, pipes, sockets, other owners and attributes are denied: the folder contains only
    /// files and folders.
    private static let temporaryFiles: [SystemCallRule] = [
        SystemCallRule(.allow, "openat", "open", reason: "Reading, and in the folder writing too."),
        SystemCallRule(
            .allow, "unlink", "unlinkat", "rmdir", reason: "Removing, by the guest, and by the worker after the call."),
        SystemCallRule(.allow, "mkdir", "mkdirat", reason: "Folders."),
        SystemCallRule(
            .allow, "rename", "renameat",
            reason: "A file that is replaced when it is complete. Not renameat2, which can make a device."),
        SystemCallRule(
            .allow, "truncate", "fallocate",
            reason: "Lengths. Shortening by descriptor is allowed to every worker at first."),
        SystemCallRule(
            .allow, "fsync", "fdatasync", reason: "SQLite's commits. In memory there is nothing to wait for."),
        SystemCallRule(
            .allow, "chmod", "fchmod", "fchmodat",
            reason: "Copying a file with its mode; the worker opens folders that the guest has closed."),
        SystemCallRule(
            .allow, "utimensat", reason: "Copying a file with its times; the worker puts back the folder's own."),
        SystemCallRule(
            .refuse(EOPNOTSUPP), "listxattr", "llistxattr", "flistxattr",
            reason: "Copying a file asks for its attributes, and goes on where there are none."),
        SystemCallRule(
            .allow, ["fcntl"], when: [.atMost(argument: 1, 7), .equal(argument: 4, NotedCalls.mark)],
            reason:
                "F_GETLK, F_SETLK, F_SETLKW: SQLite's locks. The worker's own functions make these calls, for files in "
                + "the folder only: on others, other functions and the host would see the locks."),
        SystemCallRule(
            .allow, "flock", when: .equal(argument: 4, NotedCalls.mark), reason: "The same."),
    ]

    // MARK: What ends the process

    /// No function makes these calls by accident, so the first one ends the process. A call in no list fails with
    /// EPERM: opening a file to write, a socket, another process.
    private static let ending: [SystemCallRule] = [
        SystemCallRule(
            .end, "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
            reason:
                "The memory and the descriptors of other processes. The rewind relies on no other process writing to "
                + "its memory."
        ),
        SystemCallRule(
            .end, "io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd",
            reason: "The kernel would make system calls, or write memory, past the filter and the count of page faults."
        ),
        SystemCallRule(
            .end, "bpf", "perf_event_open", "lookup_dcookie", reason: "Large and often broken parts of the kernel."),
        SystemCallRule(.end, "unshare", "setns", reason: "A new user namespace gives back what was given up."),
        SystemCallRule(
            .end, "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig",
            "fsmount", "fspick",
            "mount_setattr", reason: "The view of the file system."),
        SystemCallRule(.end, "name_to_handle_at", "open_by_handle_at", reason: "Files past every check of their path."),
        SystemCallRule(.end, "add_key", "request_key", "keyctl", reason: "The kernel's keys are not in a namespace."),
        SystemCallRule(
            .end, "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "swapon",
            "swapoff", "acct",
            "quotactl", "quotactl_fd", "iopl", "ioperm", "syslog", "sethostname", "setdomainname", "vhangup",
            "nfsservctl",
            reason: "Administration of the machine."),
        SystemCallRule(
            .end, "settimeofday", "clock_settime", "adjtimex", "clock_adjtime",
            reason: "The clock is shared by all processes."),
        SystemCallRule(
            .end, "modify_ldt", "pkey_mprotect", "personality",
            reason: "Changes what addresses mean, and where they are."),
        SystemCallRule(.end, "fanotify_init", "fanotify_mark", reason: "Watches all files of a machine."),
        SystemCallRule(
            .end, "move_pages", "migrate_pages", "set_mempolicy", "set_mempolicy_home_node",
            reason:
                "Where pages are in the machine: of no use here, and side channels. OpenBLAS calls mbind, and does "
                + "without: it is refused."
        ),
    ]

    // MARK: What is denied when the handler runs

    private static let finished: [SystemCallRule] = [
        SystemCallRule(
            .refuse(EPERM), "clone", when: .bits(argument: 0, mask: UInt64(Kernel.CLONE_THREAD), 0),
            reason: "Only the worker forks. Threads stay possible."),
        SystemCallRule(.refuse(EPERM), "seccomp", reason: "A filter of the guest's would stay for the next call."),
        SystemCallRule(
            .refuse(EPERM), "prctl", when: .equal(argument: 0, UInt64(Kernel.PR_SET_PDEATHSIG)), reason: "Done."),
    ]

    // MARK: Numbers

    private static let mapShared = UInt64(Kernel.MAP_SHARED)
    private static let mapAnonymous = UInt64(Kernel.MAP_ANONYMOUS)
    private static let mapHuge = UInt64(Kernel.MAP_HUGETLB)
    private static let sendFlags = UInt64(Kernel.MSG_DONTWAIT | Kernel.MSG_NOSIGNAL | Kernel.MSG_MORE)

    private static let threadFlags = UInt64(
        Kernel.CLONE_VM | Kernel.CLONE_FS | Kernel.CLONE_FILES | Kernel.CLONE_SIGHAND | Kernel.CLONE_THREAD
            | Kernel.CLONE_SYSVSEM | Kernel.CLONE_SETTLS
            | Kernel.CLONE_PARENT_SETTID
            | Kernel.CLONE_CHILD_CLEARTID)
}

// Constants of headers that Swift's Glibc module does not import, under the kernel's names.
// swift-format-ignore: AlwaysUseLowerCamelCase
private enum Kernel {
    static let PR_SET_PDEATHSIG = 1
    static let PR_SET_CHILD_SUBREAPER = 36
    static let CLONE_VM = 0x100
    static let CLONE_FS = 0x200
    static let CLONE_FILES = 0x400
    static let CLONE_SIGHAND = 0x800
    static let CLONE_THREAD = 0x10000
    static let CLONE_SYSVSEM = 0x40000
    static let CLONE_SETTLS = 0x80000
    static let CLONE_PARENT_SETTID = 0x100000
    static let CLONE_CHILD_CLEARTID = 0x200000
    static let CLONE_CHILD_SETTID = 0x1000000
    static let MAP_SHARED = 0x1
    static let MAP_ANONYMOUS = 0x20
    static let MAP_HUGETLB = 0x40000
    static let MSG_DONTWAIT = 0x40
    static let MSG_NOSIGNAL = 0x4000
    static let MSG_MORE = 0x8000
}
