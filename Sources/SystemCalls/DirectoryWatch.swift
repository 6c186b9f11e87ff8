import CLinuxShims
import Glibc

/// Tells of changes in directories (inotify).
///
/// `takeEvents` is called by one thread at a time: its owner has a lock.
public final class DirectoryWatch: @unchecked Sendable {
    // Safe to share: the descriptor never changes, and `takeEvents`, which alone uses the buffer, is called by one
    // thread at a time.

    /// One watched directory.
    public struct Directory: Hashable, Sendable { fileprivate let descriptor: Int32 }

    public enum Event {
        /// Something with this name was made, written, renamed or removed. The name is read only if it is asked for.
        case entry(Directory, name: () -> String)
        /// Events were lost.
        case overflow
        /// A watched directory was removed, renamed or unmounted.
        case gone
    }

    private let descriptor: Int32
    /// Room for many events. Its own, because a temporary one of this size would be allocated for each call.
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 8)

    public init() throws(SystemCallError) {
        descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard descriptor >= 0 else {
            let error = SystemCallError.last("inotify_init1")
            buffer.deallocate()
            throw error
        }
    }

    deinit {
        if descriptor >= 0 { Descriptors.close(descriptor) }
        buffer.deallocate()
    }

    /// Watches a directory.
    /// - Parameter entries: whether changes of what is in it are reported; else only its own end is.
    /// - Throws: if there is none, or if the kernel does not learn of all changes there: of a network file system's,
    ///   for example, which other machines write to.
    @discardableResult
    public func add(_ path: String, entries: Bool) throws(SystemCallError) -> Directory {
        guard faas_is_remote_file_system(path) == 0 else { throw SystemCallError("inotify_add_watch", code: ENOTSUP) }
        var mask = UInt32(IN_DELETE_SELF | IN_MOVE_SELF) | UInt32(IN_ONLYDIR)
        if entries {
            mask |= UInt32(IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE)
            mask |= UInt32(IN_MOVED_FROM | IN_MOVED_TO)
        }
        let number = inotify_add_watch(descriptor, path, mask)
        guard number >= 0 else { throw .last("inotify_add_watch") }
        return Directory(descriptor: number)
    }

    /// Takes the events that have happened so far, in order. Without events it is one system call. It never blocks.
    public func takeEvents(_ take: (Event) -> Void) {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            // The usual case: EAGAIN.
            guard count > 0 else { return }
            let header = MemoryLayout<inotify_event>.size
            var offset = 0
            while offset + header <= count {
                let event = buffer.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
                let start = offset + header
                let length = min(Int(event.len), count - start)
                take(Self.event(event, name: UnsafeRawBufferPointer(rebasing: buffer[start..<(start + length)])))
                offset = start + length
            }
        }
    }

    private static func event(_ event: inotify_event, name: UnsafeRawBufferPointer) -> Event {
        if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { return .overflow }
        if event.mask & UInt32(IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT) != 0 { return .gone }
        // The name is filled up with zeros.
        return .entry(Directory(descriptor: event.wd)) { String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
