import CSandbox
import Glibc
import SystemCalls
import WorkerProtocol

/// The sandbox of one build: confines this process, which then becomes esbuild.
///
/// It takes the same steps in the same order as the sandbox of a worker, but in one process. A build can read `folders`
/// and write to its standard output; it sees nothing else of the machine.
public struct BuildSandbox {
    private let settings: SandboxSettings
    private let systemCalls: SystemCallPolicy

    public init(settings: SandboxSettings, systemCalls: SystemCallPolicy) {
        self.settings = settings
        self.systemCalls = systemCalls
    }

    /// Confines this process for the rest of its life.
    ///
    /// - Parameters:
    ///   - program: the absolute path of the executable that this process becomes.
    ///   - folders: absolute paths that it may read. The first is its working directory.
    /// - Returns: the layers that are missing, one phrase each. Throws if both the private root and Landlock are
    ///   missing.
    public func confine(program: String, folders: [String]) throws(SystemCallError) -> [String] {
        guard !settings.isOff else {
            try enter(folders)
            return []
        }
        var missing: [String] = []
        // 1. The private root: mounting needs the privileges that step 2 drops.
        let hasPrivateRoot = isWanted(.root) && enterPrivateRoot(Self.libraries + [program] + folders)
        if !hasPrivateRoot { missing.append("the private root (it takes namespaces)") }
        try enter(folders)
        // 2. Privileges: before seccomp, which an unprivileged process may use only after this. The user does not
        // change, because a source folder may be readable by that user only.
        let dropped = faas_drop_capabilities()
        guard dropped == 0 else { throw SystemCallError("capset", code: -dropped) }
        try Processes.renouncePrivileges()
        // 3. Files: before the filter, which denies Landlock's calls.
        let files = FileRules()
        let readable = folders + ["/dev/null", "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"]
        let ruleset =
            isWanted(.files)
            ? try files.make(readable: readable, executable: Self.libraries + [program], confiningSignals: true) : nil
        if let ruleset {
            try files.restrict(ruleset)
            Descriptors.close(ruleset)
        } else {
            missing.append("Landlock")
        }
        guard hasPrivateRoot || ruleset != nil else {
            throw SystemCallError("confining what a build may read", code: ENOTSUP)
        }
        // 4. Limits. The filter is compiled before them, because that writes a file.
        let filter = isWanted(.systemCalls) ? try SystemCallFilter(systemCalls) : nil
        if isWanted(.limits) { try ResourceLimits.setForBuild() }
        // 5. The filter: last, because it denies all of the steps above.
        if let filter { try filter.load() } else { missing.append("the filter of system calls") }
        return missing
    }

    private func isWanted(_ layer: SandboxLayer.Name) -> Bool { !settings.without.contains(layer) }

    private func enter(_ folders: [String]) throws(SystemCallError) {
        guard let first = folders.first, chdir(first) == 0 else { throw SystemCallError("chdir", code: errno) }
    }

    private func enterPrivateRoot(_ paths: [String]) -> Bool {
        // Needs a mount namespace of this process's own.
        guard getpid() == 1 else { return false }
        let strings = (["/lib", "/lib64", "/dev/null"] + paths).map { strdup($0) } + [nil]
        defer { for text in strings { free(text) } }
        return strings.map { UnsafePointer($0) }.withUnsafeBufferPointer {
            faas_enter_private_root($0.baseAddress, nil, nil)
        } == 0
    }

    /// The C library's files, where the distributions have them: esbuild is linked with nothing else. Missing paths are
    /// left out. The dynamic linker comes first because folders are made in this order.
    private static let libraries: [String] = {
        let folders = ["/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"]
        let names = [
            "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libpthread.so.0", "libresolv.so.2",
            "libdl.so.2",
        ]
        return folders.flatMap { folder in names.map { "\(folder)/\($0)" } }
    }()
}
