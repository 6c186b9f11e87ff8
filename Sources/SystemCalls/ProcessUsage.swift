import Glibc

/// How much memory and processor time another process has used.
///
/// Its descriptors refer to the same process even after the pid is reused. A class, so that the last reference closes
/// them.
public final class ProcessUsage: Sendable {
    private let sizes: Int32
    private let pid: pid_t
    private let clock: clockid_t?
    /// All its mappings when this was made, in bytes.
    private let mappedAtFirst: Int

    /// - Parameter handle: a pidfd. Returns nil if the process has ended, or if its memory cannot be read.
    public init?(handle: Int32) {
        let info = Descriptors.readText("/proc/self/fdinfo/\(handle)")
        guard let line = info.split(separator: "\n").first(where: { $0.hasPrefix("Pid:") }),
            let pid = pid_t(line.split(separator: "\t").last ?? ""),
            pid > 0
        else { return nil }
        sizes = open("/proc/\(pid)/statm", O_RDONLY | O_CLOEXEC)
        guard sizes >= 0 else { return nil }
        self.pid = pid
        clock = Self.clock(of: pid)
        mappedAtFirst = Sizes(sizes)?.mapped ?? 0
    }

    deinit { Descriptors.close(sizes) }

    /// What the process and all that it started use at one moment.
    public struct Consumption: Equatable, Sendable {
        /// Private memory in use, in bytes, of the process or of its child with the most, whichever is more.
        public var privateBytes = 0
        /// The memory that is charged to the process, in bytes: private memory, that of its children, page tables, and
        /// what its sockets may hold. docs/sandbox.md has the table.
        public var chargedBytes = 0
        /// Processes that the process started, and those that they started.
        public var descendants = 0
        /// The threads of all these processes and its own.
        public var threads = 1
    }

    /// Takes a few system calls, and more only for a process that has children or large mappings.
    ///
    /// - Parameters:
    ///   - mayFork: whether any of its threads may have started processes. Otherwise only the first one may.
    ///   - processLimit: if it started more processes, they are not looked at: that would take longer than a fork bomb
    ///     should have.
    ///   - byteLimit: what is charged may be too much if it is below this. Up to there, pages that copies share count
    ///     in each. The kernel tells how many these are only after it has waited for a process that is just being
    ///     copied.
    public func consumption(mayFork: Bool, processLimit: Int = .max, byteLimit: Int = 0) -> Consumption {
        guard let own = Sizes(sizes) else { return Consumption() }
        var consumption = Consumption(
            privateBytes: own.privateBytes, chargedBytes: own.privateBytes, threads: Self.threadCount(pid))
        consumption.chargedBytes += pageTables(of: pid, mapped: own.mapped) + socketBuffers
        // If the pid was reused, this process has ended and the result is not used.
        let others = descendants(mayFork: mayFork, limit: processLimit)
        consumption.descendants = others.count
        guard !others.isEmpty, others.count <= processLimit else { return consumption }
        var bytes: [Int] = []
        for other in others {
            let sizes = Sizes(of: other)
            bytes.append(sizes?.privateBytes ?? 0)
            consumption.privateBytes = max(consumption.privateBytes, bytes.last ?? 0)
            consumption.chargedBytes += pageTables(of: other, mapped: sizes?.mapped ?? 0)
            consumption.threads += Self.threadCount(other)
        }
        if others.count == 1 {
            // Of a worker and one copy the larger counts: how much they share takes too long to find out at every look.
            consumption.chargedBytes += consumption.privateBytes - own.privateBytes
        } else if consumption.chargedBytes + bytes.reduce(0, +) > byteLimit {
            let parts = zip(others, bytes).map { Self.proportionalBytes($0) ?? $1 }
            consumption.chargedBytes += parts.reduce(0, +)
        } else {
            consumption.chargedBytes += bytes.reduce(0, +)
        }
        return consumption
    }

    /// The kernel's page tables, where there can be many: reading memory that was never written takes nothing else.
    private func pageTables(of pid: pid_t, mapped: Int) -> Int {
        // A page of a table maps 512 pages. What the engine reserves is mapped from the first.
        guard (mapped - mappedAtFirst) / 512 > 4 << 20 else { return 0 }
        return Self.kilobytes("VmPTE:", in: "/proc/\(pid)/status") ?? 0
    }

    /// What the sockets of the process may hold, if it has many files open: each as much as the kernel lets one send
    /// without a reader. 0 where the kernel does not tell how many files are open (before Linux 6.2).
    private var socketBuffers: Int {
        var info = stat()
        guard stat("/proc/\(pid)/fd", &info) == 0 else { return 0 }
        return max(0, Int(info.st_size) - Self.freeDescriptors) * Self.socketBufferBytes
    }

    private static let freeDescriptors = 64
    private static let socketBufferBytes = 208 << 10

    /// The processes that it started, and those that they started. Not all are listed if there are more than `limit`.
    private func descendants(mayFork: Bool, limit: Int) -> [pid_t] {
        var found: [pid_t] = []
        var next = 0
        var current = pid
        while true {
            // The kernel lists children by the thread that made them.
            let threads =
                mayFork && Self.threadCount(current) > 1
                ? Descriptors.folders(in: "/proc/\(current)/task") : ["\(current)"]
            for thread in threads {
                let children = Descriptors.readText("/proc/\(current)/task/\(thread)/children")
                found += children.split(separator: " ").compactMap { pid_t($0) }
            }
            guard next < found.count, found.count <= limit else { return found }
            current = found[next]
            next += 1
        }
    }

    /// A folder has one link for each subfolder, and each thread is one.
    private static func threadCount(_ pid: pid_t) -> Int {
        var info = stat()
        return stat("/proc/\(pid)/task", &info) == 0 ? max(1, Int(info.st_nlink) - 2) : 1
    }

    /// Private memory, where a page that several processes share counts in each as its part of it. nil: not known.
    private static func proportionalBytes(_ pid: pid_t) -> Int? {
        kilobytes("Pss_Anon:", in: "/proc/\(pid)/smaps_rollup")
    }

    private static func kilobytes(_ name: String, in path: String) -> Int? {
        let text = Descriptors.readText(path)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else { return nil }
        return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
            .map { $0 << 10 }
    }

    /// Processor time so far, in nanoseconds, of all threads of the process and of its present children. Only the
    /// difference of two values has a meaning, and only if no child has ended between them.
    public func processorTime() -> Int64 {
        children.reduce(ownProcessorTime()) { $0 + (pid_t($1).flatMap(Self.clock).map(Self.time) ?? 0) }
    }

    /// The same without its children, with one system call. A process for which this stays the same has done nothing.
    public func ownProcessorTime() -> Int64 { clock.map(Self.time) ?? 0 }

    private static func time(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        guard clock_gettime(clock, &time) == 0 else { return 0 }
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Whether it has a processor or waits for one: it, one of its threads, or a child. Otherwise all of them sleep.
    ///
    /// - Parameter others: how many threads and descendants it had a moment ago, besides its first thread.
    public func isRunnable(others: Int) -> Bool {
        if others == 0 { return Self.isRunnable("/proc/\(pid)/stat") }
        return threads.contains { Self.isRunnable("/proc/\($0)/stat") }
    }

    private static func isRunnable(_ path: String) -> Bool {
        // The state follows the name, which may contain anything.
        let text = Descriptors.readText(path)
        guard let end = text.lastIndex(of: ")") else { return false }
        return text[end...].dropFirst(2).first == "R"
    }

    /// Sets the priority of the process, of all its threads and of its present children. Threads that start meanwhile
    /// have it too, unless they start faster than they are found.
    public func setPriority(_ priority: ProcessPriority) {
        var done: Set<pid_t> = []
        for _ in 0..<Self.passes {
            let new = threads.filter { done.insert($0).inserted }
            if new.isEmpty { return }
            for thread in new { priority.apply(to: thread) }
            // No other thread could have started one.
            if done.count == 1 { return }
        }
    }
    private static let passes = 4

    /// Lets the process run on these processors only: its threads, and the children that it has now.
    public func setProcessors(_ processors: ProcessorSet) {
        for thread in threads { processors.apply(to: thread) }
    }

    /// Moves the process to a control group. Children that it already has stay where they are.
    public func move(to group: ControlGroup) throws(SystemCallError) {
        guard !Self.text(sizes).isEmpty else { return }
        try group.add(pid)
    }

    /// The threads of the process and of its children.
    private var threads: [pid_t] {
        // While its sizes can be read, the process has not been reaped, so its pid is still its own.
        guard !Self.text(sizes).isEmpty else { return [] }
        return ([pid] + children.compactMap { pid_t($0) }).flatMap {
            Descriptors.folders(in: "/proc/\($0)/task").compactMap { pid_t($0) }
        }
    }

    private static func clock(of pid: pid_t) -> clockid_t? {
        var clock = clockid_t()
        return clock_getcpuclockid(pid, &clock) == 0 ? clock : nil
    }

    /// Empty where the kernel does not list children.
    private var children: [Substring] {
        Descriptors.readText("/proc/\(pid)/task/\(pid)/children").split(separator: " ")
    }

    /// What `/proc/<pid>/statm` says.
    private struct Sizes {
        let mapped: Int
        let privateBytes: Int

        init?(_ descriptor: Int32) { self.init(text: ProcessUsage.text(descriptor)) }

        init?(of pid: pid_t) { self.init(text: Descriptors.readText("/proc/\(pid)/statm")) }

        private init?(text: String) {
            // All mappings, resident pages, and how many of these are of files or shared.
            let fields = text.split(separator: " ")
            guard fields.count > 2, let mapped = Int(fields[0]), let resident = Int(fields[1]),
                let shared = Int(fields[2])
            else { return nil }
            self.mapped = bytes(ofPages: mapped)
            privateBytes = max(0, bytes(ofPages: resident) - bytes(ofPages: shared))
        }
    }

    fileprivate static func text(_ descriptor: Int32) -> String {
        withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { buffer in
            let count = pread(descriptor, buffer.baseAddress, buffer.count, 0)
            return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
        }
    }
}
