import Foundation
import FunctionModel

/// The folder of modules and data that a manifest names: which files there are, before any is read.
///
/// Two are equal if no file has changed between them.
public struct SourceFolder: Hashable, Sendable {
    package struct File: Hashable, Sendable {
        /// Relative to the folder.
        package let path: String
        let stamp: FileStamp
    }

    public let path: String
    package let files: [File]

    /// The limits of a folder.
    package static let maximumFiles = 10_000
    package static let maximumBytes = 256 << 20

    /// Hidden files (`.git`, `.env`) and what Python has compiled are left out.
    init(path: String) throws(DocumentError) {
        self.path = path
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue,
            let names = FileManager.default.enumerator(atPath: path)
        else { throw DocumentError("no such folder: \(quoted(path))") }
        var files: [File] = []
        var bytes: Int64 = 0
        while let name = names.nextObject() as? String {
            let last = name.split(separator: "/").last ?? ""
            guard !last.hasPrefix("."), last != "__pycache__" else {
                names.skipDescendants()
                continue
            }
            var status = stat()
            guard lstat("\(path)/\(name)", &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: continue
            case S_IFREG: files.append(File(path: name, stamp: FileStamp(status)))
            case S_IFLNK:
                throw DocumentError(
                    "\(quoted("\(path)/\(name)")) is a link, which may lead out of the folder: put a copy there")
            default: throw DocumentError("\(quoted("\(path)/\(name)")) is not a regular file")
            }
            // A sparse file may claim any size.
            bytes += min(Int64(status.st_size), Int64(Self.maximumBytes) + 1)
            guard files.count <= Self.maximumFiles, bytes <= Self.maximumBytes else {
                throw DocumentError(
                    "the folder \(quoted(path)) is larger than the limit of \(Self.maximumFiles) files and "
                        + "\(Self.maximumBytes >> 20) MiB"
                )
            }
        }
        // By bytes: the order of Swift's strings depends on the version of Unicode.
        self.files = files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }
}
