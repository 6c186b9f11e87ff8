import Crypto
import Foundation
import FunctionModel
import FunctionStorage
import SystemCalls

/// Folders of files that functions read, each named after what is in it: `{dataDirectory}/layers/{name}`. Functions
/// with the same modules or the same packages share one.
///
/// A layer is made under another name, and renamed when it is complete and on the disk: a half-written one is never
/// used.
public struct LayerStore: Sendable {
    public let directory: String

    package init(dataDirectory: String) { directory = "\(dataDirectory)/layers" }

    /// The layer's absolute path; nil if there is no such layer.
    public func path(of name: String) -> String? {
        guard Self.isName(name), let path = realpath("\(directory)/\(name)", nil) else { return nil }
        defer { free(path) }
        return String(cString: path)
    }

    /// A name for what these texts determine.
    public static func name(_ kind: String, of texts: [String]) -> String {
        var hash = LayerHash(kind)
        for text in texts { hash.add(Array(text.utf8)) }
        return hash.name
    }

    /// A kind and a hash: nothing that leads out of the folder.
    private static func isName(_ name: String) -> Bool {
        name.wholeMatch(of: /[a-z]+-[0-9a-f]{32}/) != nil
    }

    /// The layer of this name, made if there is none.
    /// - Parameter fill: writes the files into the folder that it is given.
    /// - Returns: its absolute path.
    public func layer(_ name: String, fill: (String) throws -> Void) throws -> String {
        if let path = path(of: name) {
            // Somebody is about to refer to it: that it is older than ``UnusedFile`` looks for must not be its end.
            utimes(path, nil)
            return path
        }
        return try make { folder in
            try fill(folder)
            return name
        }
    }

    /// The layer with the content of a function's folder.
    /// - Returns: its absolute path.
    public func layer(copying source: SourceFolder) throws -> String {
        try make { folder in
            var hash = LayerHash("source")
            for file in source.files {
                let bytes: [UInt8]
                do throws(FileProblem) {
                    bytes = try readFile("\(source.path)/\(file.path)", limit: SourceFolder.maximumBytes).bytes
                } catch {
                    throw InvalidManifest("\(source.path)/\(file.path): the file \(error.phrase)")
                }
                hash.add(Array(file.path.utf8))
                hash.add(bytes)
                let target = URL(fileURLWithPath: "\(folder)/\(file.path)")
                try FileManager.default.createDirectory(
                    at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(bytes).write(to: target)
            }
            return hash.name
        }
    }

    private func make(_ fill: (String) throws -> String) throws -> String {
        let files = FileManager.default
        do {
            try DurableFile.createFolder(directory)
            let folder = "\(directory)/.\(UUID().uuidString).tmp"
            defer { try? files.removeItem(atPath: folder) }
            try files.createDirectory(atPath: folder, withIntermediateDirectories: false)
            let name = try fill(folder)
            try Self.makeReadable(folder)
            try DurableFile.syncFileSystem(of: folder)
            // Somebody may have made the same one meanwhile.
            if path(of: name) == nil, rename(folder, "\(directory)/\(name)") != 0, path(of: name) == nil {
                throw StorageFailure(
                    path: "\(directory)/\(name)", reason: SystemCallError("rename", code: errno).description)
            }
            guard let path = path(of: name) else {
                throw StorageFailure(path: "\(directory)/\(name)", reason: "it has gone")
            }
            utimes(path, nil)
            return path
        } catch let error as SystemCallError {
            throw StorageFailure(path: directory, reason: error.description)
        } catch let error as CocoaError {
            throw StorageFailure(path: directory, reason: error.localizedDescription)
        }
    }

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

/// Every part has its length before it, so that no two contents are hashed as the same bytes.
private struct LayerHash {
    private let kind: String
    private var hash = SHA256()

    init(_ kind: String) {
        self.kind = kind
        add(Array("PolyglotFaaS layer, encoding 1: \(kind)".utf8))
    }

    mutating func add(_ bytes: [UInt8]) {
        withUnsafeBytes(of: Int64(bytes.count).littleEndian) { hash.update(bufferPointer: $0) }
        bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }

    var name: String {
        let digits = hash.finalize().prefix(16).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count < 2 ? "0\(digits)" : digits
        }
        return "\(kind)-\(digits.joined())"
    }
}
