/// How much memory is available on this machine, or in the control group of this process.
public enum MachineMemory {
    /// Bytes that are available without swapping, or the control group's limit if that is less. `Int.max` if neither
    /// can be read.
    public static func available() -> Int { available { Descriptors.readText($0) } }

    /// A share of what is available, in bytes.
    ///
    /// - Parameter share: from 0 to 1. Numbers outside are clamped; NaN counts as 0.
    public static func available(share: Double) -> Int { part(share, of: available()) }

    package static func part(_ share: Double, of bytes: Int) -> Int {
        guard share > 0 else { return 0 }
        // `Double(Int.max)` is larger than `Int.max`.
        return Int(exactly: (Double(bytes) * min(1, share)).rounded(.down)) ?? bytes
    }

    /// - Parameter read: returns the text of a file, or "" if there is no such file.
    package static func available(read: (String) -> String) -> Int {
        let kilobytes = read("/proc/meminfo").split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }?
            .split(separator: " ").dropFirst().first.flatMap { Int($0) }
        var available = kilobytes.map { max(0, min($0, .max >> 10)) << 10 } ?? .max
        for file in limitFiles(read("/proc/self/cgroup")) {
            // The file holds "max", is missing, or holds a number so large that it means no limit.
            if let limit = Int(read(file).prefix { $0 != "\n" }), limit > 0 { available = min(available, limit) }
        }
        return available
    }

    /// The files that may hold a limit: a group is bound by its own and all its ancestors' limits. A container often
    /// sees its own group as the root, while its path is still the one outside.
    private static func limitFiles(_ groups: String) -> [String] {
        groups.split(separator: "\n").flatMap { line in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return [String]() }
            let names = fields[2].split(separator: "/")
            let paths = (0...names.count).map { count in names.prefix(count).map { "/\($0)" }.joined() }
            if fields[1].isEmpty { return paths.map { "/sys/fs/cgroup\($0)/memory.max" } }
            guard fields[1].split(separator: ",").contains("memory") else { return [] }
            return paths.map { "/sys/fs/cgroup/memory\($0)/memory.limit_in_bytes" }
        }
    }
}
