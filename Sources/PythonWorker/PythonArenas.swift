import CPython
import Glibc

/// The allocator of Python's arenas: pieces of memory of a fixed size. Freed ones are kept for the next use and not
/// returned to the kernel. A snapshot contains a few unused ones, so a handler that needs a little more memory makes no
/// new mapping, which the rewinder would have to find and remove.
///
/// The list is an ordinary static variable, so a rewind restores it together with the arenas that it names.
enum PythonArenas {
    /// Each has 1 MiB and takes no memory until it is used.
    private static let unusedAtSnapshot = 16
    private static let arenaBytes = 1 << 20
    /// What the unused ones take of the memory that the process may have.
    static let roomBytes = unusedAtSnapshot * arenaBytes
    // Only Python's allocator uses the variables below. It holds the interpreter's lock, so there is no race even if a handler
    // has threads.
    nonisolated(unsafe) private static var unused: [UnsafeMutableRawPointer] = []
    /// The size that Python asks for each time.
    nonisolated(unsafe) private static var size = 0
    /// Of this size are the pieces that each thread keeps its Python frames in. Other sizes go to the kernel directly.
    private static let chunkSize = 16 << 10
    private static let maximumUnusedChunks = 64
    nonisolated(unsafe) private static var unusedChunks: [UnsafeMutableRawPointer] = []

    static func install() {
        var allocator = PyObjectArenaAllocator(
            ctx: nil,
            alloc: { _, size in PythonArenas.take(size) },
            free: { _, pointer, size in PythonArenas.give(pointer, size) })
        PyObject_SetArenaAllocator(&allocator)
    }

    private static func take(_ size: Int) -> UnsafeMutableRawPointer? {
        if self.size == 0 { self.size = size }
        if size == self.size, let piece = unused.popLast() { return piece }
        if size == chunkSize, let piece = unusedChunks.popLast() { return piece }
        let piece = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        return piece == MAP_FAILED ? nil : piece
    }

    private static func give(_ pointer: UnsafeMutableRawPointer?, _ size: Int) {
        guard let pointer else { return }
        if size == self.size {
            unused.append(pointer)
        } else if size == chunkSize, unusedChunks.count < maximumUnusedChunks {
            unusedChunks.append(pointer)
        } else {
            munmap(pointer, size)
        }
    }

    /// Makes sure that some arenas are unused.
    static func makeRoom() {
        guard size > 0 else { return }
        let taken = (unused.count..<max(unused.count, unusedAtSnapshot)).compactMap { _ in
            let piece = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            return piece == MAP_FAILED ? nil : piece
        }
        unused += taken
        unused.reserveCapacity(64)
        unusedChunks.reserveCapacity(maximumUnusedChunks)
    }
}
