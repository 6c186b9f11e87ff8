import Sandbox
import SystemCalls

/// The sandbox of one worker, and how far it is closed.
public struct WorkerSandbox {
    private let sandbox: Sandbox
    /// Whether the worker serves calls in forked copies of itself.
    private let forks: Bool

    init(_ sandbox: Sandbox, forks: Bool) {
        self.sandbox = sandbox
        self.forks = forks
        hasTemporaryFiles = sandbox.hasTemporaryFiles
    }

    /// The last step before the function's source is loaded.
    func beforeLoading(memoryBytes: Int?) throws(SystemCallError) {
        try sandbox.beforeLoading(forks: forks, memoryBytes: memoryBytes)
    }

    /// The last step before only the guest runs.
    func beforeServing() throws(SystemCallError) { try sandbox.beforeServing(forks: forks) }

    /// What is missing for the function's temporary files, as the end of a sentence; nil if nothing is.
    var lackOfTemporaryFiles: String? { sandbox.lackOfTemporaryFiles }

    /// Whether the function can write files. Asked after each call, so it is looked up once.
    let hasTemporaryFiles: Bool

    /// Removes the files that the function has written, if it can. Called where no other thread or process could write
    /// one meanwhile.
    /// - Returns: false if one may be left.
    func removeTemporaryFiles() -> Bool {
        !hasTemporaryFiles || Processes.threadCount() == 1 && Sandbox.removeTemporaryFiles()
    }

    /// Whether a guest can have changed nothing of its process but memory, descriptors, signal handlers up to 31, the
    /// signal mask, interval timers, the working directory and the umask.
    public var deniesChangesOfTheProcess: Bool { sandbox.deniesChangesOfTheProcess }
}
