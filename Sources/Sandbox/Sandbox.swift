import CSandbox
import Glibc
import SystemCalls
import WorkerProtocol

/// The sandbox of one language's workers: made in the zygote, and applied to the zygote and then to each worker.
///
/// Each of the two `confine` functions is an ordered list that says why a step comes before the next ones. What
/// children inherit is done in the zygote. So a worker pays only for what must be its own, and an invocation pays
/// nothing.
public struct Sandbox {
    private let policy: SandboxPolicy
    private let settings: SandboxSettings
    private let files = FileRules()
    private typealias Filters = (loading: SystemCallFilter, serving: SystemCallFilter)
    private var filters: [WorkerKind: Filters] = [:]
    private var hasPrivateRoot = false
    private var problems: [SandboxLayer.Name: String] = [:]
    /// What the probe found.
    private var confinesFiles = false
    private var confinesSignals = false
    public private(set) var layers: [SandboxLayer] = []
    /// Whether each worker gets a folder for temporary files: a function has asked for it, and there is a private root
    /// to mount it in.
    private var mountsTemporaryFiles: Bool { settings.temporaryMB != nil && hasPrivateRoot }
    /// The folder that programs use for temporary files by default.
    private static let temporaryFolder = "/tmp"
    /// Where workers see what is below that folder on the host. Each worker's own temporary files hide it.
    private static let shelter = "/files"

    public init(policy: SandboxPolicy, settings: SandboxSettings) {
        self.policy = policy
        self.settings = settings
    }

    private func isWanted(_ layer: SandboxLayer.Name) -> Bool { !settings.isOff && !settings.without.contains(layer) }

    /// Whether a layer is missing although all layers are required.
    public var isRefused: Bool { settings.isRequired && layers.contains { $0.state != .active } }

    /// Whether the host has put the zygote into namespaces: only then is its pid 1.
    private var hasNamespaces: Bool { getpid() == 1 }

    // MARK: The zygote

    /// Drops what neither the zygote nor any worker needs after the engine has started.
    public mutating func confineZygote() throws(SystemCallError) {
        guard !settings.isOff else {
            try Processes.renouncePrivileges()
            return
        }
        // 1. The private root: mounting needs the privileges that step 2 drops.
        hasPrivateRoot = attempt(.root, where: hasNamespaces) { sandbox throws(SystemCallError) in
            try sandbox.enterPrivateRoot()
        }
        // 2. The user: before the capabilities, because changing the user needs one.
        _ = attempt(.privileges) { sandbox throws(SystemCallError) in try sandbox.becomeNobody() }
        // 3. Privileges: before seccomp, which an unprivileged process may use only after this.
        try Processes.renouncePrivileges()
        // 4. After the change of the user, the zygote's files in /proc belong to root. This gives them back: the zygote
        // reads its page table.
        _ = faas_set_dumpable(1)
        // 5. Limits that apply to every worker.
        _ = attempt(.limits) { sandbox throws(SystemCallError) in
            try ResourceLimits.setForAllWorkers(countsProcesses: sandbox.hasNamespaces)
        }
        // 6. A child tries what the layers must deny. The zygote reports which layers work.
        report(probe())
        // 7. The filters are compiled once, here.
        if isWanted(.systemCalls) {
            for forks in [false, true] {
                let kind = kind(forks: forks)
                // The filter contains the process's own pid then, so each worker compiles its own.
                guard kind.signalsAreConfined else { continue }
                filters[kind] = try makeFilters(kind)
            }
        }
    }

    /// Takes a step if its layer is wanted and possible. Returns whether it was taken, and records why not.
    private mutating func attempt(
        _ layer: SandboxLayer.Name, where isPossible: Bool = true, _ step: (Sandbox) throws(SystemCallError) -> Void
    ) -> Bool {
        guard isWanted(layer), isPossible else { return false }
        do {
            try step(self)
            return true
        } catch {
            problems[layer] = "\(error)"
            return false
        }
    }

    private func enterPrivateRoot() throws(SystemCallError) {
        // /lib and /lib64: paths to the dynamic linker go through them, and most systems have links there. The devices:
        // engines read random numbers from one, and standard streams refer to the other.
        let paths = ["/lib", "/lib64", "/dev/null", "/dev/urandom"] + policy.readablePaths + settings.readablePaths
        let strings = paths.map { strdup($0) } + [nil]
        defer { for text in strings { free(text) } }
        let result = strings.map { UnsafePointer($0) }.withUnsafeBufferPointer {
            faas_enter_private_root(
                $0.baseAddress, settings.temporaryMB == nil ? nil : Self.temporaryFolder, Self.shelter)
        }
        guard result == 0 else { throw SystemCallError("private root", code: -result) }
    }

    private func becomeNobody() throws(SystemCallError) {
        let unprivileged: uid_t = 65534
        if geteuid() == 0 {
            let result = faas_become(unprivileged, unprivileged, mountsTemporaryFiles ? 1 : 0)
            // EINVAL: the host is not root, so only its own user is mapped, and the namespace's root is that user
            // outside.
            guard result == 0 || result == -EINVAL || result == -EPERM else {
                throw SystemCallError("setresuid", code: -result)
            }
        }
        // Each worker mounts its own folder for temporary files, and then drops this capability too.
        let result = mountsTemporaryFiles ? faas_drop_capabilities_but_mounting() : faas_drop_capabilities()
        guard result == 0 else { throw SystemCallError("capset", code: -result) }
    }

    /// Called after the zygote has looked at its own memory: processes of the same user can no longer look into it.
    public func closeZygote() {
        if !settings.isOff { _ = faas_set_dumpable(0) }
    }

    // MARK: A worker

    /// Lets a new worker open its own files in /proc. ``confineWorker()`` denies it again.
    public func openWorker() {
        if !settings.isOff { _ = faas_set_dumpable(1) }
    }

    /// Confines a worker that has just been forked and does not know its function yet.
    public func confineWorker() throws(SystemCallError) {
        // 1. Processes of the same user can no longer look into this one. After the worker has opened its files in
        // /proc.
        if !settings.isOff { _ = faas_set_dumpable(0) }
        // 2. The folder for temporary files: before Landlock, which denies mounting. This also drops the privilege to
        // mount.
        if let megabytes = settings.temporaryMB, hasPrivateRoot { try mountTemporaryFiles(megabytes) }
        // 3. A count of its own for processes and threads: after mounting, which needs a privilege in the zygote's
        // namespace, and before the engine starts threads.
        try limitProcesses()
        // 4. Landlock: before the engine starts threads, because it applies to the calling thread and what that thread
        // starts.
        try confineFiles()
    }

    /// A fork bomb, or a thousand threads, then leave other workers theirs. Where no further user namespace can be made,
    /// all workers of a zygote that has one share its count.
    private func limitProcesses() throws(SystemCallError) {
        guard isWanted(.limits) else { return }
        let isCountedAlone = faas_enter_user_namespace() == 0
        guard isCountedAlone || hasNamespaces else { return }
        try ResourceLimits.setProcesses(isCountedAlone: isCountedAlone)
    }

    private func mountTemporaryFiles(_ megabytes: Int) throws(SystemCallError) {
        var result = faas_mount_temporary_files(Self.temporaryFolder, UInt(megabytes))
        guard result == 0 else { throw SystemCallError("mount \(Self.temporaryFolder)", code: -result) }
        result = faas_drop_capabilities()
        guard result == 0 else { throw SystemCallError("capset", code: -result) }
    }

    /// Why a function that asked for a folder for temporary files has none, as the end of a sentence; nil if it has one
    /// or asked for none.
    public var lackOfTemporaryFiles: String? {
        guard settings.temporaryMB != nil else { return nil }
        if settings.isOff { return "the sandbox is off" }
        if !hasPrivateRoot { return "there is no private root" }
        return confinesFiles ? nil : "there is no Landlock"
    }

    /// Where a worker finds a file or folder of the host's.
    public func pathInWorker(_ path: String) -> String {
        mountsTemporaryFiles && path.hasPrefix("\(Self.temporaryFolder)/") ? Self.shelter + path : path
    }

    /// Whether there is a folder for temporary files, which is emptied between calls.
    public var hasTemporaryFiles: Bool { settings.temporaryMB != nil && lackOfTemporaryFiles == nil }

    /// Empties the folder for temporary files. Returns false if that fails.
    public static func removeTemporaryFiles() -> Bool { faas_empty_folder(temporaryFolder) == 0 }

    private func confineFiles() throws(SystemCallError) {
        guard isWanted(.files) else { return }
        let readable =
            policy.readablePaths + settings.readablePaths.map(pathInWorker) + policy.ownProcessPaths
        let writable = mountsTemporaryFiles ? [Self.temporaryFolder] : []
        guard let ruleset = try files.make(readable: readable, writable: writable, confiningSignals: isWanted(.signals))
        else { return }
        try files.restrict(ruleset)
        Descriptors.close(ruleset)
    }

    /// Called last before the function's source is loaded. The steps before it use calls that it denies.
    ///
    /// - Parameters:
    ///   - forks: whether the worker forks itself.
    ///   - memoryBytes: how much private memory the process may add to what it has now.
    /// - Returns: the filter to load when only the guest still runs: after the worker has forked or taken its snapshot.
    ///   nil: none is wanted.
    public func beforeLoading(forks: Bool, memoryBytes: Int?) throws(SystemCallError) -> SystemCallFilter? {
        if isWanted(.limits), let memoryBytes {
            try ResourceLimits.setMemory(
                bytes: policy.reservesMemory ? 4 * memoryBytes + (512 << 20) : memoryBytes,
                temporaryFileBytes: (settings.temporaryMB ?? 0) << 20)
        }
        guard isWanted(.systemCalls) else { return nil }
        let kind = kind(forks: forks)
        let filters = if let known = self.filters[kind] { known } else { try makeFilters(kind) }
        try filters.loading.load()
        return filters.serving
    }

    private func makeFilters(_ kind: WorkerKind) throws(SystemCallError) -> Filters {
        (
            try SystemCallFilter(.loading(kind, policy.systemCalls)),
            try SystemCallFilter(.serving(kind, policy.systemCalls))
        )
    }

    /// Whether the filter denies changes of the process's limits, priority, scheduling, session, name and timer slack,
    /// and handlers of signals above 31.
    public var deniesChangesOfTheProcess: Bool { layers.contains { $0.name == .systemCalls && $0.state == .active } }

    private func kind(forks: Bool) -> WorkerKind {
        WorkerKind(
            forks: forks, signalsAreConfined: confinesSignals,
            filesAreConfined: confinesFiles || hasPrivateRoot,
            writesTemporaryFiles: hasTemporaryFiles)
    }
}

// MARK: - Finding out what holds

extension Sandbox {
    /// What a child of the zygote found when it tried the forbidden calls, each as 0 or `errno`.
    private struct Findings {
        var confined: Int32 = -1
        var open: Int32 = -1
        var signal: Int32 = -1
        var filter: Int32 = -1
        var socket: Int32 = -1
        /// Whether the last attempt, tracing, killed the process.
        var isEndedByTracing = false
    }

    /// Confines a child like a worker and lets it try what must fail.
    private func probe() -> Findings {
        var findings = Findings()
        guard let (ours, theirs) = try? Sockets.makeStreamPair(), let side = try? Processes.fork() else {
            return findings
        }
        switch side {
        case .child:
            tryEverything(answeringTo: theirs)
        case .parent(let pid):
            Descriptors.close(theirs)
            defer { Descriptors.close(ours) }
            var answers = [Int32](repeating: -1, count: 5)
            let isComplete =
                (try? answers.withUnsafeMutableBytes { try Descriptors.readExactly(into: $0, from: ours) }) == true
            let exit = try? Processes.wait(for: pid)
            if isComplete {
                (findings.confined, findings.open, findings.signal, findings.filter, findings.socket) = (
                    answers[0], answers[1], answers[2], answers[3], answers[4]
                )
            }
            findings.isEndedByTracing = exit == .signal(SIGSYS)
        }
        return findings
    }

    private func tryEverything(answeringTo socket: Int32) -> Never {
        func code(_ step: () throws(SystemCallError) -> Void) -> Int32 {
            do {
                try step()
                return 0
            } catch {
                return error.code
            }
        }
        var answers: [Int32] = [code { () throws(SystemCallError) -> Void in try self.confineWorker() }]
        // Both paths exist and are readable by every user unless Landlock denies them.
        answers.append(-faas_try_open("/proc/version"))
        answers.append(-faas_try_signal(getppid()))
        answers.append(
            code { () throws(SystemCallError) -> Void in _ = try self.beforeLoading(forks: false, memoryBytes: nil) })
        answers.append(-faas_try_socket())
        _ = try? answers.withUnsafeBytes { try Descriptors.writeAll($0, to: socket) }
        _ = faas_try_trace()
        _exit(0)
    }

    private mutating func report(_ found: Findings) {
        confinesFiles = found.open == EACCES
        confinesSignals = found.signal == EPERM && files.confinesSignals && isWanted(.signals) && isWanted(.files)
        func add(_ name: SandboxLayer.Name, _ state: SandboxLayer.State, _ detail: String) {
            let detail = settings.without.contains(name) ? "left out for a test" : problems[name] ?? detail
            layers.append(
                SandboxLayer(name, settings.without.contains(name) || problems[name] != nil ? .missing : state, detail))
        }
        add(.privileges, .active, "user \(getuid()) with no capabilities and no way to get any")
        add(
            .namespaces, hasNamespaces ? .active : .missing,
            hasNamespaces
                ? "user, mount, process, network, IPC, host name, cgroup" : "the kernel refuses new user namespaces")
        add(
            .root, hasPrivateRoot ? .active : .missing,
            hasPrivateRoot ? "read only, with what the engine reads" : "takes namespaces")
        let landlock = files.version == 0 ? "this kernel has no Landlock" : "Landlock \(files.version)"
        add(
            .files, confinesFiles ? .active : .missing,
            confinesFiles ? "\(landlock): nothing is written, the engine's files are read" : landlock)
        if hasNamespaces || (confinesFiles && files.confinesPorts) {
            add(.network, .active, hasNamespaces ? "a network of its own, with nothing in it" : "no TCP (\(landlock))")
        } else {
            add(.network, .degraded, "only the filter of system calls")
        }
        if confinesSignals {
            add(.signals, .active, "only to the worker itself")
        } else {
            add(
                .signals, .degraded,
                "Landlock 6 (Linux 6.12) is missing: a worker may signal its own process only, and cannot end what it "
                    + "has forked"
            )
        }
        add(.limits, .active, "descriptors, memory\(hasNamespaces ? ", processes" : "")")
        let isFiltered = found.filter == 0 && found.socket == EPERM && found.isEndedByTracing
        add(
            .systemCalls, isFiltered ? .active : .missing,
            isFiltered
                ? "a list of what is allowed"
                : "seccomp does not hold: \(String(cString: strerror(max(0, found.filter))))")
    }
}
