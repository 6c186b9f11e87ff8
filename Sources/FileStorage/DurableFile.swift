import FunctionStorage
import Glibc
import SystemCalls

/// Replacing and removing files so that a crash, of the process or of the machine, leaves the old state or the new one.
enum DurableFile {
    /// Makes `bytes` the content of the file `name` in `folder`. The folder must exist.
    ///
    /// The bytes go to a file beside it first, whose name begins with a dot.
    /// - Parameter isDurable: false: a crash of the machine may leave a broken file.
    static func replace(
        _ name: String, in folder: String, with bytes: [UInt8], isDurable: Bool = true
    ) throws(SystemCallError) {
        let (temporary, descriptor) = try createTemporary(for: name, in: folder)
        do throws(SystemCallError) {
            defer { Descriptors.close(descriptor) }
            try bytes.withUnsafeBufferPointer { bytes throws(SystemCallError) in
                try Descriptors.writeAll(UnsafeRawBufferPointer(bytes), to: descriptor)
            }
            // Before the rename: otherwise the new name may reach the disk without the bytes.
            guard !isDurable || fsync(descriptor) == 0 else { throw .last("fsync") }
            guard rename(temporary, "\(folder)/\(name)") == 0 else { throw .last("rename") }
        } catch {
            unlink(temporary)
            throw error
        }
        if isDurable { try sync(folder: folder) }
    }

    /// Returns false if there is no such file.
    static func remove(_ name: String, in folder: String) throws(SystemCallError) -> Bool {
        guard unlink("\(folder)/\(name)") == 0 else {
            if isNotFound(errno) { return false }
            throw .last("unlink")
        }
        try sync(folder: folder)
        return true
    }

    /// Creates the folder and those above it, as far as they are missing.
    /// - Parameter mode: of the folder itself. The kernel takes the umask off it.
    static func createFolder(_ path: String, mode: mode_t = 0o755) throws(SystemCallError) {
        if mkdir(path, mode) != 0 {
            switch errno {
            case EEXIST:
                return
            case ENOENT where parent(of: path) != path:
                try createFolder(parent(of: path))
                guard mkdir(path, mode) == 0 || errno == EEXIST else { throw .last("mkdir") }
            default:
                throw .last("mkdir")
            }
        }
        try sync(folder: parent(of: path))
    }

    private static func createTemporary(
        for name: String, in folder: String
    ) throws(SystemCallError) -> (path: String, descriptor: Int32) {
        while true {
            let path = "\(folder)/.\(name).\(String(UInt64.random(in: 0...UInt64.max), radix: 36)).tmp"
            // Only for this user: a function's environment may hold secrets.
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            if descriptor >= 0 { return (path, descriptor) }
            if errno != EEXIST { throw .last("open") }
        }
    }

    /// Makes everything in the file system durable that `folder` is in: many files at once.
    static func syncFileSystem(of folder: String) throws(SystemCallError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open") }
        defer { Descriptors.close(descriptor) }
        try Descriptors.syncFileSystem(descriptor)
    }

    /// Makes the folder's names durable.
    static func sync(folder: String) throws(SystemCallError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open") }
        defer { Descriptors.close(descriptor) }
        // EINVAL: a file system that has no such operation.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw .last("fsync") }
    }
}

extension SystemCallError {
    /// The error of the call that just returned -1.
    fileprivate static func last(_ call: String) -> SystemCallError { SystemCallError(call, code: errno) }
}
