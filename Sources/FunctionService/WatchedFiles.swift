import Foundation
import FunctionStorage

/// The files of a JavaScript project, and the state of each. Two are equal if nothing has changed between them.
///
/// It has all of the manifest's folder, because a file may be imported that does not exist yet. It has no hidden files
/// and no `node_modules`: installing a package changes `package.json` or the lock file beside it.
package struct WatchedFiles: Equatable, Sendable {
    private var files: [String: FileStamp] = [:]

    /// More than people write by hand: they are looked at several times a second.
    private static let maximumFiles = 10_000

    /// None if the function is complete as the manifest has it.
    /// - Parameter path: the manifest's file.
    package init(_ manifest: Manifest, at path: String) {
        guard let project = JavaScriptProject(manifest, at: path),
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
            files[name] = FileStamp(status)
        }
    }
}
