import CLinuxShims
import Glibc

/// Objects in the kernel that a source opened while it loaded, as event loops have them: epoll sets, event counters,
/// pipes and pairs of sockets. Their state right after loading is recorded, and made again after each call: the same
/// state under the same numbers.
///
/// An epoll set and a counter are made anew each time, which takes three or four system calls; nothing tells whether
/// they have changed. A pipe or a pair of sockets is made anew if it is not empty, or an end has been closed, shut down
/// or replaced.
struct KernelObjects {
    /// Both ends of a pipe or of a pair of sockets.
    private struct Pair {
        /// What is read from, and what is written to. Both ends of a pair of sockets can do either.
        let ends: (Int32, Int32)
        let identities: (FileIdentity, FileIdentity)
        let isPipe: Bool
    }

    private struct EventCounter {
        let number: Int32
        let count: UInt64
        let isSemaphore: Bool
    }

    private struct EpollSet {
        let number: Int32
        let members: [faas_epoll_member]
    }

    /// Two descriptors of one counter or epoll set, as `dup` makes them.
    private struct Duplicate {
        let number: Int32
        let of: Int32
    }

    private var pairs: [Pair] = []
    private var counters: [EventCounter] = []
    private var sets: [EpollSet] = []
    private var duplicates: [Duplicate] = []
    /// The numbers of all of them.
    private(set) var numbers: [Int32] = []

    /// A descriptor whose state cannot be made again.
    struct Unrestorable: Error, CustomStringConvertible {
        let description: String
    }

    /// Records the present state of those among `descriptors` that are neither files nor folders.
    init(_ descriptors: [Int32]) throws(Unrestorable) {
        var open: [(number: Int32, info: stat)] = []
        for number in descriptors {
            var info = stat()
            guard fstat(number, &info) == 0 else { continue }
            switch info.st_mode & S_IFMT {
            case S_IFREG, S_IFDIR: continue
            case S_IFCHR where Self.isStateless(info): continue
            default: open.append((number, info))
            }
        }
        for (number, info) in open {
            switch info.st_mode & S_IFMT {
            case S_IFIFO: try addPipe(number, info, open)
            case S_IFSOCK: try addSocket(number, info, open)
            default: try addAnonymous(number)
            }
        }
        numbers = open.map(\.number)
        for set in sets {
            for member in set.members where !open.contains(where: { Self.isMember($0, member) }) {
                throw Unrestorable(description: "an epoll set with a file that is not open under its number any more")
            }
            for member in set.members where sets.contains(where: { $0.number == member.descriptor }) {
                throw Unrestorable(description: "an epoll set within another")
            }
        }
    }

    /// /dev/null, zero, full, random and urandom.
    private static func isStateless(_ info: stat) -> Bool {
        info.st_rdev >> 8 == 1 && [3, 5, 7, 8, 9].contains(info.st_rdev & 0xff)
    }

    private mutating func addPipe(_ number: Int32, _ info: stat, _ open: [(number: Int32, info: stat)])
        throws(Unrestorable)
    {
        let ends = open.filter { $0.info.st_ino == info.st_ino && $0.info.st_dev == info.st_dev }.map(\.number)
        // Seen from its first number only.
        guard ends.first == number else { return }
        let readers = ends.filter { fcntl($0, F_GETFL) & O_ACCMODE == O_RDONLY }
        let writers = ends.filter { fcntl($0, F_GETFL) & O_ACCMODE == O_WRONLY }
        guard readers.count == 1, writers.count == 1 else {
            throw Unrestorable(description: "a pipe with other than two ends (descriptor \(number))")
        }
        guard faas_readable_bytes(readers[0]) == 0 else {
            throw Unrestorable(description: "a pipe with data in it (descriptor \(number))")
        }
        let identity = FileIdentity(number)
        pairs.append(Pair(ends: (readers[0], writers[0]), identities: (identity, identity), isPipe: true))
    }

    private mutating func addSocket(_ number: Int32, _ info: stat, _ open: [(number: Int32, info: stat)])
        throws(Unrestorable)
    {
        var type: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &length) == 0, type == Int32(SOCK_STREAM.rawValue),
            let peer = NotedPairs.peer(of: info.st_ino), let other = open.first(where: { $0.info.st_ino == peer }),
            open.count(where: { $0.info.st_ino == peer || $0.info.st_ino == info.st_ino }) == 2
        else {
            throw Unrestorable(description: "a socket whose other end is not known (descriptor \(number))")
        }
        guard number < other.number else { return }
        guard Self.isFresh(number), Self.isFresh(other.number) else {
            throw Unrestorable(description: "a pair of sockets with data in it, or shut down (descriptor \(number))")
        }
        pairs.append(
            Pair(
                ends: (number, other.number), identities: (FileIdentity(number), FileIdentity(other.number)),
                isPipe: false))
    }

    private static func isMember(_ open: (number: Int32, info: stat), _ member: faas_epoll_member) -> Bool {
        open.number == member.descriptor && (member.inode == 0 || member.inode == UInt64(open.info.st_ino))
    }

    private mutating func addAnonymous(_ number: Int32) throws(Unrestorable) {
        let text = Descriptors.readText("/proc/self/fdinfo/\(number)")
        let original =
            sets.first { faas_is_same_epoll($0.number, number) != 0 }?.number
            ?? counters.first { faas_is_same_event($0.number, number) != 0 }?.number
        if let original {
            duplicates.append(Duplicate(number: number, of: original))
        } else if faas_is_epoll(number) != 0, !text.isEmpty, let members = Self.members(text) {
            sets.append(EpollSet(number: number, members: members))
        } else if let (count, isSemaphore) = Self.counter(text) {
            counters.append(
                EventCounter(
                    number: number, count: count, isSemaphore: isSemaphore ?? (faas_is_semaphore(number, count) != 0)))
        } else {
            throw Unrestorable(description: "a descriptor of a kind that is not known here (descriptor \(number))")
        }
    }

    /// What an epoll set contains, by its file in `/proc/self/fdinfo`. nil: the file says something else.
    static func members(_ text: String) -> [faas_epoll_member]? {
        var members: [faas_epoll_member] = []
        for words in lines(text) where words.first == "tfd:" {
            // "tfd: 5 events: 19 data: 5 pos:0 ino:2a sdev:9"
            guard words.count > 5, words[2] == "events:", words[4] == "data:", let descriptor = Int32(words[1]),
                let events = UInt32(words[3], radix: 16), let data = UInt64(words[5], radix: 16)
            else { return nil }
            // "ino:2a", or "ino: 2a".
            let inode = words.firstIndex { $0.hasPrefix("ino:") }.flatMap { index -> UInt64? in
                let value = words[index].dropFirst(4)
                return UInt64(value.isEmpty && index + 1 < words.count ? words[index + 1] : value, radix: 16)
            }
            members.append(faas_epoll_member(data: data, inode: inode ?? 0, descriptor: descriptor, events: events))
        }
        return members
    }

    /// The state of an event counter, by its file in `/proc/self/fdinfo`. nil: it is something else.
    /// `isSemaphore` is nil where the kernel is too old to say it.
    static func counter(_ text: String) -> (count: UInt64, isSemaphore: Bool?)? {
        let lines = lines(text)
        guard let line = lines.first(where: { $0.first == "eventfd-count:" }), line.count == 2,
            let count = UInt64(line[1], radix: 16)
        else { return nil }
        return (count, lines.first { $0.first == "eventfd-semaphore:" }.map { $0.last == "1" })
    }

    private static func lines(_ text: String) -> [[Substring]] {
        text.split(separator: "\n").map { $0.split(whereSeparator: { $0 == " " || $0 == "\t" }) }
    }

    // MARK: Making the state again

    /// Called while no other thread runs. Allocates no memory: a thread that was stopped may hold the allocator's lock.
    func restore() -> Bool {
        for pair in pairs where !Self.isAsRecorded(pair) {
            guard Self.makeAgain(pair) else { return false }
        }
        for counter in counters {
            guard faas_make_event(counter.number, counter.count, counter.isSemaphore ? 1 : 0) == 0 else {
                return false
            }
        }
        // Last: their members are the objects above.
        for set in sets {
            let result = set.members.withUnsafeBufferPointer {
                faas_make_epoll(set.number, $0.baseAddress, Int32($0.count))
            }
            guard result == 0 else { return false }
        }
        for duplicate in duplicates where dup2(duplicate.of, duplicate.number) < 0 { return false }
        return true
    }

    private static func isAsRecorded(_ pair: Pair) -> Bool {
        guard FileIdentity(pair.ends.0) == pair.identities.0, FileIdentity(pair.ends.1) == pair.identities.1 else {
            return false
        }
        if pair.isPipe {
            // Both ends have one identity.
            return faas_readable_bytes(pair.ends.0) == 0 && fcntl(pair.ends.0, F_GETFL) & O_ACCMODE == O_RDONLY
                && fcntl(pair.ends.1, F_GETFL) & O_ACCMODE == O_WRONLY
        }
        return isFresh(pair.ends.0) && isFresh(pair.ends.1)
    }

    /// Whether there is nothing to read from a socket, and the other end has not been shut down.
    private static func isFresh(_ socket: Int32) -> Bool {
        var byte: UInt8 = 0
        return recv(socket, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK)) < 0 && errno == EAGAIN
    }

    private static func makeAgain(_ pair: Pair) -> Bool {
        faas_make_pair(pair.ends.0, pair.ends.1, pair.isPipe ? 1 : 0) == 0
    }
}

/// Which sockets belong together. The kernel does not say it, so the worker's own `socketpair` notes it.
enum NotedPairs {
    static func peer(of inode: ino_t) -> ino_t? {
        let peer = faas_peer_of_socket(UInt64(inode))
        return peer == 0 ? nil : ino_t(peer)
    }
}
