import CLinuxShims
import Glibc

/// The end of children as something to poll for, instead of a signal handler.
public enum ChildSignals {
    /// Blocks SIGCHLD and returns a descriptor that is readable when a child has ended.
    public static func openDescriptor() throws(SystemCallError) -> Int32 {
        try checked("signalfd", faas_open_child_signals())
    }

    /// Forgets the signals read so far; `waitpid` says what happened.
    public static func drain(_ descriptor: Int32) {
        var bytes = [UInt8](repeating: 0, count: 1024)
        while read(descriptor, &bytes, bytes.count) > 0 {}
    }

    /// What a forked child must do, since the mask is inherited.
    public static func unblock() {
        var mask = sigset_t()
        sigemptyset(&mask)
        sigaddset(&mask, SIGCHLD)
        sigprocmask(SIG_UNBLOCK, &mask, nil)
    }
}
