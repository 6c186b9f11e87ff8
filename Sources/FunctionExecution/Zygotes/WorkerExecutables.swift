import FunctionModel
import Glibc

/// Finds the worker executables.
package struct WorkerExecutables: Sendable {
    /// Where to look, in order.
    package let directories: [String]

    /// - Parameter directory: the only place to look; nil: `FAAS_WORKER_DIR` if set, else beside the running
    ///   executable, in `../libexec/polyglotfaas` and in `../libexec` from there.
    package init(directory: String?) {
        if let directory = directory ?? getenv("FAAS_WORKER_DIR").map({ String(cString: $0) }), !directory.isEmpty {
            directories = [directory]
            return
        }
        guard let executable = Self.runningExecutable(), let slash = executable.lastIndex(of: "/") else {
            directories = []
            return
        }
        let own = String(executable[..<slash])
        directories = [own, own + "/../libexec/polyglotfaas", own + "/../libexec"]
    }

    package func path(for language: Language) throws(WorkerExecutableNotFound) -> String {
        try path(of: language.workerExecutable)
    }

    package func path(of name: String) throws(WorkerExecutableNotFound) -> String {
        for directory in directories {
            let path = "\(directory)/\(name)"
            if access(path, X_OK) == 0 { return path }
        }
        throw WorkerExecutableNotFound(name: name, searched: directories)
    }

    private static func runningExecutable() -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let path = buffer.baseAddress else { return nil }
            let count = readlink("/proc/self/exe", path, buffer.count - 1)
            guard count > 0 else { return nil }
            buffer[count] = 0
            return String(cString: path)
        }
    }
}
