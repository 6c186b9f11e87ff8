import CPython
import Glibc

/// Where Python's objects live: pieces of memory of a fixed size that are never given back to the kernel, but kept for
/// the next use. A snapshot with a few unused ones in it serves handlers that need a little more memory without a new
/// mapping, which would have to be looked for and removed after each invocation.
///
/// The list is an ordinary static variable: it is put back together with the pieces it names.
enum PythonArenas {
    /// Of 1 MiB each, which take no memory until they are used.
    private static let unusedAtSnapshot = 16
    // Both are used only by Python's allocator, which holds the interpreter's lock: nothing races, also if a handler
    // has threads.
    nonisolated(unsafe) private static var unused: [UnsafeMutableRawPointer] = []
    /// What Python asks for each time; anything else goes straight to the kernel.
    nonisolated(unsafe) private static var size = 0

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
        let piece = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        return piece == MAP_FAILED ? nil : piece
    }

    private static func give(_ pointer: UnsafeMutableRawPointer?, _ size: Int) {
        guard let pointer else { return }
        if size == self.size { unused.append(pointer) } else { munmap(pointer, size) }
    }

    /// Makes sure that some pieces are unused.
    static func makeRoom() {
        guard size > 0 else { return }
        let taken = (unused.count..<max(unused.count, unusedAtSnapshot)).compactMap { _ in
            let piece = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            return piece == MAP_FAILED ? nil : piece
        }
        unused += taken
        unused.reserveCapacity(64)
    }
}
