import FunctionStorage
import Glibc
import SystemCalls

/// The lock of a directory between processes (flock). The kernel drops it with the descriptor, also when the process is
/// killed.
enum DirectoryLock {
    /// Runs `body` while this process has the lock. Blocks the thread, at most ten seconds until it has the lock: a
    /// process that is stopped may hold it for ever.
    /// - Throws: ``StorageFailure`` if the lock is not to be had, and what `body` throws.
    static func hold<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw StorageFailure(path: path, reason: SystemCallError("open", code: errno).description)
        }
        defer { Descriptors.close(descriptor) }
        for _ in 0..<5000 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return try body() }
            guard errno == EWOULDBLOCK || errno == EINTR else {
                throw StorageFailure(path: path, reason: SystemCallError("flock", code: errno).description)
            }
            usleep(2000)
        }
        throw StorageFailure(path: path, reason: "another process has kept it locked for ten seconds")
    }
}
