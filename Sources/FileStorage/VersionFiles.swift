import FunctionModel
import FunctionStorage
import Glibc
import SystemCalls

/// The versions of functions as files: `{functionsDirectory}/.versions/{id}/{number}.json`, in the form of the current
/// ones. The current version is there too.
struct VersionFiles: Sendable {
    let functionsDirectory: String

    private func folder(of id: FunctionID) -> String { "\(functionsDirectory)/.versions/\(id)" }

    func path(_ id: FunctionID, _ number: Int) -> String { "\(folder(of: id))/\(number).json" }

    /// It is durable when this returns.
    func write(_ document: [UInt8], _ id: FunctionID, _ number: Int) throws {
        do {
            try DurableFile.createFolder(folder(of: id), mode: 0o700)
            try DurableFile.replace("\(number).json", in: folder(of: id), with: document)
        } catch {
            throw StorageFailure(path: path(id, number), reason: error.description)
        }
    }

    func read(_ id: FunctionID, _ number: Int) throws -> (function: Function, document: [UInt8]) {
        let path = path(id, number)
        do {
            let content = try readFile(path, limit: FileFunctionRepository.maximumFileSize)
            return (try StoredFunction.read(content.bytes, id: id), content.bytes)
        } catch let error as FileProblem {
            if error.isOutOfDescriptors { throw Overloaded.noDescriptors }
            throw BrokenFunction(path: path, reason: "it \(error.phrase)")
        } catch let error as DocumentError {
            throw BrokenFunction(path: path, reason: error.message)
        }
    }

    /// What cannot be removed stays until ``removeAll(of:except:)``.
    func remove(_ numbers: [Int], of id: FunctionID) {
        for number in numbers { unlink(path(id, number)) }
    }

    /// Removes what belongs to no version: files of an attempt that ended before its transaction, and of versions that
    /// were pruned. What cannot be removed stays until the next attempt.
    func removeAll(of id: FunctionID, except numbers: Set<Int>) {
        guard let names = try? FolderNames.read(folder(of: id)) else { return }
        for name in names where !numbers.contains(where: { name == "\($0).json" }) {
            unlink("\(folder(of: id))/\(name)")
        }
        if numbers.isEmpty { rmdir(folder(of: id)) }
    }
}

enum FolderNames {
    /// The names in a folder, in no order; none if there is no such folder.
    static func read(_ path: String) throws(SystemCallError) -> [String] {
        guard let folder = opendir(path) else {
            if isNotFound(errno) { return [] }
            throw SystemCallError("opendir", code: errno)
        }
        defer { closedir(folder) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(folder) else { break }
            // By address: an entry ends after its name, so a copy of all 256 bytes could read past it.
            let name = UnsafeRawPointer(entry) + (MemoryLayout<dirent>.offset(of: \.d_name) ?? 19)
            let text = String(cString: name.assumingMemoryBound(to: CChar.self))
            if text != ".", text != ".." { names.append(text) }
        }
        guard errno == 0 else { throw SystemCallError("readdir", code: errno) }
        return names
    }
}
