/// How much memory this machine, or the control group that this process is in, has to give.
public enum MachineMemory {
    /// Bytes that are available without swapping, or the control group's limit if that is less. `Int.max` if nothing says.
    public static func available() -> Int { available { Descriptors.readText($0) } }

    /// - Parameter read: the text of a file; empty if there is none.
    package static func available(read: (String) -> String) -> Int {
        let kilobytes = read("/proc/meminfo").split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }?
            .split(separator: " ").dropFirst().first.flatMap { Int($0) }
        var available = kilobytes.map { $0 << 10 } ?? .max
        for file in limitFiles(read("/proc/self/cgroup")) {
            // "max", nothing, or a number so large that it means none.
            if let limit = Int(read(file).prefix { $0 != "\n" }), limit > 0 { available = min(available, limit) }
        }
        return available
    }

    /// Where the limit can stand. A container often sees its own group as the root, under the path that it has outside.
    private static func limitFiles(_ groups: String) -> [String] {
        groups.split(separator: "\n").flatMap { line in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return [String]() }
            let path = fields[2] == "/" ? "" : String(fields[2])
            if fields[1].isEmpty { return ["/sys/fs/cgroup\(path)/memory.max", "/sys/fs/cgroup/memory.max"] }
            guard fields[1].split(separator: ",").contains("memory") else { return [] }
            return ["/sys/fs/cgroup/memory\(path)/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        }
    }
}
