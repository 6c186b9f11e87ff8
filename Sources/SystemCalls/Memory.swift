import Glibc

/// How much memory a process has.
public enum Memory {
    /// Private writable memory of this process, in bytes: what RLIMIT_DATA counts.
    public static func privateBytes() -> Int {
        // Sixth field of /proc/self/statm: data and stack, in pages.
        let fields = ProcessFiles.read(.sizes).split(separator: " ")
        return fields.count > 5 ? (Int(fields[5]) ?? 0) * Int(getpagesize()) : 0
    }
}
