import FunctionModel
import Glibc
import HostMemory
import SystemCalls

/// Writes records to the files of a ``RecordFolder``, on a thread of its own. Adding a record takes one lock and never
/// blocks: what does not fit the buffer or the disk is lost, and counted.
package final class RecordWriter: Sendable {
    package struct Losses: Sendable, Equatable {
        /// Records that did not fit the buffer, or the host's memory.
        package var buffer = 0
        /// Records that could not be written.
        package var disk = 0
    }

    package let folder: RecordFolder
    private let queue: Queue

    /// - Parameters:
    ///   - budget: the most bytes that all files take together. The oldest files go first.
    ///   - capacity: the most bytes of memory that waiting records take.
    ///   - interval: the thread collects records for this long and writes them at once.
    ///   - onFailure: told why records cannot be written, once a minute at most.
    package init(
        folder: RecordFolder, budget: Int, capacity: Int = 16 << 20, intervalMicros: UInt32 = 20_000,
        onFailure: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.folder = folder
        queue = Queue(RecordFiles(folder, budget: budget), capacity: capacity, intervalMicros, onFailure)
        queue.start()
    }

    deinit { queue.stop() }

    /// The budget that waiting records draw from.
    package func draw(from memory: ByteBudget) { queue.lock.withLock { $0.memory = memory } }

    package func write(_ record: LogRecord) { queue.append(.line(record), cost: record.cost) }

    package func write(_ record: CallRecord) {
        let failure = record.failure.map { $0.stackTrace.reduce($0.message.utf8.count) { $0 + $1.utf8.count } } ?? 0
        queue.append(.call(record), cost: 512 + failure)
    }

    package var losses: Losses { queue.lock.withLock { $0.losses } }

    /// Waits until everything so far has been written, at most this long.
    @discardableResult
    package func flush(withinMillis limit: Int) -> Bool { queue.flush(withinMillis: limit) }

    fileprivate enum Record {
        case line(LogRecord)
        case call(CallRecord)
    }

    fileprivate struct State {
        var memory: ByteBudget?
        var waiting: [Record] = []
        var waitingBytes = 0
        /// Of that, lines by function.
        var lineBytes: [FunctionID: Int] = [:]
        /// What the thread has taken and not written.
        var writingBytes = 0
        var losses = Losses()
        var isStopped = false
        var flushes = 0
    }

    /// Unchecked: `files` is used by the thread only.
    private final class Queue: @unchecked Sendable {
        let lock = ConditionLock(State())
        private let files: RecordFiles
        private let capacity: Int
        private let intervalMicros: UInt32
        private let onFailure: @Sendable (String) -> Void
        private var lastFailure: Int64?

        init(
            _ files: RecordFiles, capacity: Int, _ intervalMicros: UInt32,
            _ onFailure: @escaping @Sendable (String) -> Void
        ) {
            self.files = files
            self.capacity = capacity
            self.intervalMicros = intervalMicros
            self.onFailure = onFailure
        }

        func append(_ record: Record, cost: Int) {
            lock.withLock { state in
                if case .line(let line) = record {
                    // A function that writes much loses its own lines, not those of others.
                    let own = state.lineBytes[line.functionID, default: 0] + cost
                    guard own <= capacity / 4 else {
                        state.losses.buffer += 1
                        return
                    }
                    state.lineBytes[line.functionID] = own
                }
                guard state.waitingBytes + state.writingBytes + cost <= capacity, state.memory?.reserve(cost) ?? true
                else {
                    state.losses.buffer += 1
                    return
                }
                state.waitingBytes += cost
                state.waiting.append(record)
                if state.waiting.count == 1 { lock.signal() }
            }
        }

        func stop() {
            lock.withLock { state in
                state.isStopped = true
                lock.signal()
            }
        }

        func flush(withinMillis limit: Int) -> Bool {
            lock.withLock { $0.flushes += 1 }
            defer { lock.withLock { $0.flushes -= 1 } }
            return lock.wait(withinMillis: limit) { $0.waitingBytes == 0 && $0.writingBytes == 0 ? true : nil } ?? false
        }

        // MARK: The thread

        func start() {
            ServiceThread.start { [self] in
                while let records = next() {
                    write(records)
                    lock.withLock { state in
                        state.memory?.release(state.writingBytes)
                        state.writingBytes = 0
                        lock.signal()
                    }
                }
                files.closeAll()
            }
        }

        /// nil: stopped, and everything has been written.
        private func next() -> [Record]? {
            let mayCollect = lock.wait { state in
                state.waiting.isEmpty && !state.isStopped ? nil : !state.isStopped && state.flushes == 0
            }
            // A line appears in the file a moment later, and many lines take one system call.
            if mayCollect { usleep(intervalMicros) }
            return lock.withLock { state in
                guard !state.waiting.isEmpty else { return nil }
                defer { (state.waiting, state.lineBytes) = ([], [:]) }
                (state.writingBytes, state.waitingBytes) = (state.waitingBytes, 0)
                return state.waiting
            }
        }

        private struct Key: Hashable {
            let function: FunctionID
            let kind: RecordFolder.Kind
        }

        private struct Chunk {
            var bytes: [UInt8] = []
            var records = 0
        }

        /// Bytes of one file that are written at once.
        private static let chunkBytes = 256 << 10

        private func write(_ records: [Record]) {
            var chunks: [Key: Chunk] = [:]
            for record in records {
                let key: Key =
                    switch record {
                    case .line(let line): Key(function: line.functionID, kind: .lines)
                    case .call(let call):
                        Key(function: call.functionID, kind: call.isFailure ? .failures : .calls)
                    }
                var chunk = chunks.removeValue(forKey: key) ?? Chunk()
                switch record {
                case .line(let line): line.appendJSON(to: &chunk.bytes)
                case .call(let call): call.appendJSON(to: &chunk.bytes)
                }
                chunk.bytes.append(UInt8(ascii: "\n"))
                chunk.records += 1
                if chunk.bytes.count >= Self.chunkBytes {
                    write(chunk, key)
                } else {
                    chunks[key] = chunk
                }
            }
            for (key, chunk) in chunks { write(chunk, key) }
        }

        private func write(_ chunk: Chunk, _ key: Key) {
            do {
                try files.append(chunk.bytes, key.kind, of: key.function)
            } catch {
                lock.withLock { $0.losses.disk += chunk.records }
                let now = MonotonicClock.now()
                if let lastFailure, now - lastFailure < 60_000_000_000 { return }
                lastFailure = now
                onFailure(
                    "Records of '\(key.function)' cannot be written to '\(files.folder.path)' and are lost: \(error).")
            }
        }
    }
}
