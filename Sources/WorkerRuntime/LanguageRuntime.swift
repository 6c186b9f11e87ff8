import Sandbox
import SystemCalls
import WorkerProtocol

/// The language layer of a worker: it knows the engine, loads a function's code and calls its handler.
///
/// One instance lives in the zygote and, by fork, in each worker. All calls come from the one thread of the process.
public protocol LanguageRuntime: AnyObject {
    /// Starts the engine as far as it can be shared by workers, with one thread when it returns. Called once, in the
    /// zygote.
    /// - Parameter keepsState: whether all workers will be of the level at which state is kept.
    /// - Returns: the engine's name and version.
    func startEngine(keepsState: Bool) -> String

    /// What workers of this language need of the machine. Asked once, in the zygote, when the engine has started.
    var sandboxPolicy: SandboxPolicy { get }

    /// Makes what the engine needs in a worker and the sandbox will not let it make later. Called before the source is
    /// loaded.
    func startWorker(isolation: LoadMessage.Isolation)

    /// Called right before and right after a fork, in the process that forks and in the new one.
    func willFork()
    func didFork(inChild: Bool)

    /// Does in a new worker what every function needs, before there is one. Not called where state is kept.
    func warmUp()

    /// How an invocation is served before there is a snapshot, and where there can be none; and how many are.
    func rehearsal(channel: WorkerChannel, sandbox: WorkerSandbox) -> (state: any PristineState, invocations: Int)

    /// Whether ``rehearsal(channel:sandbox:)`` forks.
    var forksToRehearse: Bool { get }

    /// Evaluates the function's source. Called in the worker; after ``unload()``, called again with the same function.
    func load(_ function: LoadMessage, channel: WorkerChannel) throws(Failure)

    /// Forgets what ``load(_:channel:)`` made.
    func unload()

    /// Whether a function's code can hold things of the kernel's: open files, pipes, shared memory.
    var canHoldKernelObjects: Bool { get }

    /// Gets ready for a snapshot, after ``unload()``: the function loaded and never called in the state that remains,
    /// everything compiled that the next invocation needs, nothing left to collect. Throws if there can be none.
    func prepareForSnapshot(_ function: LoadMessage, channel: WorkerChannel) throws(Failure)

    /// Renews what must differ from one invocation to the next although memory does not: random numbers. Called in
    /// memory that has been put back, and in a copy that a fork has made.
    func renew()

    /// Puts back what an invocation may have changed of the process besides its memory. Returns false if that is
    /// impossible.
    func restoreProcessState() -> Bool

    /// Calls the handler and sends its log lines and exactly one result or failure.
    func invoke(_ header: InvokeHeader, event: UnsafeRawBufferPointer, channel: WorkerChannel)
}

extension LanguageRuntime {
    public func startWorker(isolation: LoadMessage.Isolation) {}
    public func willFork() {}
    public func didFork(inChild: Bool) {}
    public func renew() {}
}

extension LanguageRuntime {
    /// The one place that says which level of isolation is had how.
    func pristineState(_ isolation: LoadMessage.Isolation, channel: WorkerChannel, sandbox: WorkerSandbox)
        -> any PristineState
    {
        switch isolation {
        case .invocation: MemoryRewind(runtime: self, channel: channel, sandbox: sandbox)
        case .process: ForkPerInvocation(runtime: self, channel: channel, sandbox: sandbox)
        case .instance: KeptState(runtime: self, channel: channel, sandbox: sandbox)
        }
    }

    /// ``unload()``, and nothing of it stays on the stack.
    func forget() {
        unload()
        Processes.clearDeadStack()
    }

    func forks(at isolation: LoadMessage.Isolation) -> Bool {
        switch isolation {
        case .invocation: forksToRehearse
        case .process: true
        case .instance: false
        }
    }
}
