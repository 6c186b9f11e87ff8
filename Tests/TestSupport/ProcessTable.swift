import Foundation

/// A process as `/proc` shows it at one moment.
public struct ProcessEntry: Sendable, CustomStringConvertible {
    public let pid: pid_t
    public let parent: pid_t
    /// The first 15 characters of the executable's name.
    public let name: String
    /// Clock ticks of processor time used, of which there are 100 in a second.
    public let processorTicks: Int
    private let startTime: UInt64
    private let state: Character

    public init?(pid: pid_t) {
        guard let text = ProcessTable.text("/proc/\(pid)/stat"),
            let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let parent = pid_t(fields[1]),
            let userTicks = Int(fields[11]), let systemTicks = Int(fields[12]), let startTime = UInt64(fields[19])
        else { return nil }
        self.pid = pid
        name = String(text[text.index(after: open)..<close])
        self.state = state
        self.parent = parent
        processorTicks = userTicks + systemTicks
        self.startTime = startTime
    }

    /// Whether the process still runs. If its pid was reused, it does not.
    public var isRunning: Bool {
        guard let now = ProcessEntry(pid: pid), now.startTime == startTime else { return false }
        return now.state != "Z" && now.state != "X"
    }

    public var isWorkerExecutable: Bool { name.hasPrefix("faas-worker-") }

    public func kill() {
        if isRunning { Foundation.kill(pid, SIGKILL) }
    }

    public var description: String { "\(name) (\(pid), child of \(parent))" }
}

public enum ProcessTable {
    /// The resident memory of a process, in bytes; 0 if it has ended.
    public static func residentBytes(of pid: pid_t) -> Int {
        let fields = (text("/proc/\(pid)/statm") ?? "").split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(getpagesize()) : 0
    }

    /// The text of a file in /proc. Foundation (6.3.1) leaks 4 KiB for each empty file that it reads as text, and the
    /// command line of a kernel thread is empty.
    public static func text(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 65536)
        return String(decoding: bytes[..<fread(&bytes, 1, bytes.count, file)], as: UTF8.self)
    }

    public static func all() -> [ProcessEntry] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }.compactMap {
            ProcessEntry(pid: $0)
        }
    }

    public static func children(of pid: pid_t) -> [ProcessEntry] { all().filter { $0.parent == pid } }

    /// Children, their children and so on.
    public static func descendants(of pid: pid_t) -> [ProcessEntry] {
        let children = Dictionary(grouping: all(), by: \.parent)
        var found: [ProcessEntry] = []
        var next = [pid]
        while let parent = next.popLast() {
            let entries = children[parent] ?? []
            found += entries
            next += entries.map(\.pid)
        }
        return found
    }
}
