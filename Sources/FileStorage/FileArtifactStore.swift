import Foundation
import FunctionModel
import FunctionStorage
import NIOPosix
import SystemCalls

/// Artifacts as folders: `{dataDirectory}/layers/{name}`.
///
/// An artifact is made under another name, and renamed when it is complete and on the disk: a half-written one is never
/// used.
public struct FileArtifactStore: ArtifactStore {
    public let location: String

    /// - Parameter dataDirectory: It need not exist before the first artifact is made.
    public init(dataDirectory: String) { location = "\(dataDirectory.isEmpty ? "." : dataDirectory)/layers" }

    public func path(of name: String) -> String? {
        guard ArtifactName.isValid(name), let path = realpath("\(location)/\(name)", nil) else { return nil }
        defer { free(path) }
        return String(cString: path)
    }

    public func make(_ name: String, fill: @Sendable (String) async throws -> Void) async throws {
        if let path = path(of: name) { return Self.touch(path) }
        _ = try await make { folder in
            try await fill(folder)
            return name
        }
    }

    public func make(naming fill: @Sendable (String) async throws -> String) async throws -> String {
        let folder = "\(location)/.\(UUID().uuidString).tmp"
        do {
            try await run {
                try DurableFile.createFolder(location)
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            }
            let name = try await fill(folder)
            try await run { try finish(folder, as: name) }
            return name
        } catch {
            try? await run { try? FileManager.default.removeItem(atPath: folder) }
            throw failure(error)
        }
    }

    public func unused(except needed: Set<String>, unusedForSeconds seconds: Int) async throws -> [UnusedArtifact] {
        try await run { try UnusedFiles.find(in: location, except: needed, unchangedForSeconds: seconds) }
    }

    public func remove(_ artifact: UnusedArtifact) async throws { try await run { try UnusedFiles.remove(artifact) } }

    /// Files make their caller wait, which tasks must not.
    private func run<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await NIOThreadPool.singleton.runIfActive(work)
    }

    private func finish(_ folder: String, as name: String) throws {
        try Self.makeReadable(folder)
        try DurableFile.syncFileSystem(of: folder)
        // Another upload may have made the same one meanwhile.
        if path(of: name) == nil, rename(folder, "\(location)/\(name)") != 0, path(of: name) == nil {
            throw SystemCallError("rename", code: errno)
        }
        guard let path = path(of: name) else {
            throw StorageFailure(path: "\(location)/\(name)", reason: "it was removed at once")
        }
        Self.touch(path)
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func failure(_ error: any Error) -> any Error {
        switch error {
        case let error as SystemCallError: StorageFailure(path: location, reason: error.description)
        case let error as CocoaError: StorageFailure(path: location, reason: error.localizedDescription)
        default: error
        }
    }

    /// A function that is about to be saved refers to it: it must not look unused.
    private static func touch(_ path: String) { utimes(path, nil) }

    /// Functions run as another user, whatever this one's umask is.
    private static func makeReadable(_ folder: String) throws {
        chmod(folder, 0o755)
        let names = FileManager.default.enumerator(atPath: folder)
        while let name = names?.nextObject() as? String {
            let path = "\(folder)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0 else { throw SystemCallError("lstat", code: errno) }
            if status.st_mode & S_IFMT == S_IFLNK { continue }
            let needed: mode_t = status.st_mode & S_IFMT == S_IFDIR ? 0o555 : 0o444
            guard chmod(path, status.st_mode & 0o777 | needed) == 0 else { throw SystemCallError("chmod", code: errno) }
        }
    }
}
