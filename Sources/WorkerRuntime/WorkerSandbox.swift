import Sandbox
import SystemCalls

/// The sandbox of one worker, and its steps in the order in which they are taken.
public struct WorkerSandbox {
    private let sandbox: Sandbox
    /// Whether the worker serves calls in forked copies of itself.
    private let forks: Bool
    /// Compiled before the source is loaded, which needs a call that is denied from then on. nil: none is wanted.
    private var serving: SystemCallFilter?

    init(_ sandbox: Sandbox, forks: Bool) {
        self.sandbox = sandbox
        self.forks = forks
        hasTemporaryFiles = sandbox.hasTemporaryFiles
    }

    /// Called last before the function's source is loaded.
    mutating func beforeLoading(memoryBytes: Int?) throws(SystemCallError) {
        serving = try sandbox.beforeLoading(forks: forks, memoryBytes: memoryBytes)
    }

    /// Called last before only the guest runs.
    func beforeServing() throws(SystemCallError) { try serving?.load() }

    /// Why a function that asked for temporary files has none, as the end of a sentence; nil otherwise.
    var lackOfTemporaryFiles: String? { sandbox.lackOfTemporaryFiles }

    /// Whether the function can write files. Stored, because it is needed after each call.
    public let hasTemporaryFiles: Bool

    /// Removes the files that the function has written. Must be called while no other thread or process can write
    /// files.
    /// - Parameter othersAreStopped: whether the caller has made sure of that for threads.
    /// - Returns: false if a file may remain.
    func removeTemporaryFiles(othersAreStopped: Bool = false) -> Bool {
        !hasTemporaryFiles
            || (othersAreStopped || Processes.threadCount() == 1) && Sandbox.removeTemporaryFiles()
    }

    /// Whether the sandbox denies all changes of the process except memory, descriptors, signal handlers up to 31, the
    /// signal mask, interval timers, the working directory and the umask.
    public var deniesChangesOfTheProcess: Bool { sandbox.deniesChangesOfTheProcess }
}
