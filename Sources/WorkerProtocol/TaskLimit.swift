import Glibc

/// How many processes and threads a worker may have.
public enum TaskLimit {
    /// The host ends a worker that has started more processes. Only what runs while a function loads can start any, and
    /// each has to end before others have the processor again: a fork bomb must be small when it is noticed.
    public static let processes = 8

    /// The host ends a worker that has more threads and processes.
    public static let watched = max(256, 8 * sysconf(Int32(_SC_NPROCESSORS_ONLN)))

    /// The kernel refuses more. It is higher, so that a worker which reaches it has been ended.
    public static let hard = watched + 64
}
