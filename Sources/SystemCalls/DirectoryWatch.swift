import CLinuxShims
import Glibc

/// Reports changes in directories (inotify).
///
/// One thread at a time may call `takeEvents`: its owner holds a lock.
public final class DirectoryWatch: @unchecked Sendable {
    // Safe to share: the descriptor never changes, and only `takeEvents` uses the buffer.

    /// One watched directory.
    public struct Directory: Hashable, Sendable { fileprivate let descriptor: Int32 }

    public enum Event {
        /// A file with this name was made, written, renamed or removed. The name is decoded only when it is called for.
        case entry(Directory, name: () -> String)
        /// The kernel dropped events because its queue was full.
        case overflow
        /// A watched directory was removed, renamed or unmounted.
        case gone
    }

    private let descriptor: Int32
    /// Room for many events. A field, because a temporary buffer of this size would be allocated on each call.
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
    /// - Parameter entries: whether to report changes of the directory's entries; otherwise only its removal.
    /// - Throws: if there is no such directory, or if other machines can change it without the kernel noticing, as on a
    ///   network file system.
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

    /// Takes the events that have happened so far, in order. Costs one system call if there are none. Never blocks.
    public func takeEvents(_ take: (Event) -> Void) {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            // Usually EAGAIN: there are no more events.
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
        // The kernel pads the name with zeros.
        return .entry(Directory(descriptor: event.wd)) { String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
