import Glibc
import SystemCalls

/// Tells one state of a file from another without reading it.
package struct FileStamp: Hashable, Sendable {
    package let device: UInt64
    package let inode: UInt64
    package let size: Int64
    /// Nanoseconds since 1970.
    package let modified: Int64
    /// The time of the last change of anything. Unlike ``modified``, programs cannot set it.
    package let changed: Int64
    /// Whether the file has other names too (hard links).
    package let hasOtherNames: Bool

    package init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modified = nanoseconds(status.st_mtim)
        changed = nanoseconds(status.st_ctim)
        hasOtherNames = status.st_nlink > 1
    }

    /// The state of the file at `path`; nil if there is none.
    package init?(path: UnsafePointer<CChar>) throws(SystemCallError) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if isNotFound(errno) { return nil }
            throw SystemCallError("stat", code: errno)
        }
        self.init(status)
    }
}

package struct FileContent {
    package let bytes: [UInt8]
    /// Taken before the first byte was read, so that a later change shows as another stamp.
    package let stamp: FileStamp
}

/// Why a file could not be read.
package struct FileProblem: Error {
    package let isNotFound: Bool
    /// Whether this process has no descriptor left. The file may be all right.
    package var isOutOfDescriptors = false
    /// A phrase to follow the file's name: "is a directory".
    package let phrase: String

    package static let notFound = FileProblem(isNotFound: true, phrase: "does not exist")
    package static func unusable(_ phrase: String) -> FileProblem { FileProblem(isNotFound: false, phrase: phrase) }
}

/// Reads a whole regular file. Opening anything else, for example a pipe, could block.
package func readFile(_ path: String, limit: Int) throws(FileProblem) -> FileContent {
    guard !path.utf8.contains(0) else { throw .unusable("has a NUL in its name") }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else {
        let error = SystemCallError("open", code: errno)
        var problem = isNotFound(error.code) ? FileProblem.notFound : .unusable(cannotBeRead(error))
        problem.isOutOfDescriptors = error.isOutOfDescriptors
        throw problem
    }
    defer { Descriptors.close(descriptor) }

    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unusable(cannotBeRead(SystemCallError("fstat", code: errno))) }
    guard status.st_mode & S_IFMT == S_IFREG else {
        throw .unusable(status.st_mode & S_IFMT == S_IFDIR ? "is a directory" : "is not a regular file")
    }
    let size = Int(status.st_size)
    guard size <= limit else { throw .unusable("is larger than the limit of \(limit >> 20) MiB") }

    let bytes: [UInt8]
    do {
        // One byte more than expected, to notice that the file has grown.
        bytes = try [UInt8](unsafeUninitializedCapacity: size + 1) { buffer, count in
            while count < size + 1 {
                let rest = UnsafeMutableRawBufferPointer(
                    UnsafeMutableBufferPointer(rebasing: buffer[count..<(size + 1)]))
                let read = try Descriptors.read(into: rest, from: descriptor)
                if read == 0 { break }
                count += read
            }
        }
    } catch {
        throw .unusable("cannot be read (\(error))")
    }
    guard bytes.count <= size else { throw .unusable("changed while it was read") }
    return FileContent(bytes: bytes, stamp: FileStamp(status))
}

package func isNotFound(_ code: Int32) -> Bool { code == ENOENT || code == ENOTDIR }

package func nanoseconds(_ time: timespec) -> Int64 {
    // Wraps rather than traps: a file system may claim any time.
    Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
}

private func cannotBeRead(_ error: SystemCallError) -> String { "cannot be read (\(error))" }

/// The folder that holds `path`.
package func parent(of path: String) -> String {
    var components = path.split(separator: "/", omittingEmptySubsequences: true)
    _ = components.popLast()
    let joined = components.joined(separator: "/")
    if path.hasPrefix("/") { return "/\(joined)" }
    return joined.isEmpty ? "." : joined
}
