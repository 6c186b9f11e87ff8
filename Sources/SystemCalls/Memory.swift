import Glibc

/// How much memory a process has.
public enum Memory {
    /// Private writable memory of this process, in bytes: what RLIMIT_DATA counts.
    public static func privateBytes() -> Int {
        let sizes = sizes()
        return sizes.count > 5 ? sizes[5] : 0
    }

    /// What of it this process has written to and has now, in bytes.
    public static func writtenBytes() -> Int {
        let sizes = sizes()
        return sizes.count > 2 ? sizes[1] - sizes[2] : 0
    }

    /// Of /proc/self/statm: all mappings, resident, resident and not its own, ..., data and stack.
    private static func sizes() -> [Int] {
        ProcessFiles.read(.sizes).split(whereSeparator: { $0 == " " || $0 == "\n" }).map {
            (Int($0) ?? 0) * Int(getpagesize())
        }
    }
}
