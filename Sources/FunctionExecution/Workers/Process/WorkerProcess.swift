import Synchronization
import SystemCalls

/// The process of one worker, as every thread of the host may use it: its handle, its memory and time, its control
/// group, and whether it has been told to end.
final class WorkerProcess: Sendable {
    private struct State {
        /// The pidfd, from the zygote's report until the end.
        var handle: Int32?
        var mustEnd = false
        var hasEnded = false
        var usage: ProcessUsage?
        var group: WorkerControlGroup?
    }

    private let state = Mutex(State())
    private let controlGroups: ControlGroups?
    private let memoryBytes: Int
    /// Every invocation asks this, so it needs no lock.
    private let isKilled = Atomic<Bool>(false)
    private let cause = Atomic<WorkerEndCause>(.function)

    /// - Parameter memoryBytes: what its control group may use.
    init(controlGroups: ControlGroups?, memoryBytes: Int) {
        self.controlGroups = controlGroups
        self.memoryBytes = memoryBytes
    }

    /// Takes over the handle of the process that the zygote has made.
    func attach(handle: Int32) {
        let isLate = state.withLock { state in
            if state.hasEnded { return true }
            state.handle = handle
            state.usage = ProcessUsage(handle: handle)
            if let usage = state.usage { state.group = controlGroups?.add(usage, memoryBytes: memoryBytes) }
            if state.mustEnd { Processes.kill(handle: handle) }
            return false
        }
        guard isLate else { return }
        Processes.kill(handle: handle)
        Descriptors.close(handle)
    }

    /// How much memory and time it uses; nil before it is made and after its end.
    var usage: ProcessUsage? { state.withLock { $0.usage } }

    /// Whether it has been told to end: it is given nothing more.
    var isEnding: Bool { isKilled.load(ordering: .acquiring) }

    /// Why it ends. Final when its end is.
    var endCause: WorkerEndCause { cause.load(ordering: .relaxed) }

    /// Ends it for a reason that does not count against its function.
    func kill() {
        excuse(.host)
        terminate()
    }

    /// Says why it ends, unless that is known.
    func excuse(_ reason: WorkerEndCause) {
        _ = cause.compareExchange(expected: .function, desired: reason, ordering: .relaxed)
    }

    /// It ends with its zygote, whatever else is known of it.
    func endsWithZygote() { cause.store(.zygote, ordering: .relaxed) }

    func terminate() {
        isKilled.store(true, ordering: .releasing)
        state.withLock { state in
            state.mustEnd = true
            if let handle = state.handle { Processes.kill(handle: handle) }
        }
    }

    /// Whether the kernel ended it for the memory of its control group.
    var hasRunOutOfMemory: Bool { state.withLock { $0.group }?.hasRunOutOfMemory == true }

    /// It has ended: gives back its handle and its control group.
    func remove() {
        let (handle, group) = state.withLock { state in
            state.hasEnded = true
            state.usage = nil
            defer { (state.handle, state.group) = (nil, nil) }
            return (state.handle, state.group)
        }
        if let handle { Descriptors.close(handle) }
        group?.remove()
    }
}
