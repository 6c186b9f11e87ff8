import FunctionModel
import FunctionStorage
import Glibc
import Synchronization
import SystemCalls

/// The functions of a store, kept in memory and still never out of date: each call looks at the file's stamp, and reads
/// the file only if that has changed. So a function deployed by another process is seen by the next call.
public final class FunctionCache: Sendable {
    /// File systems note changes by a clock that ticks every few milliseconds: two changes within a tick may leave the
    /// same stamp. A file as young as this is therefore read again the next time.
    static let stampResolution: Int64 = 50_000_000

    private let store: FunctionStore
    private let limit: Int
    /// The time by the file system's clock: nanoseconds since 1970.
    private let now: @Sendable () -> Int64
    private let state = Mutex(State())

    /// - Parameter limit: The most functions to keep; the one read first goes first.
    public convenience init(store: FunctionStore, limit: Int = 10_000) {
        self.init(store: store, limit: limit) {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return nanoseconds(time)
        }
    }

    init(store: FunctionStore, limit: Int, now: @escaping @Sendable () -> Int64) {
        self.store = store
        self.limit = max(1, limit)
        self.now = now
    }

    /// The function as it is stored now.
    ///
    /// Calls at the same time may read the same file at the same time; none waits for another's reading.
    /// - Throws: ``FunctionNotFound``, ``BrokenFunction``, or ``StorageFailure``. None of them is remembered.
    public func function(_ id: FunctionID) throws -> Function {
        if let entry = state.withLock({ $0.entries[id] }) {
            if try stamp(entry, id) == entry.stamp { return entry.function }
            state.withLock { $0.remove(entry, id) }
        }
        let readAt = now()
        let (function, stamp) = try store.read(id)
        state.withLock { state in
            state.readCount += 1
            // A time to come is the clock's fault, and no reason to read the file each time.
            guard !(0..<Self.stampResolution).contains(readAt &- stamp.changed) else { return }
            state.insert(Entry(path: store.path(of: id), stamp: stamp, function: function), id, limit: limit)
        }
        return function
    }

    /// How many functions it holds now, and how often it has read a file: for tests.
    var statistics: (count: Int, reads: Int) { state.withLock { ($0.entries.count, $0.readCount) } }

    private func stamp(_ entry: Entry, _ id: FunctionID) throws -> FileStamp? {
        do {
            return try entry.path.withUnsafeBufferPointer { path throws(SystemCallError) in
                try FileStamp(path: path.baseAddress!)
            }
        } catch {
            throw StorageFailure(path: store.path(of: id), reason: error.description)
        }
    }
}

extension FunctionCache {
    /// An object, so that to find one does not copy the function.
    private final class Entry: Sendable {
        /// As the kernel takes it, so that a call which finds its function in memory allocates nothing.
        let path: ContiguousArray<CChar>
        let stamp: FileStamp
        let function: Function

        init(path: String, stamp: FileStamp, function: Function) {
            self.path = ContiguousArray(path.utf8CString)
            self.stamp = stamp
            self.function = function
        }
    }

    private struct State {
        private(set) var entries: [FunctionID: Entry] = [:]
        var readCount = 0
        /// The ids in the order they came, in a ring. One that has been removed keeps its place until its turn comes.
        private var order: [FunctionID] = []
        private var oldest = 0

        mutating func insert(_ entry: Entry, _ id: FunctionID, limit: Int) {
            guard entries.updateValue(entry, forKey: id) == nil else { return }
            if order.count < limit {
                order.append(id)
            } else {
                if order[oldest] != id { entries[order[oldest]] = nil }
                order[oldest] = id
                oldest = (oldest + 1) % limit
            }
        }

        /// Removes this entry, not one that has taken its place.
        mutating func remove(_ entry: Entry, _ id: FunctionID) {
            if entries[id] === entry { entries[id] = nil }
        }
    }
}
