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
    }

    /// The last step before the function's source is loaded.
    func beforeLoading(memoryBytes: Int?) throws(SystemCallError) {
        try sandbox.beforeLoading(forks: forks, memoryBytes: memoryBytes)
    }

    /// The last step before only the guest runs.
    func beforeServing() throws(SystemCallError) { try sandbox.beforeServing(forks: forks) }

    /// Whether a guest can have changed nothing of its process but memory, descriptors, signal handlers up to 31, the signal mask,
    /// interval timers, the working directory and the umask.
    public var deniesChangesOfTheProcess: Bool { sandbox.deniesChangesOfTheProcess }
}
