import Foundation
import Synchronization
import SystemCalls
import WorkerProtocol

/// Makes a control group for each worker, where this process's own group is delegated to it.
///
/// A group limits what no limit of a single process does: a worker and all processes it started together, including
/// the memory that the kernel keeps for them. A group cannot both contain processes and limit its children's, so this
/// process also moves into a child of its own group, and moves back when the last user of the groups is gone.
final class ControlGroups: Sendable {
    /// Why there are no control groups.
    struct Unavailable: Error {
        let reason: String
    }

    private static let hostName = "faas-host"
    private static let workerPrefix = "faas-worker-"

    private struct Shared {
        weak var groups: ControlGroups?
    }

    /// All runtimes of a process are in the same group, so they share one object.
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
    /// To move a process, the kernel waits for all processors, which may take milliseconds. This queue keeps other
    /// threads from waiting for it.
    private let queue = DispatchQueue(label: "control groups")

    private init(_ own: ControlGroup, limitsProcesses: Bool) {
        self.own = own
        self.limitsProcesses = limitsProcesses
    }

    /// Moves this process into a child group. Changes nothing before it is certain that the group is delegated.
    private static func enter() throws(Unavailable) -> ControlGroups {
        guard let own = ControlGroup.ofThisProcess() else {
            throw Unavailable(reason: "no control groups of version 2 show this process")
        }
        // Workers of an earlier runtime have not all ended yet. A runtime that starts after them gets groups again.
        guard own.name != hostName else {
            throw Unavailable(reason: "an earlier runtime of this process is still leaving its groups")
        }
        let controllers = own.controllers
        let limitsProcesses = controllers.contains("pids")
        guard controllers.contains("memory") else { throw Unavailable(reason: "\(own.path) has no memory controller") }
        guard own.isDelegated else { throw Unavailable(reason: "\(own.path) is not delegated to this process") }
        guard own.processes == [getpid()] else { throw Unavailable(reason: "there are other processes in \(own.path)") }
        // Groups that a killed host left behind.
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

    /// Undoes ``enter()`` as far as possible: groups that still contain processes stay.
    private static func leave(_ own: ControlGroup) {
        removeEmpty(in: own)
        for controller in ["memory", "pids"] { try? own.set("cgroup.subtree_control", "-\(controller)") }
        try? own.add(0)
        try? own.child(hostName).remove()
    }

    private static func removeEmpty(in own: ControlGroup) {
        for child in own.children where child.name.hasPrefix(workerPrefix) { try? child.remove() }
    }

    /// Puts a worker into a group of its own. Happens on the queue, after this call returns.
    func add(_ worker: ProcessUsage, memoryBytes: Int) -> WorkerControlGroup {
        let (_, number) = lastNumber.wrappingAdd(1, ordering: .relaxed)
        let group = own.child("\(Self.workerPrefix)\(getpid())-\(number)")
        // The closure does not hold `self`, whose deinit waits for the queue.
        queue.async { [limitsProcesses] in
            do {
                try group.make()
                try group.set("memory.max", "\(memoryBytes)")
                // The kernel kills the whole group: a worker would wait forever for a copy that was killed alone.
                try group.set("memory.oom.group", "1")
                if limitsProcesses { try group.set("pids.max", "\(TaskLimit.watched)") }
                // This file is missing where the kernel cannot swap.
                try? group.set("memory.swap.max", "0")
                try worker.move(to: group)
            } catch {
                // The worker has ended, or it runs with its other limits only.
            }
        }
        return WorkerControlGroup(group: group, groups: self)
    }

    fileprivate func remove(_ group: ControlGroup) {
        queue.async { [queue] in
            if (try? group.remove()) != nil { return }
            // Processes that the worker left behind are still ending.
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

    /// Whether the kernel has killed the worker because the group used more memory than its limit.
    var hasRunOutOfMemory: Bool { group.memoryKills > 0 }

    /// Removes the group. Called after the worker has ended.
    func remove() { groups.remove(group) }
}
