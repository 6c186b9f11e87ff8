import Foundation
import FunctionModel
import FunctionStorage
import SystemCalls

/// Something in a data directory that nothing refers to any more: a layer, a build, or one of them that was never
/// finished.
package struct UnusedFile: Equatable, Sendable {
    package let path: String
    /// The sizes of all files in it together.
    package let bytes: Int

    /// What is directly in `directory`, is not named in `needed`, and has not changed since `date`: somebody who is
    /// about to refer to something has just made or touched it. Sorted by name; nothing if there is no such directory.
    package static func find(in directory: String, needed: Set<String>, unchangedSince date: Date) throws
        -> [UnusedFile]
    {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory)
        } catch let error as CocoaError {
            if error.code == .fileReadNoSuchFile { return [] }
            throw StorageFailure(path: directory, reason: error.localizedDescription)
        }
        return names.sorted().compactMap { name in
            let path = "\(directory)/\(name)"
            guard !needed.contains(name), let status = status(path), status.changed <= date else { return nil }
            var bytes = status.bytes
            if status.isFolder, let inside = FileManager.default.enumerator(atPath: path) {
                while let name = inside.nextObject() as? String { bytes += Self.status("\(path)/\(name)")?.bytes ?? 0 }
            }
            return UnusedFile(path: path, bytes: bytes)
        }
    }

    /// Removes it. Nobody sees half of it meanwhile: first it gets a name that nothing refers to.
    package func remove() throws {
        let (directory, name) = (path.prefix(through: path.lastIndex(of: "/")!), UUID().uuidString)
        let hidden = "\(directory).\(name).tmp"
        guard rename(path, hidden) == 0 else {
            // Somebody else has removed it.
            if errno == ENOENT { return }
            throw StorageFailure(path: path, reason: SystemCallError("rename", code: errno).description)
        }
        do {
            try FileManager.default.removeItem(atPath: hidden)
        } catch {
            throw StorageFailure(path: hidden, reason: error.localizedDescription)
        }
    }

    private static func status(_ path: String) -> (isFolder: Bool, bytes: Int, changed: Date)? {
        var status = stat()
        // Of a link itself: what it leads to is not in here.
        guard lstat(path, &status) == 0 else { return nil }
        let kind = status.st_mode & S_IFMT
        return (
            kind == S_IFDIR, kind == S_IFREG ? Int(status.st_size) : 0,
            Date(timeIntervalSince1970: Double(status.st_mtim.tv_sec))
        )
    }
}

extension FunctionStore {
    /// The layers that these functions read, by name.
    package static func layerNames(of functions: [Function]) -> Set<String> {
        Set(functions.flatMap(\.definition.folders.all).compactMap { $0.split(separator: "/").last.map(String.init) })
    }
}
