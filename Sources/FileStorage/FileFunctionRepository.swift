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
///
/// `functions/{id}.json` is the current version, and the truth about it: a person or GraalFaaS may write it. All
/// versions are in ``VersionFiles``, and ``FunctionIndex`` has a row for each. A change happens under the lock of the
/// directory, in this order: the version's file, the transaction, the current file. What is acknowledged has all three.
/// A process that is killed
/// - before the transaction leaves a file without a row, which the next change of the function removes;
/// - before the current file is replaced leaves a version that is not current. ``FunctionIndex`` names another current
///   version than the file then; the next listing or change of versions corrects that (`adopt`).
public struct FileFunctionRepository: FunctionRepository {
    /// Where the files are.
    public let functionsDirectory: String

    /// The limit of a stored function's file, in bytes.
    public static let maximumFileSize = 64 << 20

    /// File systems note changes by a clock that ticks every few milliseconds: two changes within a tick may leave the
    /// same stamp. A file younger than this, in nanoseconds, has no stamp.
    static let stampResolution: Int64 = 50_000_000

    /// Which versions stay.
    public var retention = VersionRetention()

    let files: BlockingFiles
    let state: StateDatabase

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
        state = StateDatabase(dataDirectory: dataDirectory)
    }

    public var location: String { parent(of: functionsDirectory) }

    public func location(of id: FunctionID) -> String { files.path(of: id) }

    public func exists() async -> Bool { access(location, F_OK) == 0 }

    public func load(_ id: FunctionID) async throws -> LoadedFunction { try await run { try $0.read(id) } }

    public func list(after: FunctionID?, limit: Int?) async throws -> FunctionList {
        var list = try await run { try $0.list(after: after, limit: limit) }
        if list.functions.isEmpty { return list }
        let versions: [String: FunctionIndex.Current]
        do {
            versions = try await state.read { try FunctionIndex.currentVersions($0) } ?? [:]
        } catch is StorageFailure {
            // The functions themselves can be read, and called. A listing of versions reports the failure.
            return list
        }
        for function in list.functions {
            // Another revision: the file was written by other means.
            guard let version = versions[function.id.text], version.revision == function.revision else { continue }
            list.facts[function.id]?.version = version.number
            list.facts[function.id]?.changedAt = version.createdAt
        }
        return list
    }

    public func stamp(of id: FunctionID) async throws -> FunctionStamp? { try await run { try $0.stamp(of: id) } }

    public func learnedImports() async throws -> [String: [String]] { try await run { try $0.imports.read() } }

    public func saveLearnedImports(_ names: [String]?, of revision: String) async throws {
        try await run { try $0.imports.save(names, of: revision) }
    }

    public func openChangeFeed() async -> (any ChangeFeed)? {
        try? await run { FileChangeFeed(functionsDirectory: $0.directory) }
    }

    /// Files make their reader wait, which tasks and event loops must not.
    func run<Result: Sendable>(_ work: @escaping @Sendable (BlockingFiles) throws -> Result) async throws
        -> Result
    {
        try await NIOThreadPool.singleton.runIfActive { [files] in try work(files) }
    }
}

/// The same, for threads that may wait.
struct BlockingFiles: Sendable {
    let directory: String
    let now: @Sendable () -> Int64

    var imports: ImportFiles { ImportFiles(directory: "\(parent(of: directory))/imports") }

    func path(of id: FunctionID) -> String { "\(directory)/\(fileName(id))" }

    var versions: VersionFiles { VersionFiles(functionsDirectory: directory) }

    /// Makes this the current version.
    func replace(_ id: FunctionID, with document: [UInt8]) throws {
        do {
            try DurableFile.replace(fileName(id), in: directory, with: document)
        } catch {
            throw StorageFailure(path: path(of: id), reason: error.description)
        }
    }

    func createFolders() throws {
        do {
            try DurableFile.createFolder(parent(of: directory))
            try DurableFile.createFolder(directory, mode: 0o700)
        } catch {
            throw StorageFailure(path: directory, reason: error.description)
        }
    }

    /// - Returns: whether there was such a file.
    func remove(_ id: FunctionID) throws -> Bool {
        do {
            return try DurableFile.remove(fileName(id), in: directory)
        } catch {
            throw StorageFailure(path: path(of: id), reason: error.description)
        }
    }

    /// Makes readers, and feeds, see the function as changed.
    func touch(_ id: FunctionID) throws {
        guard utimes(path(of: id), nil) == 0 || isNotFound(errno) else {
            throw StorageFailure(path: path(of: id), reason: SystemCallError("utimes", code: errno).description)
        }
    }

    func list(after: FunctionID?, limit: Int?) throws -> FunctionList {
        var list = FunctionList()
        var ids: [FunctionID] = []
        for name in try fileNames().sorted() {
            if let id = functionID(fileName: name) {
                if after.map({ $0 < id }) ?? true { ids.append(id) }
            } else if after == nil {
                list.broken.append(
                    BrokenFunction(path: "\(directory)/\(name)", reason: "its name is not a function id and '.json'"))
            }
        }
        ids.sort()
        for id in ids.prefix(limit ?? .max) {
            do {
                let loaded = try read(id)
                list.functions.append(loaded.function)
                list.facts[id] = loaded.facts
            } catch let error as BrokenFunction {
                list.broken.append(error)
            } catch is FunctionNotFound {
                // Deleted since the names were read.
            }
        }
        list.broken.sort { $0.path < $1.path }
        list.hasMore = ids.count > limit ?? .max
        list.last = ids.prefix(limit ?? .max).last
        return list
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
            var loaded = LoadedFunction(
                function: try StoredFunction.read(content.bytes, id: id), stamp: stamp, isWatched: isWatched)
            loaded.facts = FunctionFacts(changedAt: content.stamp.modified / 1_000_000, size: content.bytes.count)
            return loaded
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
        do {
            return try FolderNames.read(directory).filter { !$0.hasPrefix(".") }
        } catch {
            throw StorageFailure(path: directory, reason: error.description)
        }
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
