import CSandbox
import Glibc
import SystemCalls

/// The Landlock ruleset: which files a worker may read and write. It also denies TCP ports and signals to other
/// processes.
struct FileRules {
    /// The kernel's Landlock version; 0 where Landlock is missing or switched off.
    let version: Int32

    init() { version = max(0, faas_landlock_version()) }

    /// Whether signals and abstract sockets reach only the worker and what it forks.
    var confinesSignals: Bool { version >= 6 }
    var confinesPorts: Bool { version >= 4 }

    // The kernel's numbers for rights.
    private static let execute: UInt64 = 1 << 0
    private static let readFile: UInt64 = 1 << 2
    private static let readFolder: UInt64 = 1 << 3
    /// The rights to write files, to remove and make files and folders, to move between folders, and to truncate. Not
    /// to make links, devices, sockets and pipes.
    private static let write: UInt64 = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 13 | 1 << 14

    /// Every right on files that this version knows: the ruleset denies those that are handled and not allowed.
    private var handledFiles: UInt64 {
        // The first version has 13 rights. Later ones added moving (2), truncating (3) and device control (5).
        (1 << 13) - 1 | (version >= 2 ? 1 << 13 : 0) | (version >= 3 ? 1 << 14 : 0) | (version >= 5 ? 1 << 15 : 0)
    }

    /// Makes the ruleset. Returns nil where Landlock is missing.
    /// - Parameters:
    ///   - executable: files that may also be started as programs.
    ///   - writable: folders in which files and folders may be made.
    func make(readable: [String], executable: [String] = [], writable: [String] = [], confiningSignals: Bool)
        throws(SystemCallError) -> Int32?
    {
        guard version > 0 else { return nil }
        // Denied: binding and connecting TCP sockets, reaching abstract sockets, signals.
        let scopes: UInt64 = confinesSignals ? (confiningSignals ? 3 : 1) : 0
        let ruleset = faas_landlock_create(handledFiles, confinesPorts ? 3 : 0, scopes)
        guard ruleset >= 0 else { throw SystemCallError("landlock_create_ruleset", code: -ruleset) }
        let rules =
            readable.map { ($0, Self.readFile | Self.readFolder) }
            + executable.map { ($0, Self.readFile | Self.execute) }
            + writable.map { ($0, (Self.readFile | Self.readFolder | Self.write) & handledFiles) }
        for (path, rights) in rules {
            let result = faas_landlock_allow(ruleset, path, rights, Self.readFile | Self.execute)
            // A path that does not exist needs no rule.
            guard result == 0 || result == -ENOENT || result == -EACCES || result == -ENOTDIR else {
                Descriptors.close(ruleset)
                throw SystemCallError("landlock_add_rule \(path)", code: -result)
            }
        }
        return ruleset
    }

    func restrict(_ ruleset: Int32) throws(SystemCallError) {
        let result = faas_landlock_restrict(ruleset)
        guard result == 0 else { throw SystemCallError("landlock_restrict_self", code: -result) }
    }
}
