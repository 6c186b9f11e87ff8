import Glibc

/// Writes log lines to a descriptor on a thread of its own, so that a pipe which is not read never blocks a caller.
///
/// Lines wait in a buffer bounded in bytes. A line that does not fit is dropped and counted; when there is room again, one line says how many are missing. Writing a line takes one lock
/// and no system call but the wake-up of the thread.
public final class LogSink: Sendable {
    /// How ``line(level:label:metadata:source:message:)`` writes lines.
    public let format: LogFormat
    private let queue: Queue

    /// - Parameter descriptor: where to write. It must stay open for as long as the process uses the sink.
    /// - Parameter capacity: the most bytes that wait.
    public init(descriptor: Int32 = STDERR_FILENO, capacity: Int = 1 << 20, format: LogFormat = .text) {
        self.format = format
        queue = Queue(descriptor: descriptor, capacity: capacity, format)
        queue.start()
    }

    /// Makes a line in this sink's format and adds it.
    public func write(
        level: String, label: String, metadata: [(key: String, value: String)], source: String, message: String
    ) {
        write(LogText.line(format, level: level, label: label, metadata: metadata, source: source, message: message))
    }

    deinit { queue.stop() }

    /// Adds a line, with its line feed. Never blocks.
    public func write(_ line: [UInt8]) { queue.append(line) }

    /// Waits until everything so far has been written, at most this long: the descriptor may be a pipe that is not
    /// read.
    ///
    /// - Returns: whether everything has been written.
    @discardableResult
    public func flush(withinMillis limit: Int) -> Bool { queue.flush(withinMillis: limit) }

    /// The buffers and their thread, which holds a reference.
    private final class Queue: Sendable {
        private struct State {
            var buffer: LogBuffer
            var isStopped = false
        }

        private let descriptor: Int32
        /// Signalled when something waits, and when something has been written.
        private let lock: ConditionLock<State>

        init(descriptor: Int32, capacity: Int, _ format: LogFormat) {
            self.descriptor = descriptor
            let buffer = LogBuffer(capacity: capacity) { count in
                LogText.line(
                    format, level: "warning", label: "faas", metadata: [], source: "LogSink",
                    message: "[\(count) log lines dropped: they were written faster than they were read]")
            }
            lock = ConditionLock(State(buffer: buffer))
        }

        func append(_ line: [UInt8]) {
            lock.withLock { state in
                let hadWaiting = state.buffer.hasWaiting
                state.buffer.append(line)
                if !hadWaiting { lock.signal() }
            }
        }

        func stop() {
            lock.withLock { state in
                state.isStopped = true
                lock.signal()
            }
        }

        func flush(withinMillis limit: Int) -> Bool {
            lock.wait(withinMillis: limit) { $0.buffer.bytes == 0 ? true : nil } ?? false
        }

        // MARK: The thread

        func start() { ServiceThread.start { self.writeAll() } }

        private func writeAll() {
            while let bytes = next() {
                write(bytes) { count in
                    lock.withLock { state in
                        state.buffer.wrote(count)
                        lock.signal()
                    }
                }
            }
        }

        /// nil: stopped, and everything has been written.
        private func next() -> [UInt8]? {
            lock.wait { state -> [UInt8]?? in
                if state.buffer.hasWaiting { return .some(state.buffer.take()) }
                return state.isStopped ? .some(nil) : nil
            }
        }

        private func write(_ bytes: [UInt8], progress: (Int) -> Void) {
            bytes.withUnsafeBytes { bytes in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let count = writeSome(UnsafeRawBufferPointer(rebasing: rest))
                    rest = rest.dropFirst(count)
                    progress(count)
                }
            }
        }

        /// Waits until the descriptor takes some bytes. Bytes that can never be written count as written.
        private func writeSome(_ bytes: UnsafeRawBufferPointer) -> Int {
            while true {
                let count = Glibc.write(descriptor, bytes.baseAddress, min(bytes.count, 64 << 10))
                if count >= 0 { return count }
                switch errno {
                case EINTR: continue
                case EAGAIN:
                    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&entry, 1, -1)
                default: return bytes.count
                }
            }
        }
    }
}
