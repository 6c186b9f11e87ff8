import FunctionModel
import HostMemory
import Synchronization

/// All that a host records of its functions: lines, calls and counters. One value for a runtime.
public final class HostRecords: Sendable {
    package let logs: FunctionLogs
    package let metrics = InvocationMetrics()
    /// nil: nothing is written to files.
    package let folder: RecordFolder?
    /// Bounds the memory and the threads that reading takes.
    package let readers = ReaderLimit(maximum: 4)
    private let writer: RecordWriter?
    private let calls: CallLog?

    /// The bytes that all files take together, unless an operator says otherwise.
    public static let defaultBudget = 256 << 20

    /// - Parameters:
    ///   - dataDirectory: its folder `records` gets the files; nil: there are none, and calls are not recorded.
    ///   - budget: the most bytes that all files take together. The oldest go first.
    ///   - status: the status that an error has over HTTP.
    ///   - onFailure: told why records cannot be written, once a minute at most.
    public init(
        dataDirectory: String?, budget: Int = HostRecords.defaultBudget,
        status: @escaping @Sendable (any FunctionError) -> Int,
        onFailure: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        let folder = dataDirectory.map(RecordFolder.init(dataDirectory:))
        let writer = folder.map { RecordWriter(folder: $0, budget: budget, onFailure: onFailure) }
        self.folder = folder
        self.writer = writer
        logs = FunctionLogs(writer: writer)
        calls = writer.map { CallLog(writer: $0, status: status) }
    }

    /// What a runtime tells of its invocations.
    public var observers: [any InvocationObserver] {
        var observers: [any InvocationObserver] = [metrics, logs]
        if let calls { observers.append(calls) }
        return observers
    }

    /// The budget that lines in memory draw from.
    package func draw(from memory: ByteBudget) { logs.draw(from: memory) }

    /// Records that were lost.
    package var losses: RecordWriter.Losses { writer?.losses ?? .init() }

    /// Waits until everything so far is in the files, at most this long.
    @discardableResult
    public func flush(withinMillis limit: Int) -> Bool { writer?.flush(withinMillis: limit) ?? true }
}

/// How many readers there may be at a time.
package final class ReaderLimit: Sendable {
    private let maximum: Int
    private let count = Atomic<Int>(0)

    init(maximum: Int) { self.maximum = maximum }

    package func withReader<Value>(_ read: () async throws -> Value) async throws -> Value {
        defer { count.subtract(1, ordering: .relaxed) }
        guard count.add(1, ordering: .relaxed).newValue <= maximum else {
            throw Overloaded("\(maximum) other requests read records. Try again later.")
        }
        return try await read()
    }
}

extension RecordFolder {
    package init(dataDirectory: String) { self.init(path: "\(dataDirectory)/records") }
}
