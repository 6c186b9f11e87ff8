import Foundation
import FunctionStorage
import Glibc

/// The files of a JavaScript project, and when each was last changed. Two are equal if nothing has changed between
/// them.
///
/// All of the manifest's folder, because a file may be imported that is not there yet. Not what is hidden, and not
/// `node_modules`: who installs a package changes `package.json` or the lock file beside it.
struct WatchedFiles: Equatable {
    private var files: [String: Stamp] = [:]

    private struct Stamp: Equatable {
        let seconds: Int
        let nanoseconds: Int
        let size: Int
        let inode: UInt
    }

    /// More than people write by hand: it is looked at several times a second.
    private static let maximumFiles = 10_000

    /// None if the function is complete as the manifest has it.
    init(_ manifest: Manifest, at path: String) {
        guard let source = manifest.sourcePath,
            let project = JavaScriptProject(manifest.definition, sourcePath: source, manifestPath: path),
            let names = FileManager.default.enumerator(atPath: project.folder)
        else { return }
        while let name = names.nextObject() as? String, files.count < Self.maximumFiles {
            let last = name.split(separator: "/").last ?? ""
            guard !last.hasPrefix("."), last != "node_modules" else {
                names.skipDescendants()
                continue
            }
            var status = stat()
            guard lstat("\(project.folder)/\(name)", &status) == 0, status.st_mode & S_IFMT != S_IFDIR else { continue }
            files[name] = Stamp(
                seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec, size: Int(status.st_size),
                inode: UInt(status.st_ino))
        }
    }
}
