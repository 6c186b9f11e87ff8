import CLinuxShims
import Glibc

/// Reports the end of children with a descriptor to poll, instead of a signal handler.
public enum ChildSignals {
    /// Blocks SIGCHLD and returns a descriptor that is readable when a child has ended.
    public static func openDescriptor() throws(SystemCallError) -> Int32 {
        try checked("signalfd", faas_open_child_signals())
    }

    /// Reads and drops the pending signals; `waitpid` gives the details.
    public static func drain(_ descriptor: Int32) {
        var bytes = [UInt8](repeating: 0, count: 1024)
        while read(descriptor, &bytes, bytes.count) > 0 {}
    }

    /// Unblocks SIGCHLD in a forked child, which inherits the mask.
    public static func unblock() {
        var mask = sigset_t()
        sigemptyset(&mask)
        sigaddset(&mask, SIGCHLD)
        sigprocmask(SIG_UNBLOCK, &mask, nil)
    }
}
