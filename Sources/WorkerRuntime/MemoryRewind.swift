import CMemoryRewind
import Glibc
import SystemCalls
import WorkerProtocol

/// Restores this process's memory before each invocation: docs/pristine-state.md explains the method and its limits.
///
/// The first invocations of a worker are served by `rehearsal`: the snapshot is then taken while no client waits, and
/// code that JavaScript compiles in them is in the snapshot. If no snapshot can be taken, `rehearsal` serves all
/// invocations.
public final class MemoryRewind: PristineState {
    private let runtime: any LanguageRuntime
    private let channel: WorkerChannel
    private let sandbox: WorkerSandbox
    private let rehearsal: any PristineState
    /// How many invocations are served before the snapshot; -1 after it has failed.
    private var rehearsalsLeft: Int
    private var function: LoadMessage?

    public init(runtime: any LanguageRuntime, channel: WorkerChannel, sandbox: WorkerSandbox) {
        self.runtime = runtime
        self.channel = channel
        self.sandbox = sandbox
        (rehearsal, rehearsalsLeft) = runtime.rehearsal(channel: channel, sandbox: sandbox)
    }

    /// Makes what a snapshot needs, before the sandbox denies that. If it fails, no snapshot can be taken.
    static func makeRoom() { _ = faas_rewind_prepare() }

    /// The address of the shared memory that this has made.
    static var sharedMemory: UInt { UInt(bitPattern: faas_rewind_state()) }

    /// Called in a copy of the worker, which must not share a file with the other copies.
    static func closeImage() { Descriptors.close(Int32(FAAS_REWIND_IMAGE)) }

    public func prepare(_ function: LoadMessage) throws(Failure) {
        self.function = function
        try rehearsal.prepare(function)
    }

    public func serveNext() throws -> Bool {
        try rehearsal.serveNext()
    }

    public func endInvocation() -> Bool { rehearsal.endInvocation() }

    /// After the last rehearsal this takes the snapshot and does not return: the rewinder then calls ``serveOne()`` for
    /// each invocation.
    public func restore() -> Bool {
        if rehearsalsLeft > 0 { rehearsalsLeft -= 1 }
        guard rehearsalsLeft == 0, let function, rehearsal.endInvocation() else { return rehearsal.restore() }
        guard learnImports(function) else { return false }
        guard prepareForSnapshot(function) else { return rehearsal.restore() }
        rehearsalsLeft = -1
        // The stack is not rewound. References that Swift holds on it here stay the same while `serveOne` runs, and
        // none is made or dropped between two calls, so the counts in the rewound memory agree with the stack.
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
        _ = result  // No snapshot could be taken. The rehearsals' way works too, only slower.
        return rehearsal.restore()
    }

    /// Called when the snapshot has been taken: from here on only the guest and the rewinder run.
    private func closeSandbox() -> Bool { (try? sandbox.beforeServing()) != nil }

    /// Imports what the last rehearsal has imported, and tells the host.
    /// - Returns: false if this process can serve no more.
    private func learnImports(_ function: LoadMessage) -> Bool {
        let names = rehearsal.importedModules
        guard !names.isEmpty else { return true }
        let (imported, isHarmless) = ImportLearning(runtime: runtime, sandbox: sandbox, function).run(
            names, milliseconds: function.learningMillis)
        if !imported.isEmpty || !isHarmless {
            channel.sendImports(function.imports.names + imported, areComplete: !isHarmless)
        }
        // As after loading: what the modules have started or written is not part of the snapshot.
        return isHarmless && Processes.endDescendants() && sandbox.removeTemporaryFiles()
    }

    private func prepareForSnapshot(_ function: LoadMessage) -> Bool {
        do {
            runtime.forget()
            try runtime.prepareForSnapshot(function, channel: channel)
            return true
        } catch {
            return false
        }
    }

    /// Serves one invocation between two rewinds. Returns what `faas_rewind_run` expects.
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
