import Sandbox
import SystemCalls
import WorkerProtocol

/// The language layer of a worker: it knows the engine, loads a function's code and calls its handler.
///
/// One instance lives in the zygote and, by fork, in each worker. All calls come from the one thread of the process.
public protocol LanguageRuntime: AnyObject {
    /// Starts the engine as far as workers can share it. It must have one thread when this returns. Called once, in the
    /// zygote.
    /// - Parameter keepsState: whether all workers of this zygote keep state (`instance`).
    /// - Returns: the engine's name and version.
    func startEngine(keepsState: Bool) -> String

    /// What workers of this language need from the machine. Read once, in the zygote, after the engine has started.
    var sandboxPolicy: SandboxPolicy { get }

    /// Makes what the engine needs in a worker and what the sandbox denies later. Called before the source is loaded.
    func startWorker(isolation: LoadMessage.Isolation)

    /// Called right before and right after a fork, in the process that forks and in the new one.
    func willFork()
    func didFork(inChild: Bool)

    /// Does work in a new worker that every function needs, before its function is known. Not called where state is
    /// kept.
    func warmUp()

    /// How invocations are served before the snapshot, or always if no snapshot can be taken; and how many come before
    /// it.
    func rehearsal(channel: WorkerChannel, sandbox: WorkerSandbox) -> (state: any PristineState, invocations: Int)

    /// Whether ``rehearsal(channel:sandbox:)`` forks.
    var forksToRehearse: Bool { get }

    /// Evaluates the function's source. Called in the worker; after ``unload()``, called again with the same function.
    func load(_ function: LoadMessage, channel: WorkerChannel) throws(Failure)

    /// Forgets what ``load(_:channel:)`` made.
    func unload()

    /// Whether a function's code can hold kernel objects: open files, pipes, shared memory.
    var canHoldKernelObjects: Bool { get }

    /// Prepares for a snapshot, after ``unload()``: loads the function without calling it, compiles what the next
    /// invocation needs, and collects garbage. Throws if there can be no snapshot.
    func prepareForSnapshot(_ function: LoadMessage, channel: WorkerChannel) throws(Failure)

    /// The memory that ``makeRoom()`` takes, in bytes. It is the worker's, not the function's.
    var roomBytes: Int { get }

    /// Makes room that calls use before they take new memory. Called when the function has loaded, before the first call
    /// and before the snapshot, so that every call has the same.
    func makeRoom()

    /// Begins to note which modules the next call imports. Called in a forked copy. The language layer sends their names
    /// before the call's outcome (``WorkerChannel/sendImports(_:)``).
    func noteImports()

    /// Imports modules that a call has imported, in order. Names of the function's own modules and of modules that no
    /// library has in a file are passed over, errors are ignored, and what is printed is dropped.
    /// - Parameter check: called after each name. `isNew`: it was imported by this. If it returns false, this returns.
    /// - Returns: the names that were imported by this.
    func importModules(_ names: [String], _ check: (_ isNew: Bool) -> Bool) -> [String]

    /// Renews what must differ between invocations although the memory is the same: random numbers. Called after a
    /// rewind, and in a new forked copy.
    func renew()

    /// Restores the state of the process, besides its memory, that an invocation may have changed. Returns why that is
    /// impossible; nil: it is done.
    func restoreProcessState() -> RetirementReason?

    /// Calls the handler and sends its log lines and exactly one result or failure.
    func invoke(_ header: InvokeHeader, event: UnsafeRawBufferPointer, channel: WorkerChannel)
}

extension LanguageRuntime {
    public func startWorker(isolation: LoadMessage.Isolation) {}
    public func willFork() {}
    public func didFork(inChild: Bool) {}
    public func renew() {}
    public var roomBytes: Int { 0 }
    public func makeRoom() {}
    public func noteImports() {}
    public func importModules(_ names: [String], _ check: (_ isNew: Bool) -> Bool) -> [String] { [] }
}

extension ProcessState {
    /// Restores the state. Returns why that is impossible; nil: it is done.
    public func retirementAfterRestoring() -> RetirementReason? {
        restore() ? nil : unrestorable == nil ? .process : .loading
    }
}

extension LanguageRuntime {
    /// Chooses the implementation of each isolation level.
    func pristineState(_ isolation: LoadMessage.Isolation, channel: WorkerChannel, sandbox: WorkerSandbox)
        -> any PristineState
    {
        switch isolation {
        case .invocation: MemoryRewind(runtime: self, channel: channel, sandbox: sandbox)
        case .process: ForkPerInvocation(runtime: self, channel: channel, sandbox: sandbox)
        case .instance: KeptState(runtime: self, channel: channel, sandbox: sandbox)
        }
    }

    /// Calls ``unload()`` and clears what it leaves on the stack.
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
