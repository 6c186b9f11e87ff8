import Foundation
import SystemCalls

/// Finds and removes what is in a folder and is no longer needed: artifacts, builds, and unfinished ones.
package enum UnusedFiles {
    /// What is directly in `directory`, is not in `needed`, and has not changed for some time. Sorted by name; nothing
    /// if there is no such directory.
    package static func find(in directory: String, except needed: Set<String>, unchangedForSeconds seconds: Int)
        throws -> [UnusedArtifact]
    {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory)
        } catch let error as CocoaError {
            if error.code == .fileReadNoSuchFile { return [] }
            throw StorageFailure(path: directory, reason: error.localizedDescription)
        }
        let date = Date(timeIntervalSinceNow: -Double(seconds))
        return names.sorted().compactMap { name in
            let path = "\(directory)/\(name)"
            guard !needed.contains(name), let status = status(path), status.changed <= date else { return nil }
            var bytes = status.bytes
            if status.isFolder, let inside = FileManager.default.enumerator(atPath: path) {
                // Sparse files may claim any size: the sum stays a number.
                while let name = inside.nextObject() as? String {
                    bytes = bytes.addingOrMaximum(Self.status("\(path)/\(name)")?.bytes ?? 0)
                }
            }
            return UnusedArtifact(path: path, bytes: bytes)
        }
    }

    /// Removes a file or a folder. It first gets a name that nothing refers to, so that no reader sees half of it.
    package static func remove(_ file: UnusedArtifact) throws {
        let hidden = "\(parent(of: file.path))/.\(UUID().uuidString).tmp"
        guard rename(file.path, hidden) == 0 else {
            // Another process has removed it.
            if errno == ENOENT { return }
            throw StorageFailure(path: file.path, reason: SystemCallError("rename", code: errno).description)
        }
        do {
            try FileManager.default.removeItem(atPath: hidden)
        } catch {
            throw StorageFailure(path: hidden, reason: error.localizedDescription)
        }
    }

    private static func status(_ path: String) -> (isFolder: Bool, bytes: Int, changed: Date)? {
        var status = stat()
        // The status of a link itself: its target is elsewhere.
        guard lstat(path, &status) == 0 else { return nil }
        let kind = status.st_mode & S_IFMT
        return (
            kind == S_IFDIR, kind == S_IFREG ? Int(status.st_size) : 0,
            Date(timeIntervalSince1970: Double(status.st_mtim.tv_sec))
        )
    }
}

extension Int {
    /// The sum of two sizes; the largest number if it is larger.
    package func addingOrMaximum(_ other: Int) -> Int {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? .max : sum
    }
}
