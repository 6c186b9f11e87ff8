import FunctionModel
import FunctionStorage
import Glibc
import NIOPosix
import SystemCalls

/// The functions of a data directory, one file each: `{dataDirectory}/functions/{id}.json`.
///
/// Any number of processes may use a directory at once: a reader sees a function as it was saved, old or new, never
/// half of it. A directory written by GraalFaaS can be used as it is. Only this user can read the files: functions may
/// have secrets in their environment.
public struct FileFunctionRepository: FunctionRepository {
    /// Where the files are.
    public let functionsDirectory: String

    /// The limit of a stored function's file, in bytes.
    public static let maximumFileSize = 64 << 20

    /// File systems note changes by a clock that ticks every few milliseconds: two changes within a tick may leave the
    /// same stamp. A file younger than this, in nanoseconds, has no stamp.
    static let stampResolution: Int64 = 50_000_000

    private let files: BlockingFiles

    /// - Parameter dataDirectory: It need not exist before the first ``save(_:)``.
    public init(dataDirectory: String) {
        self.init(dataDirectory: dataDirectory) {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return nanoseconds(time)
        }
    }

    /// - Parameter now: the time by the file system's clock: nanoseconds since 1970.
    init(dataDirectory: String, now: @escaping @Sendable () -> Int64) {
        functionsDirectory = "\(dataDirectory.isEmpty ? "." : dataDirectory)/functions"
        files = BlockingFiles(directory: functionsDirectory, now: now)
    }

    public var location: String { parent(of: functionsDirectory) }

    public func location(of id: FunctionID) -> String { files.path(of: id) }

    public func exists() async -> Bool { access(location, F_OK) == 0 }

    public func save(_ function: Function) async throws { try await run { try $0.save(function) } }

    public func load(_ id: FunctionID) async throws -> LoadedFunction { try await run { try $0.read(id) } }

    public func list() async throws -> FunctionList { try await run { try $0.list() } }

    /// The current version: files keep no other.
    public func versions(of id: FunctionID) async throws -> [Function] { [try await load(id).function] }

    public func delete(_ id: FunctionID) async throws { try await run { try $0.delete(id) } }

    public func stamp(of id: FunctionID) async throws -> FunctionStamp? { try await run { try $0.stamp(of: id) } }

    public func learnedImports() async throws -> [String: [String]] { try await run { try $0.imports.read() } }

    public func saveLearnedImports(_ names: [String]?, of revision: String) async throws {
        try await run { try $0.imports.save(names, of: revision) }
    }

    public func openChangeFeed() async -> (any ChangeFeed)? {
        try? await run { FileChangeFeed(functionsDirectory: $0.directory) }
    }

    /// Files make their reader wait, which tasks and event loops must not.
    private func run<Result: Sendable>(_ work: @escaping @Sendable (BlockingFiles) throws -> Result) async throws
        -> Result
    {
        try await NIOThreadPool.singleton.runIfActive { [files] in try work(files) }
    }
}

/// The same, for threads that may wait.
private struct BlockingFiles: Sendable {
    let directory: String
    let now: @Sendable () -> Int64

    var imports: ImportFiles { ImportFiles(directory: "\(parent(of: directory))/imports") }

    func path(of id: FunctionID) -> String { "\(directory)/\(fileName(id))" }

    func save(_ function: Function) throws {
        let document = StoredFunction.document(function)
        let limit = FileFunctionRepository.maximumFileSize
        guard document.count <= limit else {
            throw InvalidRequest("The function '\(function.id)' is larger than the limit of \(limit >> 20) MiB.")
        }
        do {
            try DurableFile.createFolder(parent(of: directory))
            try DurableFile.createFolder(directory, mode: 0o700)
            try DurableFile.replace(fileName(function.id), in: directory, with: document)
        } catch {
            throw StorageFailure(path: path(of: function.id), reason: error.description)
        }
    }

    func list() throws -> FunctionList {
        var list = FunctionList()
        for name in try fileNames().sorted() {
            guard let id = functionID(fileName: name) else {
                list.broken.append(
                    BrokenFunction(path: "\(directory)/\(name)", reason: "its name is not a function id and '.json'"))
                continue
            }
            do {
                list.functions.append(try read(id).function)
            } catch let error as BrokenFunction {
                list.broken.append(error)
            } catch is FunctionNotFound {
                // Deleted since the names were read.
            }
        }
        list.functions.sort { $0.id < $1.id }
        return list
    }

    func delete(_ id: FunctionID) throws {
        let found: Bool
        do {
            found = try DurableFile.remove(fileName(id), in: directory)
        } catch {
            throw StorageFailure(path: path(of: id), reason: error.description)
        }
        if !found { throw FunctionNotFound(id: id.text) }
    }

    func read(_ id: FunctionID) throws -> LoadedFunction {
        let path = path(of: id)
        let content: FileContent
        let readAt = now()
        do {
            content = try readFile(path, limit: FileFunctionRepository.maximumFileSize)
        } catch {
            if error.isNotFound { throw FunctionNotFound(id: id.text) }
            if error.isOutOfDescriptors { throw Overloaded.noDescriptors }
            throw BrokenFunction(path: path, reason: "it \(error.phrase)")
        }
        // A time to come is the clock's fault, and no reason to read the file each time.
        let isYoung = (0..<FileFunctionRepository.stampResolution).contains(readAt &- content.stamp.changed)
        let stamp = isYoung ? nil : FunctionStamp(content.stamp)
        // A file with another name may be written under that name, in a directory that is not watched.
        let isWatched = !content.stamp.hasOtherNames && !isLink(path)
        do {
            return LoadedFunction(
                function: try StoredFunction.read(content.bytes, id: id), stamp: stamp, isWatched: isWatched)
        } catch {
            throw BrokenFunction(
                path: path, reason: error.message, state: .init(stamp: stamp, isWatched: isWatched))
        }
    }

    func stamp(of id: FunctionID) throws -> FunctionStamp? {
        let path = path(of: id)
        do {
            return try FileStamp(path: path).map(FunctionStamp.init)
        } catch {
            throw StorageFailure(path: path, reason: error.description)
        }
    }

    private func isLink(_ path: String) -> Bool {
        var status = Glibc.stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    // MARK: File names

    private func fileName(_ id: FunctionID) -> String { "\(id).json" }

    private func functionID(fileName: String) -> FunctionID? { FileFunctionRepository.functionID(fileName: fileName) }

    /// Without those that begin with a dot: unfinished files, and the folder itself.
    private func fileNames() throws -> [String] {
        guard let folder = opendir(directory) else {
            if isNotFound(errno) { return [] }
            throw StorageFailure(path: directory, reason: SystemCallError("opendir", code: errno).description)
        }
        defer { closedir(folder) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(folder) else { break }
            // By address: an entry ends after its name, so a copy of all 256 bytes could read past it.
            let name = UnsafeRawPointer(entry) + (MemoryLayout<dirent>.offset(of: \.d_name) ?? 19)
            let text = String(cString: name.assumingMemoryBound(to: CChar.self))
            if !text.hasPrefix(".") { names.append(text) }
        }
        guard errno == 0 else {
            throw StorageFailure(path: directory, reason: SystemCallError("readdir", code: errno).description)
        }
        return names
    }
}

extension FileFunctionRepository {
    /// The id of the function that a file of this name holds; nil if it holds none.
    static func functionID(fileName: String) -> FunctionID? {
        guard fileName.hasSuffix(".json") else { return nil }
        return try? FunctionID(String(fileName.dropLast(".json".count)))
    }
}

extension FunctionStamp {
    init(_ stamp: FileStamp) {
        self.init("\(stamp.device) \(stamp.inode) \(stamp.size) \(stamp.modified) \(stamp.changed)")
    }
}
