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
    public static var sharedMemory: UInt { UInt(bitPattern: faas_rewind_state()) }

    /// Called in a copy of the worker, which must not share a file with the other copies.
    static func closeImage() { ProcessFiles.replaceImage() }

    public func prepare(_ function: LoadMessage) throws(Failure) {
        self.function = function
        try rehearsal.prepare(function)
        guard runtime.forksToRehearse, Processes.threadCount() > 1 else { return }
        // No copy of this process would have its threads, so no call comes before the snapshot.
        let reason = takeSnapshot(function)
        throw Failure(
            .loadError,
            message: "The source starts threads while it loads, and their state cannot be saved: \(reason). Start them "
                + "in the handler.")
    }

    public func serveNext() throws -> Bool {
        try rehearsal.serveNext()
    }

    public func endInvocation() -> RetirementReason? { rehearsal.endInvocation() }

    /// After the last rehearsal this takes the snapshot and does not return: the rewinder then calls ``serveOne()`` for
    /// each invocation.
    public func restore() -> RetirementReason? {
        if rehearsalsLeft > 0 { rehearsalsLeft -= 1 }
        guard rehearsalsLeft == 0, let function else { return rehearsal.restore() }
        if let reason = rehearsal.endInvocation() { return reason }
        guard learnImports(function) else { return .process }
        // Returns if no snapshot could be taken. The rehearsals' way works too, only slower, but copies have no threads.
        _ = takeSnapshot(function)
        return runtime.forksToRehearse && Processes.threadCount() > 1 ? .threads : rehearsal.restore()
    }

    /// Returns only if there can be no snapshot, and why.
    private func takeSnapshot(_ function: LoadMessage) -> String {
        guard prepareForSnapshot(function) else { return "the function cannot be prepared for it" }
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
        return String(cString: strerror(-result))
    }

    /// Called when the snapshot has been taken: from here on only the guest and the rewinder run.
    private func closeSandbox() -> Bool {
        (try? sandbox.beforeServing()) != nil && sandbox.removeTemporaryFiles(othersAreStopped: true)
    }

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
        return isHarmless && Processes.endDescendants()
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

    /// From stopping threads on nothing allocates memory: a stopped thread may hold the allocator's lock.
    /// - Returns: why the worker must end; nil: it goes on.
    private func endInvocationBeforeRewind() -> RetirementReason? {
        guard runtime.canHoldKernelObjects else { return sandbox.removeTemporaryFiles() ? nil : .process }
        // Where the sandbox does not deny making them.
        if !sandbox.deniesChangesOfTheProcess, !Processes.endDescendants() { return .process }
        guard faas_rewind_stop_threads() == 1 else { return .threads }
        return runtime.restoreProcessState() ?? (sandbox.removeTemporaryFiles(othersAreStopped: true) ? nil : .process)
    }

    /// Serves one invocation between two rewinds. Returns what `faas_rewind_run` expects.
    private func serveOne() -> Int32 {
        do {
            channel.send(.ready)
            let goesOn = try channel.receive { [runtime, channel] kind, payload in
                runtime.renew()
                try runtime.invoke(frame: kind, payload, channel: channel)
            }
            return !goesOn ? 0 : endInvocationBeforeRewind().map { -$0.rawValue } ?? 1
        } catch {
            return 0
        }
    }
}
