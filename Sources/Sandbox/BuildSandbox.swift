import CSandbox
import Glibc
import SystemCalls
import WorkerProtocol

/// The sandbox of one build: this process, which then becomes esbuild.
///
/// What a worker's sandbox does in two processes happens here in one, in the same order. A build reads `folders` and
/// writes to its standard output; nothing else of the machine is there for it.
public struct BuildSandbox {
    private let settings: SandboxSettings
    private let systemCalls: SystemCallPolicy

    public init(settings: SandboxSettings, systemCalls: SystemCallPolicy) {
        self.settings = settings
        self.systemCalls = systemCalls
    }

    /// Confines this process for good.
    ///
    /// - Parameters:
    ///   - program: the absolute path of the executable that this process is to become.
    ///   - folders: absolute paths of what it may read. The first is where it starts.
    /// - Returns: what could not be had, one phrase each. Never both the private root and Landlock: then it throws.
    public func confine(program: String, folders: [String]) throws(SystemCallError) -> [String] {
        guard !settings.isOff else {
            try enter(folders)
            return []
        }
        var missing: [String] = []
        // 1. The private root: mounting takes the privileges that step 2 gives up.
        let hasPrivateRoot = isWanted(.root) && enterPrivateRoot(Self.libraries + [program] + folders)
        if !hasPrivateRoot { missing.append("the private root (it takes namespaces)") }
        try enter(folders)
        // 2. Privileges, for good: before seccomp, which an unprivileged process may use only then. The user stays what
        //   it is, because a folder of sources may be readable by that user only.
        let dropped = faas_drop_capabilities()
        guard dropped == 0 else { throw SystemCallError("capset", code: -dropped) }
        try Processes.renouncePrivileges()
        // 3. Files: before the filter, which knows no Landlock.
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
        // 4. Limits. The filter is compiled before: that goes by way of a file.
        let filter = isWanted(.systemCalls) ? try SystemCallFilter(systemCalls) : nil
        if isWanted(.limits) { try ResourceLimits.setForBuild() }
        // 5. Last, because it denies all of the above.
        if let filter { try filter.load() } else { missing.append("the filter of system calls") }
        return missing
    }

    private func isWanted(_ layer: SandboxLayer.Name) -> Bool { !settings.without.contains(layer) }

    private func enter(_ folders: [String]) throws(SystemCallError) {
        guard let first = folders.first, chdir(first) == 0 else { throw SystemCallError("chdir", code: errno) }
    }

    private func enterPrivateRoot(_ paths: [String]) -> Bool {
        // Only in a mount namespace of its own.
        guard getpid() == 1 else { return false }
        let strings = (["/lib", "/lib64", "/dev/null"] + paths).map { strdup($0) } + [nil]
        defer { for text in strings { free(text) } }
        return strings.map { UnsafePointer($0) }.withUnsafeBufferPointer {
            faas_enter_private_root($0.baseAddress, nil)
        } == 0
    }

    /// The C library's files, which are all that esbuild is linked with, where the distributions have them. A path that
    /// is not there is left out; the dynamic linker comes first because folders are made in this order.
    private static let libraries: [String] = {
        let folders = ["/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"]
        let names = [
            "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libpthread.so.0", "libresolv.so.2",
            "libdl.so.2",
        ]
        return folders.flatMap { folder in names.map { "\(folder)/\($0)" } }
    }()
}
