import FunctionModel
import FunctionStorage
import NIOPosix
import Telemetry

/// What has been recorded of stored functions: the use cases that need no runtime.
public struct FunctionRecords: Sendable {
    package let folder: RecordFolder

    /// - Parameter dataDirectory: where a host writes its records.
    public init(dataDirectory: String) { folder = RecordFolder(dataDirectory: dataDirectory) }

    init(_ folder: RecordFolder) { self.folder = folder }

    /// The latest lines that the query wants, oldest first.
    public func lines(of id: FunctionID, _ query: RecordQuery) async throws -> [LogRecord] {
        try await onThread { $0.read(LogRecord.self, [.lines], of: id, query) }
    }

    /// The latest calls that the query wants, oldest first.
    public func calls(of id: FunctionID, _ query: RecordQuery) async throws -> [CallRecord] {
        try await onThread {
            $0.read(CallRecord.self, query.failedOnly ? [.failures] : [.calls, .failures], of: id, query)
        }
    }

    /// What is written from now on, for a process that does not write.
    package func tail(of id: FunctionID, _ query: RecordQuery) -> RecordTail<LogRecord> {
        RecordTail(folder, .lines, of: id, query)
    }

    /// Whether anything has been recorded of the function.
    public func exist(of id: FunctionID) -> Bool { folder.has(id) }

    private func onThread<Value: Sendable>(_ read: @escaping @Sendable (RecordReader) -> Value) async throws -> Value {
        let reader = RecordReader(folder)
        return try await NIOThreadPool.singleton.runIfActive { read(reader) }
    }
}

extension FunctionService {
    /// The latest lines of a function that the query wants, oldest first: those in files and those in memory.
    package func lines(of id: FunctionID, _ query: RecordQuery) async throws -> [LogRecord] {
        let records = try await records(of: id)
        let recent = records.logs.recent(of: id, query)
        guard let folder = records.folder else { return recent }
        var lines = try await records.readers.withReader {
            try await FunctionRecords(folder).lines(of: id, query)
        }
        // Most of those in memory are in the files too.
        let known = Set(lines)
        lines += recent.filter { !known.contains($0) }
        lines.sort { $0.time < $1.time }
        return lines.suffix(query.limit)
    }

    /// The latest calls of a function that the query wants, oldest first.
    package func calls(of id: FunctionID, _ query: RecordQuery) async throws -> [CallRecord] {
        let records = try await records(of: id)
        guard let folder = records.folder else { return [] }
        return try await records.readers.withReader { try await FunctionRecords(folder).calls(of: id, query) }
    }

    /// Follows a function's lines from now on. The caller ends it with ``stopFollowing(_:_:)``.
    package func follow(_ id: FunctionID, _ query: RecordQuery) async throws -> LogFollower {
        try await records(of: id).logs.follow(id, query)
    }

    package func stopFollowing(_ id: FunctionID, _ follower: LogFollower) {
        records?.logs.stopFollowing(id, follower)
    }

    /// - Throws: `FunctionNotFound` if the function is not stored and nothing has been recorded of it.
    private func records(of id: FunctionID) async throws -> HostRecords {
        if records?.folder?.has(id) != true { _ = try await deployments.load(id) }
        guard let records else { throw InvalidRequest("This host records nothing.") }
        return records
    }
}
