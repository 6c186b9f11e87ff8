import FunctionModel
import FunctionStorage
import Glibc
import SystemCalls

/// The functions deployed on this host, one file each: `{dataDirectory}/functions/{id}.json`.
///
/// Any number of processes may use a directory at once: whoever reads sees a function as it was saved, old or new,
/// never half of it. A directory written by GraalFaaS can be used as it is.
public struct FunctionStore: Sendable {
    /// Where the files are.
    public let functionsDirectory: String
    /// Where the folders are that functions read.
    public let layers: LayerStore

    /// The limit of a stored function's file, in bytes.
    public static let maximumFileSize = 64 << 20

    /// - Parameter dataDirectory: It need not exist before the first ``save(_:definition:)``.
    public init(dataDirectory: String) {
        self.init(dataDirectory: dataDirectory, layersIn: dataDirectory)
    }

    /// Functions in one data directory that read the layers of another.
    public init(dataDirectory: String, layersIn layersDirectory: String) {
        functionsDirectory = "\(dataDirectory.isEmpty ? "." : dataDirectory)/functions"
        layers = LayerStore(dataDirectory: layersDirectory.isEmpty ? "." : layersDirectory)
    }

    /// The file of a function, whether it is there or not.
    public func path(of id: FunctionID) -> String { "\(functionsDirectory)/\(fileName(id))" }

    /// Stores the function, in place of one of the same id. When this returns, it is on the disk.
    /// - Throws: ``StorageFailure``, or ``InvalidRequest`` if the function is too large.
    public func save(_ id: FunctionID, definition: FunctionDefinition) throws -> Function {
        let function = Function(id: id, definition: definition)
        let document = StoredFunction.document(function)
        guard document.count <= Self.maximumFileSize else {
            throw InvalidRequest("The function '\(id)' is larger than the limit of \(Self.maximumFileSize >> 20) MiB.")
        }
        do {
            try DurableFile.createFolder(functionsDirectory)
            try DurableFile.replace(fileName(id), in: functionsDirectory, with: document)
        } catch {
            throw StorageFailure(path: path(of: id), reason: error.description)
        }
        return function
    }

    /// - Throws: ``FunctionNotFound``, or ``BrokenFunction``.
    public func load(_ id: FunctionID) throws -> Function {
        try read(id).function
    }

    /// All functions, sorted by id. One that cannot be used does not hide the others: it is in `broken`.
    /// - Throws: ``StorageFailure`` if the directory cannot be read. One that does not exist has no functions.
    public func list() throws -> (functions: [Function], broken: [BrokenFunction]) {
        var functions: [Function] = []
        var broken: [BrokenFunction] = []
        for name in try fileNames().sorted() {
            guard let id = functionID(fileName: name) else {
                broken.append(
                    BrokenFunction(
                        path: "\(functionsDirectory)/\(name)", reason: "its name is not a function id and '.json'"))
                continue
            }
            do {
                functions.append(try load(id))
            } catch let error as BrokenFunction {
                broken.append(error)
            } catch is FunctionNotFound {
                // Deleted since the names were read.
            }
        }
        return (functions.sorted { $0.id < $1.id }, broken)
    }

    /// Removes a function, broken or not.
    /// - Throws: ``FunctionNotFound``, or ``StorageFailure``.
    public func delete(_ id: FunctionID) throws {
        let found: Bool
        do {
            found = try DurableFile.remove(fileName(id), in: functionsDirectory)
        } catch {
            throw StorageFailure(path: path(of: id), reason: error.description)
        }
        if !found { throw FunctionNotFound(id: id.text) }
    }

    /// The function, and the state of the file it was read from.
    func read(_ id: FunctionID) throws -> (function: Function, stamp: FileStamp) {
        let content: FileContent
        do {
            content = try readFile(path(of: id), limit: Self.maximumFileSize)
        } catch {
            if error.isNotFound { throw FunctionNotFound(id: id.text) }
            throw BrokenFunction(path: path(of: id), reason: "it \(error.phrase)")
        }
        do {
            return (try StoredFunction.read(content.bytes, id: id, layers: layers), content.stamp)
        } catch {
            throw BrokenFunction(path: path(of: id), reason: error.message)
        }
    }

    // MARK: File names

    private func fileName(_ id: FunctionID) -> String { "\(id).json" }

    private func functionID(fileName: String) -> FunctionID? {
        guard fileName.hasSuffix(".json") else { return nil }
        return try? FunctionID(String(fileName.dropLast(".json".count)))
    }

    /// Without those that begin with a dot: unfinished files, and the folder itself.
    private func fileNames() throws -> [String] {
        guard let directory = opendir(functionsDirectory) else {
            if isNotFound(errno) { return [] }
            throw StorageFailure(path: functionsDirectory, reason: SystemCallError("opendir", code: errno).description)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else { break }
            // By address: an entry ends after its name, so a copy of all 256 bytes could read past it.
            let name = UnsafeRawPointer(entry) + MemoryLayout<dirent>.offset(of: \.d_name)!
            let text = String(cString: name.assumingMemoryBound(to: CChar.self))
            if !text.hasPrefix(".") { names.append(text) }
        }
        guard errno == 0 else {
            throw StorageFailure(path: functionsDirectory, reason: SystemCallError("readdir", code: errno).description)
        }
        return names
    }
}
