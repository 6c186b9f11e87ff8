import SystemCalls
import WorkerProtocol

/// How a worker gets back to the state "function loaded, never called" before each invocation.
///
/// The worker's loop knows isolation levels only through this protocol. Slow work belongs in ``prepare(_:)`` and
/// ``restore()``: they run while no client waits.
public protocol PristineState: AnyObject {
    /// Loads the function and prepares the first invocation.
    func prepare(_ function: LoadMessage) throws(Failure)

    /// Waits for the next `invoke` frame, runs it in the prepared state, and sends exactly one outcome.
    /// - Returns: false if the host has closed the socket.
    func serveNext() throws -> Bool

    /// Ends what the invocation left running.
    /// - Returns: why the worker must end; nil: all has ended.
    func endInvocation() -> RetirementReason?

    /// Prepares the next invocation.
    /// - Returns: why the state may not be pristine. The worker then ends and the host makes another. nil: it is.
    func restore() -> RetirementReason?

    /// The modules that the last invocation has imported, as its process says. They are checked when they are imported.
    var importedModules: [String] { get }
}

extension PristineState {
    public var importedModules: [String] { [] }
}

/// Evaluates the source again for each invocation: everything the function made is dropped with its engine context.
public final class FreshContext: PristineState {
    private let runtime: any LanguageRuntime
    private let channel: WorkerChannel
    private var function: LoadMessage?

    public init(runtime: any LanguageRuntime, channel: WorkerChannel) {
        self.runtime = runtime
        self.channel = channel
    }

    public func prepare(_ function: LoadMessage) throws(Failure) {
        self.function = function
        try runtime.load(function, channel: channel)
    }

    public func serveNext() throws -> Bool {
        let goesOn = try channel.receive { [runtime, channel] kind, payload in
            try runtime.invoke(frame: kind, payload, channel: channel)
        }
        Processes.clearDeadStack()
        return goesOn
    }

    public func endInvocation() -> RetirementReason? { nil }

    public func restore() -> RetirementReason? {
        guard let function else { return .memory }
        runtime.forget()
        do {
            try runtime.load(function, channel: channel)
            return nil
        } catch {
            // It loaded before. A new worker reports why it does not load any more, when a call needs one.
            return .memory
        }
    }
}

/// Keeps the state of one invocation for the next one, except pending timers and tasks, which the language layer drops.
public final class KeptState: PristineState {
    private let runtime: any LanguageRuntime
    private let channel: WorkerChannel
    private let sandbox: WorkerSandbox

    public init(runtime: any LanguageRuntime, channel: WorkerChannel, sandbox: WorkerSandbox) {
        self.runtime = runtime
        self.channel = channel
        self.sandbox = sandbox
    }

    public func prepare(_ function: LoadMessage) throws(Failure) {
        try runtime.load(function, channel: channel)
        do {
            try sandbox.beforeServing()
        } catch {
            throw Failure(.workerError, message: "The sandbox cannot be closed: \(error)")
        }
    }

    public func serveNext() throws -> Bool {
        try channel.receive { [runtime, channel] kind, payload in
            try runtime.invoke(frame: kind, payload, channel: channel)
        }
    }

    public func endInvocation() -> RetirementReason? { nil }

    public func restore() -> RetirementReason? { nil }
}

extension LanguageRuntime {
    /// Runs what an `invoke` frame asks for.
    func invoke(frame kind: UInt8, _ payload: UnsafeRawBufferPointer, channel: WorkerChannel) throws(ProtocolError) {
        guard kind == Frame.FromHost.invoke.rawValue else { throw .invalidValue(field: "frame kind") }
        let (header, event) = try InvokeHeader.decode(payload)
        invoke(header, event: event, channel: channel)
    }
}
