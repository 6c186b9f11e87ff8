import FunctionStorage
import Glibc
import SystemCalls

/// What workers have learned to import: `{dataDirectory}/imports/{revision}`, one name on each line.
///
/// A lost or broken file costs the first calls some time and nothing else, so files are replaced at once and not made
/// durable.
struct ImportFiles {
    let directory: String

    /// A directory with more files was not written by this program: the rest is not read.
    private static let mostFiles = 4096
    /// A longer file is not read.
    private static let largestFile = 256 << 10

    func read() throws -> [String: [String]] {
        guard let folder = opendir(directory) else {
            if errno == ENOENT || errno == ENOTDIR { return [:] }
            throw failure("opendir")
        }
        defer { closedir(folder) }
        var found: [String: [String]] = [:]
        while found.count < Self.mostFiles, let entry = readdir(folder) {
            // By address: an entry ends after its name, so a copy of all 256 bytes could read past it.
            let text = UnsafeRawPointer(entry) + (MemoryLayout<dirent>.offset(of: \.d_name) ?? 19)
            let name = String(cString: text.assumingMemoryBound(to: CChar.self))
            guard Self.isRevision(name),
                let content = try? readFile("\(directory)/\(name)", limit: Self.largestFile).bytes
            else { continue }
            let lines = String(decoding: content, as: UTF8.self).split(separator: "\n")
            found[name] = lines.map(String.init)
        }
        return found
    }

    func save(_ names: [String]?, of revision: String) throws {
        // Functions that are not stored have other names for their revisions.
        guard Self.isRevision(revision) else { return }
        let path = "\(directory)/\(revision)"
        guard let names else {
            guard unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR else { throw failure("unlink") }
            return
        }
        let bytes = Array(names.map { $0 + "\n" }.joined().utf8)
        do {
            try DurableFile.createFolder(directory, mode: 0o700)
            try DurableFile.replace(revision, in: directory, with: bytes, isDurable: false)
        } catch {
            throw StorageFailure(path: path, reason: error.description)
        }
    }

    private static func isRevision(_ name: String) -> Bool { name.wholeMatch(of: /[0-9a-f]{16}/) != nil }

    private func failure(_ call: String) -> StorageFailure {
        StorageFailure(path: directory, reason: SystemCallError(call, code: errno).description)
    }
}
