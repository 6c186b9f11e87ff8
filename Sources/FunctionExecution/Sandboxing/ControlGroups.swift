import Foundation
import Synchronization
import SystemCalls

/// A control group for each worker, where this process's own group is left to it.
///
/// It holds what no limit of a process does: a worker and all that it has started, together, with the memory that the
/// kernel keeps for them. A group cannot both have processes and limit those of its children, so this process moves
/// into a child of its group too, and back when nobody needs it any more.
final class ControlGroups: Sendable {
    /// Why there are none.
    struct Unavailable: Error {
        let reason: String
    }

    private static let hostName = "faas-host"
    private static let workerPrefix = "faas-worker-"

    private struct Shared {
        weak var groups: ControlGroups?
    }

    /// All runtimes of a process are in the same group, so they share what it has become.
    private static let shared = Mutex(Shared())

    /// The groups for a runtime's workers, if its configuration asks for them.
    static func ofThisProcess(_ configuration: FunctionRuntime.Configuration) -> Result<ControlGroups, Unavailable> {
        if !configuration.usesControlGroups {
            return .failure(Unavailable(reason: "not asked for (usesControlGroups)"))
        }
        if configuration.sandbox == .off { return .failure(Unavailable(reason: "the sandbox is off")) }
        return ofThisProcess()
    }

    static func ofThisProcess() -> Result<ControlGroups, Unavailable> {
        shared.withLock { shared in
            if let groups = shared.groups { return .success(groups) }
            let made = Result { () throws(Unavailable) in try enter() }
            if case .success(let groups) = made { shared.groups = groups }
            return made
        }
    }

    private let own: ControlGroup
    let limitsProcesses: Bool
    private let lastNumber = Atomic<Int>(0)
    /// Moving a process waits for all processors, which may take milliseconds: nobody else is to.
    private let queue = DispatchQueue(label: "control groups")

    private init(_ own: ControlGroup, limitsProcesses: Bool) {
        self.own = own
        self.limitsProcesses = limitsProcesses
    }

    /// Moves this process. Nothing is touched before it is certain that the group is left to it.
    private static func enter() throws(Unavailable) -> ControlGroups {
        guard let own = ControlGroup.ofThisProcess() else {
            throw Unavailable(reason: "no control groups of version 2 show this process")
        }
        // The last one's workers have not all ended yet. There will be groups again for those who come later.
        guard own.name != hostName else {
            throw Unavailable(reason: "an earlier runtime of this process is still leaving its groups")
        }
        let controllers = own.controllers
        let limitsProcesses = controllers.contains("pids")
        guard controllers.contains("memory") else { throw Unavailable(reason: "\(own.path) has no memory controller") }
        guard own.isDelegated else { throw Unavailable(reason: "\(own.path) is not delegated to this process") }
        guard own.processes == [getpid()] else { throw Unavailable(reason: "there are other processes in \(own.path)") }
        // Of hosts that were killed.
        removeEmpty(in: own)
        do {
            let host = own.child(hostName)
            try host.make()
            try host.add(0)
            try own.set("cgroup.subtree_control", "+memory" + (limitsProcesses ? " +pids" : ""))
        } catch {
            leave(own)
            throw Unavailable(reason: "\(error)")
        }
        return ControlGroups(own, limitsProcesses: limitsProcesses)
    }

    deinit {
        queue.sync {}
        Self.leave(own)
    }

    /// As if nobody had been here, as far as nothing of it is in use.
    private static func leave(_ own: ControlGroup) {
        removeEmpty(in: own)
        for controller in ["memory", "pids"] { try? own.set("cgroup.subtree_control", "-\(controller)") }
        try? own.add(0)
        try? own.child(hostName).remove()
    }

    private static func removeEmpty(in own: ControlGroup) {
        for child in own.children where child.name.hasPrefix(workerPrefix) { try? child.remove() }
    }

    /// Puts a worker into a group of its own, a moment later.
    func add(_ worker: ProcessUsage, memoryBytes: Int) -> WorkerControlGroup {
        let (_, number) = lastNumber.wrappingAdd(1, ordering: .relaxed)
        let group = own.child("\(Self.workerPrefix)\(getpid())-\(number)")
        // Without `self`, which waits for the queue when it goes.
        queue.async { [limitsProcesses] in
            do {
                try group.make()
                try group.set("memory.max", "\(memoryBytes)")
                // All of it ends, or a worker would wait for a child that is no more.
                try group.set("memory.oom.group", "1")
                if limitsProcesses { try group.set("pids.max", "\(WorkerLimits.processes)") }
                // Not where the kernel cannot swap.
                try? group.set("memory.swap.max", "0")
                try worker.move(to: group)
            } catch {
                // It has ended; else it has its other limits.
            }
        }
        return WorkerControlGroup(group: group, groups: self)
    }

    fileprivate func remove(_ group: ControlGroup) {
        queue.async { [queue] in
            if (try? group.remove()) != nil { return }
            // What it left behind is still being ended.
            queue.asyncAfter(deadline: .now() + 1) { try? group.remove() }
        }
    }
}

/// The control group of one worker.
final class WorkerControlGroup: Sendable {
    private let group: ControlGroup
    private let groups: ControlGroups

    fileprivate init(group: ControlGroup, groups: ControlGroups) {
        self.group = group
        self.groups = groups
    }

    /// Whether the kernel has ended it because it, with all that it had started, had more memory than it may.
    var hasRunOutOfMemory: Bool { group.memoryKills > 0 }

    /// After the worker's end.
    func remove() { groups.remove(group) }
}
