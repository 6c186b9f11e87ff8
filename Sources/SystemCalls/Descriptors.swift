import CLinuxShims
import Glibc

/// Reads, writes and closes descriptors. Interrupted calls are retried.
public enum Descriptors {
    /// Waits for at least one byte and reads up to the buffer's size. Returns 0 at the end of the stream.
    public static func read(into buffer: UnsafeMutableRawBufferPointer, from descriptor: Int32) throws(SystemCallError)
        -> Int
    {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            if errno != EINTR { throw .last("read") }
        }
    }

    /// Like ``read(into:from:)``, for a socket. Waits in `poll`: a thread that waits in a read of a Unix socket is also
    /// woken, for nothing, each time the other side reads what this side sent.
    public static func receive(into buffer: UnsafeMutableRawBufferPointer, from socket: Int32) throws(SystemCallError)
        -> Int
    {
        while true {
            let count = recv(socket, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
            if count >= 0 { return count }
            if errno == EAGAIN {
                var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
                guard poll(&entry, 1, -1) < 0 else { continue }
                if errno != EINTR { throw .last("poll") }
            } else if errno != EINTR {
                throw .last("recv")
            }
        }
    }

    /// Writes all of `bytes`. Blocks until it is done.
    public static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(SystemCallError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count >= 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } else if errno != EINTR {
                throw .last("write")
            }
        }
    }

    /// Writes both parts, one after the other. Takes one system call if the kernel accepts all bytes at once.
    public static func writeAll(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, to descriptor: Int32
    ) throws(SystemCallError) {
        var parts = [first, second].map {
            iovec(iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress), iov_len: $0.count)
        }
        var count = writev(descriptor, &parts, 2)
        while count < 0 {
            if errno != EINTR { throw .last("writev") }
            count = writev(descriptor, &parts, 2)
        }
        if count < first.count {
            try writeAll(UnsafeRawBufferPointer(rebasing: first[count...]), to: descriptor)
            count = first.count
        }
        try writeAll(UnsafeRawBufferPointer(rebasing: second[(count - first.count)...]), to: descriptor)
    }

    /// Fills the buffer. Returns false if the stream ends first.
    public static func readExactly(
        into buffer: UnsafeMutableRawBufferPointer, from descriptor: Int32
    ) throws(SystemCallError) -> Bool {
        var filled = 0
        while filled < buffer.count {
            let count = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]), from: descriptor)
            if count == 0 { return false }
            filled += count
        }
        return true
    }

    public static func close(_ descriptor: Int32) {
        _ = Glibc.close(descriptor)
    }

    /// Shuts a connection down in both directions, which wakes waiting threads on both ends. The descriptor stays open.
    public static func shutDown(_ socket: Int32) {
        _ = Glibc.shutdown(socket, Int32(SHUT_RDWR))
    }

    /// Closes the receiving direction: reads return the bytes that have arrived, and then the end of the stream.
    public static func endReading(_ socket: Int32) {
        _ = Glibc.shutdown(socket, Int32(SHUT_RD))
    }

    /// How many descriptors this process may have open at the same time.
    public static var limit: Int {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
            ? Int(clamping: limit.rlim_cur) : 1024
    }

    /// Whether this process can open nothing at this moment. For errors of libraries that do not say why.
    public static var areExhausted: Bool {
        let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return SystemCallError.isOutOfDescriptors(errno) }
        close(descriptor)
        return false
    }

    /// Raises the soft limit of open descriptors to the hard one. Shells start programs with 1,024, for compatibility
    /// with `select`.
    public static func raiseLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Waits until all data of the file system that this descriptor is on has been written to the disk.
    public static func syncFileSystem(_ descriptor: Int32) throws(SystemCallError) {
        _ = try checked("syncfs", faas_sync_file_system(descriptor))
    }

    /// Closes all descriptors except `kept`, which must be sorted.
    public static func closeAll(except kept: [Int32]) throws(SystemCallError) {
        var next: Int32 = 0
        for number in kept {
            if number > next { try closeAll(from: next, to: UInt32(number - 1)) }
            next = number + 1
        }
        try closeAll(from: next)
    }

    /// Closes all descriptors from `first` to `last`.
    public static func closeAll(from first: Int32, to last: UInt32 = .max) throws(SystemCallError) {
        _ = try checked("close_range", faas_close_range(UInt32(first), last))
    }

    /// Makes `number` a duplicate of `descriptor`.
    public static func duplicate(_ descriptor: Int32, as number: Int32) throws(SystemCallError) {
        guard dup2(descriptor, number) >= 0 else { throw .last("dup2") }
    }

    public static func openNull() throws(SystemCallError) -> Int32 {
        let descriptor = open("/dev/null", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open /dev/null") }
        return descriptor
    }

    /// Runs `body` with standard error discarded.
    public static func silencingErrors(_ body: () -> Void) {
        let errors = dup(2)
        if let null = try? openNull() {
            dup2(null, 2)
            Glibc.close(null)
        }
        body()
        if errors >= 0 {
            dup2(errors, 2)
            Glibc.close(errors)
        }
    }

    /// Opens an eventfd: a counter that wakes the threads that poll it, as event loops use it.
    public static func openEvent() throws(SystemCallError) -> Int32 { try checked("eventfd", faas_open_event()) }

    /// What the descriptor refers to, as the kernel names it: a path, or a kind such as `socket:[1]`. "" if it is
    /// closed.
    public static func path(of descriptor: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let path = buffer.baseAddress else { return "" }
            let count = readlink("/proc/self/fd/\(descriptor)", path, buffer.count)
            guard count >= 0 else { return "" }
            return String(
                decoding: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]), as: UTF8.self)
        }
    }

    /// The whole text of a file, or "" if it cannot be read.
    static func readText(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { Glibc.close(descriptor) }
        return String(decoding: readToEnd(descriptor), as: UTF8.self)
    }

    /// The names of the subfolders of a folder. Empty if it cannot be read.
    static func folders(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var found: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if entry.pointee.d_type == DT_DIR, !name.hasPrefix(".") { found.append(name) }
        }
        return found
    }

    /// All bytes up to the end of the stream. Uses no library that could be in an inconsistent state after a fork.
    static func readToEnd(_ descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 1) { buffer in
            while let count = try? read(into: buffer, from: descriptor), count > 0 { bytes += buffer[..<count] }
        }
        return bytes
    }

    /// The open descriptors of this process, from `first` upward.
    public static func openDescriptors(from first: Int32) -> [Int32] {
        ProcessFiles.list(.descriptors).filter { $0 >= first }
    }

    /// The position of the next read or write; nil for a pipe or a socket, which have none.
    public static func position(of descriptor: Int32) -> Int64? {
        let position = lseek(descriptor, 0, SEEK_CUR)
        return position >= 0 ? Int64(position) : nil
    }

    public static func setPosition(_ position: Int64, of descriptor: Int32) throws(SystemCallError) {
        guard lseek(descriptor, off_t(position), SEEK_SET) >= 0 else { throw .last("lseek") }
    }

    /// Waits until one of `descriptors` is readable or its other end is closed. Returns one flag for each.
    public static func waitUntilReadable(_ descriptors: [Int32]) throws(SystemCallError) -> [Bool] {
        var list = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while poll(&list, nfds_t(list.count), -1) < 0 {
            if errno != EINTR { throw .last("poll") }
        }
        return list.map { $0.revents != 0 }
    }
}
