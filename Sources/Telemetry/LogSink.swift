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

    /// The buffers and their thread. Unchecked: every `var` is only used under `mutex`, and the pointers
    /// live until `deinit`, which runs after the thread has ended, because the thread holds a reference.
    private final class Queue: @unchecked Sendable {
        private let descriptor: Int32
        private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        /// Signalled when something waits, and when something has been written.
        private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        private var buffer: LogBuffer
        private var isStopped = false

        init(descriptor: Int32, capacity: Int, _ format: LogFormat) {
            self.descriptor = descriptor
            buffer = LogBuffer(capacity: capacity) { count in
                LogText.line(
                    format, level: "warning", label: "faas", metadata: [], source: "LogSink",
                    message: "[\(count) log lines dropped: they were written faster than they were read]")
            }
            pthread_mutex_init(mutex, nil)
            pthread_cond_init(changed, nil)
        }

        deinit {
            pthread_cond_destroy(changed)
            pthread_mutex_destroy(mutex)
            changed.deallocate()
            mutex.deallocate()
        }

        private func locked<Result>(_ body: () -> Result) -> Result {
            pthread_mutex_lock(mutex)
            defer { pthread_mutex_unlock(mutex) }
            return body()
        }

        func append(_ line: [UInt8]) {
            locked {
                let hadWaiting = buffer.hasWaiting
                buffer.append(line)
                if !hadWaiting { pthread_cond_broadcast(changed) }
            }
        }

        func stop() {
            locked {
                isStopped = true
                pthread_cond_broadcast(changed)
            }
        }

        func flush(withinMillis limit: Int) -> Bool {
            let limit = max(0, limit)
            var end = timespec()
            clock_gettime(CLOCK_REALTIME, &end)
            end.tv_sec += limit / 1000
            end.tv_nsec += limit % 1000 * 1_000_000
            if end.tv_nsec >= 1_000_000_000 {
                end.tv_sec += 1
                end.tv_nsec -= 1_000_000_000
            }
            return locked {
                while buffer.bytes > 0 {
                    if pthread_cond_timedwait(changed, mutex, &end) == ETIMEDOUT {
                        return buffer.bytes == 0
                    }
                }
                return true
            }
        }

        // MARK: The thread

        func start() {
            var thread = pthread_t()
            let itself = Unmanaged.passRetained(self)
            let failure = pthread_create(
                &thread, nil,
                { argument in
                    if let argument { Unmanaged<Queue>.fromOpaque(argument).takeRetainedValue().writeAll() }
                    return nil
                }, itself.toOpaque())
            if failure == 0 { pthread_detach(thread) } else { itself.release() }
        }

        private func writeAll() {
            // Signals are for other threads, and a closed pipe is an error of `write`, not the end of the process.
            var signals = sigset_t()
            sigfillset(&signals)
            pthread_sigmask(SIG_BLOCK, &signals, nil)
            while let bytes = next() {
                write(bytes) { count in
                    locked {
                        buffer.wrote(count)
                        pthread_cond_broadcast(changed)
                    }
                }
            }
        }

        /// nil: stopped, and everything has been written.
        private func next() -> [UInt8]? {
            locked {
                while true {
                    if buffer.hasWaiting { return buffer.take() }
                    if isStopped { return nil }
                    pthread_cond_wait(changed, mutex)
                }
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
