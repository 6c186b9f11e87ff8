import CMemoryRewind
import Glibc
import SystemCalls
import WorkerProtocol

/// Pristine by putting this process's memory back: docs/pristine-state.md has the method and its limits.
///
/// The first invocations of a worker are served another way (`rehearsal`): the snapshot is taken while no client waits,
/// and for JavaScript what those invocations compile stays compiled. If no snapshot can be had, that other way stays.
public final class MemoryRewind: PristineState {
    private let runtime: any LanguageRuntime
    private let channel: WorkerChannel
    private let sandbox: WorkerSandbox
    private let rehearsal: any PristineState
    /// Invocations to serve before the snapshot; -1 once it has failed.
    private var rehearsalsLeft: Int
    private var function: LoadMessage?

    public init(runtime: any LanguageRuntime, channel: WorkerChannel, sandbox: WorkerSandbox) {
        self.runtime = runtime
        self.channel = channel
        self.sandbox = sandbox
        (rehearsal, rehearsalsLeft) = runtime.rehearsal(channel: channel, sandbox: sandbox)
    }

    public func prepare(_ function: LoadMessage) throws(Failure) {
        self.function = function
        try rehearsal.prepare(function)
    }

    public func serveNext() throws -> Bool {
        try rehearsal.serveNext()
    }

    public func endInvocation() -> Bool { rehearsal.endInvocation() }

    /// After the last rehearsal this takes the snapshot and does not return: from there on, the rewinder calls
    /// ``serveOne()``.
    public func restore() -> Bool {
        if rehearsalsLeft > 0 { rehearsalsLeft -= 1 }
        guard rehearsalsLeft == 0, let function, rehearsal.endInvocation(), prepareForSnapshot(function) else {
            return rehearsal.restore()
        }
        rehearsalsLeft = -1
        // Every reference that Swift holds on the stack here stays as it is while `serveOne` runs, and none is made or
        // dropped between two calls: so the counts in the memory that is put back agree with the stack that is not.
        let result = withExtendedLifetime(self) {
            faas_rewind_run(
                {
                    $0.map { Unmanaged<MemoryRewind>.fromOpaque($0).takeUnretainedValue().closeSandbox() } == true
                        ? 1 : 0
                },
                { $0.map { Unmanaged<MemoryRewind>.fromOpaque($0).takeUnretainedValue().serveOne() } ?? 0 },
                Unmanaged.passUnretained(self).toOpaque(),
                runtime.canHoldKernelObjects && !sandbox.deniesChangesOfTheProcess ? 1 : 0)
        }
        _ = result  // There is no snapshot to be had. The rehearsals' way is good, only slower.
        return rehearsal.restore()
    }

    /// The snapshot is taken; from here on only the guest and the rewinder run.
    private func closeSandbox() -> Bool { (try? sandbox.beforeServing()) != nil }

    private func prepareForSnapshot(_ function: LoadMessage) -> Bool {
        do {
            runtime.forget()
            try runtime.prepareForSnapshot(function, channel: channel)
            return true
        } catch {
            return false
        }
    }

    /// One round between two rewinds. Returns what `faas_rewind_run` wants to know.
    private func serveOne() -> Int32 {
        do {
            channel.send(.ready)
            let goesOn = try channel.receive { [runtime, channel] kind, payload in
                runtime.renew()
                try runtime.invoke(frame: kind, payload, channel: channel)
            }
            return !goesOn ? 0 : runtime.restoreProcessState() && sandbox.removeTemporaryFiles() ? 1 : -1
        } catch {
            return 0
        }
    }
}
