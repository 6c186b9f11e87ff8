import Glibc

/// How much memory this process uses.
public enum Memory {
    /// Private writable memory of this process, in bytes: what RLIMIT_DATA counts.
    public static func privateBytes() -> Int {
        let sizes = sizes()
        return sizes.count > 5 ? sizes[5] : 0
    }

    /// Private memory that this process has written to and still has, in bytes.
    public static func writtenBytes() -> Int {
        let sizes = sizes()
        return sizes.count > 2 ? sizes[1] - sizes[2] : 0
    }

    /// The numbers in /proc/self/statm, in pages: all mappings, resident, resident and shared, ..., data and stack.
    private static func sizes() -> [Int] {
        ProcessFiles.read(.sizes).split(whereSeparator: { $0 == " " || $0 == "\n" }).map {
            bytes(ofPages: Int($0) ?? 0)
        }
    }
}

/// What a number of pages in a file of the kernel's is in bytes. A number that makes no sense is capped.
func bytes(ofPages count: Int) -> Int { max(0, min(count, .max >> 16)) * Int(getpagesize()) }
