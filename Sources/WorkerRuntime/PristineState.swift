import SystemCalls
import WorkerProtocol

/// How a worker gets back to the state "function loaded, never called" before each invocation.
///
/// This is the one seam between the worker's loop and the ways to be pristine. What takes time belongs in
/// ``prepare(_:)`` and ``restore()``: they run while no client waits.
public protocol PristineState: AnyObject {
    /// Loads the function and gets ready for the first invocation.
    func prepare(_ function: LoadMessage) throws(Failure)

    /// Waits for the next `invoke` frame, runs it in the state made ready, and sends exactly one outcome.
    /// - Returns: false if the host has closed the socket.
    func serveNext() throws -> Bool

    /// Ends what the invocation left running.
    /// - Returns: false if that is impossible.
    func endInvocation() -> Bool

    /// Gets ready for the next invocation.
    /// - Returns: false if the state cannot be vouched for; the worker then ends and the host makes another.
    func restore() -> Bool
}

/// Pristine by evaluating the source anew: everything the function made is dropped with the engine context it lived in.
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

    public func endInvocation() -> Bool { true }

    public func restore() -> Bool {
        guard let function else { return false }
        runtime.forget()
        do {
            try runtime.load(function, channel: channel)
            return true
        } catch {
            // It loaded before. A new worker will say why it does not any more, to somebody who asks.
            return false
        }
    }
}

/// Keeps what one invocation leaves behind for the next one, but for pending timers and tasks, which the language layer
/// drops.
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

    public func endInvocation() -> Bool { true }

    public func restore() -> Bool { true }
}

extension LanguageRuntime {
    /// Runs what an `invoke` frame asks for.
    func invoke(frame kind: UInt8, _ payload: UnsafeRawBufferPointer, channel: WorkerChannel) throws(ProtocolError) {
        guard kind == Frame.FromHost.invoke.rawValue else { throw .invalidValue(field: "frame kind") }
        let (header, event) = try InvokeHeader.decode(payload)
        invoke(header, event: event, channel: channel)
    }
}
