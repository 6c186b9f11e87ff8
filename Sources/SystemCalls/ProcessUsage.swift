import Glibc

/// How much memory and processor time another process has used.
///
/// Its descriptors refer to the same process even after the pid is reused. A class, so that the last reference closes
/// them.
public final class ProcessUsage: Sendable {
    private let sizes: Int32
    private let pid: pid_t
    private let clock: clockid_t?

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
    }

    deinit { Descriptors.close(sizes) }

    /// Private memory in use, in bytes, of the process or of its child with the most, whichever is more. Shared memory
    /// is not counted, so pages that a process and its copy share are not counted twice.
    public func privateBytes() -> Int {
        var bytes = Self.privateBytes(sizes)
        // Empty where the kernel does not list children. If the pid was reused, this process has ended and the result
        // is not used.
        for child in children {
            let descriptor = open("/proc/\(child)/statm", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            bytes = max(bytes, Self.privateBytes(descriptor))
            Descriptors.close(descriptor)
        }
        return bytes
    }

    /// Processor time so far, in nanoseconds, of all threads of the process and of its present children. Only the
    /// difference of two values has a meaning, and only if no child has ended between them.
    public func processorTime() -> Int64 {
        ([clock] + children.map { pid_t($0).flatMap(Self.clock) }).reduce(0) { sum, clock in
            var time = timespec()
            guard let clock, clock_gettime(clock, &time) == 0 else { return sum }
            return sum + Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        }
    }

    /// Sets the priority of the process, of all its threads and of its present children.
    public func setPriority(_ priority: ProcessPriority) {
        for thread in threads { priority.apply(to: thread) }
    }

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

    private static func privateBytes(_ descriptor: Int32) -> Int {
        // The second and third field: resident pages, and how many of them are of files or shared.
        let fields = text(descriptor).split(separator: " ")
        guard fields.count > 2, let resident = Int(fields[1]), let shared = Int(fields[2]) else { return 0 }
        return max(0, resident - shared) * Int(getpagesize())
    }

    private static func text(_ descriptor: Int32) -> String {
        withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { buffer in
            let count = pread(descriptor, buffer.baseAddress, buffer.count, 0)
            return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
        }
    }
}
