import FunctionModel
import Glibc
import SystemCalls

/// The files of a ``RecordFolder``, for the one thread of a process that writes them: appends, begins a new file when
/// one is full, and keeps all files together within a budget. Several processes may write to one folder.
final class RecordFiles {
    private struct Key: Hashable {
        let kind: RecordFolder.Kind
        let function: FunctionID
    }

    private struct OpenFile {
        let descriptor: Int32
        var lastUse: UInt64
        /// The last write was cut, so the next one begins on a new line.
        var isTorn = false
    }

    let folder: RecordFolder
    private let budget: Int
    private var files: [Key: OpenFile] = [:]
    private var uses: UInt64 = 0
    /// About how many bytes all files take together. nil: not known.
    private var total: Int?

    /// Files that stay open between two writes.
    private static let maximumOpenFiles = 64

    init(_ folder: RecordFolder, budget: Int) {
        self.folder = folder
        self.budget = budget
    }

    deinit { closeAll() }

    func closeAll() {
        for file in files.values { Descriptors.close(file.descriptor) }
        files = [:]
    }

    // MARK: Writing

    /// Adds whole lines to a file.
    func append(_ bytes: [UInt8], _ kind: RecordFolder.Kind, of function: FunctionID) throws(SystemCallError) {
        let key = Key(kind: kind, function: function)
        var status = stat()
        var file = try openFile(key)
        guard fstat(file.descriptor, &status) == 0 else { throw .last("fstat") }
        if status.st_nlink == 0 {
            // Removed by hand, or by another process for the budget.
            close(key)
            file = try openFile(key)
        } else if status.st_size > 0, Int(status.st_size) + bytes.count > kind.segmentBytes {
            try beginNewFile(key, full: status)
            file = try openFile(key)
        }
        do {
            if file.isTorn { try write([UInt8(ascii: "\n")], to: file.descriptor) }
            try write(bytes, to: file.descriptor)
            if file.isTorn { files[key]?.isTorn = false }
        } catch {
            files[key]?.isTorn = true
            throw error
        }
        if let known = total { total = known + bytes.count } else { total = measure().reduce(0) { $0 + $1.size } }
        if total ?? 0 > budget { removeOldest(except: folder.file(kind, of: function)) }
    }

    private func write(_ bytes: [UInt8], to descriptor: Int32) throws(SystemCallError) {
        try bytes.withUnsafeBufferPointer { bytes throws(SystemCallError) in
            try Descriptors.writeAll(UnsafeRawBufferPointer(bytes), to: descriptor)
        }
    }

    private func openFile(_ key: Key) throws(SystemCallError) -> OpenFile {
        uses += 1
        if let file = files[key] {
            files[key]?.lastUse = uses
            return file
        }
        if files.count >= Self.maximumOpenFiles, let oldest = files.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            close(oldest.key)
        }
        let path = folder.file(key.kind, of: key.function)
        var descriptor = Self.open(path)
        if descriptor < 0, errno == ENOENT {
            for path in [folder.path, folder.folder(of: key.function)] { try Self.makeFolder(path) }
            descriptor = Self.open(path)
        }
        guard descriptor >= 0 else { throw .last("open") }
        let file = OpenFile(descriptor: descriptor, lastUse: uses)
        files[key] = file
        return file
    }

    /// Only for this user: what functions write may be secret.
    private static func open(_ path: String) -> Int32 {
        Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    }

    /// With the folders above it, which may be the data directory: that is made by the first upload, or here.
    private static func makeFolder(_ path: String) throws(SystemCallError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw .last("mkdir")
        }
        try makeFolder(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .last("mkdir") }
    }

    private func close(_ key: Key) {
        if let file = files.removeValue(forKey: key) { Descriptors.close(file.descriptor) }
    }

    // MARK: Full files

    /// Gives each file of this kind the next number; the last one is removed.
    private func beginNewFile(_ key: Key, full: stat) throws(SystemCallError) {
        close(key)
        // Another process may do the same at this moment.
        let lock = Glibc.open(folder.folder(of: key.function), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard lock >= 0 else { throw .last("open") }
        defer { Descriptors.close(lock) }
        guard flock(lock, LOCK_EX) == 0 else { throw .last("flock") }
        var status = stat()
        let path = folder.file(key.kind, of: key.function)
        guard stat(path, &status) == 0, status.st_ino == full.st_ino else { return }
        let numbered = (0..<RecordFolder.segments).map { folder.file(key.kind, of: key.function, segment: $0) }
        if let last = numbered.last, stat(last, &status) == 0 { total = total.map { $0 - Int(status.st_size) } }
        for segment in stride(from: numbered.count - 1, to: 0, by: -1) {
            guard rename(numbered[segment - 1], numbered[segment]) == 0 || errno == ENOENT else {
                throw .last("rename")
            }
        }
    }

    // MARK: The budget

    private struct Measured {
        let path: String
        let size: Int
        /// Nanoseconds since 1970.
        let changed: Int
    }

    /// Every file of records. It takes milliseconds with thousands of functions, and is done when the budget is used up.
    private func measure() -> [Measured] {
        var found: [Measured] = []
        for function in Self.names(in: folder.path) {
            for name in Self.names(in: "\(folder.path)/\(function)") where name.hasSuffix(".jsonl") {
                let path = "\(folder.path)/\(function)/\(name)"
                var status = stat()
                guard lstat(path, &status) == 0 else { continue }
                found.append(
                    Measured(
                        path: path, size: Int(status.st_size),
                        changed: status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec))
            }
        }
        return found
    }

    private static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    /// Removes the files that have not changed for longest, until a tenth of the budget is free.
    private func removeOldest(except current: String) {
        let measured = measure().sorted { $0.changed < $1.changed }
        var sum = measured.reduce(0) { $0 + $1.size }
        for file in measured where sum > budget - budget / 10 && file.path != current {
            guard unlink(file.path) == 0 else { continue }
            sum -= file.size
            // Removed if it was the last one.
            if let slash = file.path.lastIndex(of: "/") { rmdir(String(file.path[..<slash])) }
        }
        total = sum
    }
}

extension SystemCallError {
    /// The error of the call that just returned -1.
    fileprivate static func last(_ call: String) -> SystemCallError { SystemCallError(call, code: errno) }
}
