import CLinuxShims
import Glibc

/// A worker's own files in /proc. They are opened before the sandbox closes /proc, under fixed numbers.
///
/// The numbers are above those that most functions use, so functions get the same numbers as without these files. They
/// are below 64, so the descriptor table keeps its smallest size: closing what a function has opened looks at every
/// number up to the highest.
///
/// A zygote has none of them open; it opens the files by their paths.
public enum ProcessFiles {
    public enum File: Int32, CaseIterable, Sendable {
        // The memory rewinder uses the first four: CMemoryRewind.h states the same numbers.
        case pagemap = 32
        case sizes = 33
        case mappings = 34
        case threads = 35
        case children = 36
        case descriptors = 37

        fileprivate var path: String {
            switch self {
            case .pagemap: "/proc/self/pagemap"
            case .sizes: "/proc/self/statm"
            case .mappings: "/proc/self/maps"
            case .threads: "/proc/self/task"
            case .children: "/proc/thread-self/children"
            case .descriptors: "/proc/self/fd"
            }
        }
    }

    /// A descriptor of the directory that ``ProcessState`` returns to.
    static let workingDirectory: Int32 = 38

    /// The memory file that the rewinder writes its snapshot to. `CMemoryRewind.h` has the same number. Where there is
    /// none, it is a second descriptor of the working directory: the guest cannot use the number.
    static let image: Int32 = 39

    /// The worker's own descriptors.
    public static let numbers: [Int32] = File.allCases.map(\.rawValue) + [workingDirectory, image]

    /// Keeps the present directory as ``workingDirectory``. Opened with O_PATH: the process may not be allowed to read
    /// it.
    static func keepWorkingDirectory() {
        let directory = Glibc.open(".", __O_PATH | O_DIRECTORY | O_CLOEXEC)
        dup2(directory, workingDirectory)
        _ = fcntl(workingDirectory, F_SETFD, FD_CLOEXEC)
        Glibc.close(directory)
    }

    /// Closes the memory file and keeps its number taken.
    public static func replaceImage() {
        dup2(workingDirectory, image)
        _ = fcntl(image, F_SETFD, FD_CLOEXEC)
    }

    public static func open() throws(SystemCallError) {
        for file in File.allCases {
            let opened = Glibc.open(file.path, O_RDONLY | O_CLOEXEC)
            // Some kernels do not list children, and some hide page tables: code that reads these files works without.
            guard opened >= 0 else { continue }
            defer { Glibc.close(opened) }
            guard fcntl(opened, F_DUPFD_CLOEXEC, file.rawValue) == file.rawValue else {
                throw .last("fcntl \(file.path)")
            }
        }
        // Reserves the numbers, so that no other descriptor gets them.
        keepWorkingDirectory()
        replaceImage()
    }

    /// Opens ``File/sizes`` once more.
    public static func openSizes() throws(SystemCallError) -> Int32 {
        let opened = Glibc.open(File.sizes.path, O_RDONLY | O_CLOEXEC)
        guard opened >= 0 else { throw .last("open \(File.sizes.path)") }
        return opened
    }

    /// The present text of a file, or "" if it cannot be read.
    static func read(_ file: File) -> String { String(decoding: readBytes(file), as: UTF8.self) }

    static func readBytes(_ file: File) -> [UInt8] {
        let isOpen = lseek(file.rawValue, 0, SEEK_SET) == 0
        let descriptor = isOpen ? file.rawValue : Glibc.open(file.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { if !isOpen { Glibc.close(descriptor) } }
        return Descriptors.readToEnd(descriptor)
    }

    /// The entries of a folder whose names are numbers.
    static func list(_ file: File) -> [Int32] {
        let isOpen = fcntl(file.rawValue, F_GETFD) >= 0
        let descriptor = isOpen ? dup(file.rawValue) : Glibc.open(file.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0, let folder = fdopendir(descriptor) else { return [] }
        defer { closedir(folder) }
        // A duplicate shares its position with the original, so start from the beginning.
        rewinddir(folder)
        var found: [Int32] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let number = Int32(name), number != descriptor { found.append(number) }
        }
        return found
    }
}
