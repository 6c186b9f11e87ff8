import FunctionModel
import FunctionStorage

/// Sees when a manifest, a file that it names, or a file of its JavaScript project changes.
///
/// It reads them again and again: a manifest may name any number of files, and reading them is cheaper than asking the
/// kernel to watch each.
package struct ManifestWatch: Sendable {
    private struct Observation: Equatable {
        let manifest: Manifest
        let files: WatchedFiles
    }

    private let path: String
    /// What was seen last, good or not. Each observation is acted on once: a deployment that fails is not repeated
    /// until something changes.
    private var last: Result<Observation, InvalidManifest>?

    /// - Parameter path: the manifest's file.
    package init(_ path: String) { self.path = path }

    /// - Returns: the manifest if it has changed since the last call, or is the first; else nil.
    /// - Throws: `InvalidManifest` if it cannot be used, once for each message.
    package mutating func next() throws(InvalidManifest) -> Manifest? {
        let seen: Result<Observation, InvalidManifest>
        do throws(InvalidManifest) {
            let manifest = try Manifest(file: path)
            seen = .success(Observation(manifest: manifest, files: WatchedFiles(manifest, at: path)))
        } catch {
            seen = .failure(error)
        }
        guard seen != last else { return nil }
        last = seen
        return try seen.get().manifest
    }
}
