/// Converts durations to nanoseconds without overflow.
///
/// A duration that is too long becomes ``longest``, because manifests, flags and callers may contain any number.
public enum Nanoseconds {
    /// The longest duration, about 73 years. Added to any value of ``MonotonicClock``, it still fits an `Int64`.
    public static let longest = Int64.max / 4

    public static func milliseconds(_ count: Int) -> Int64 { product(count, 1_000_000) }

    public static func seconds(_ count: Int) -> Int64 { product(count, 1_000_000_000) }

    public static func duration(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return clamped(product(Int(clamping: seconds), 1_000_000_000) + attoseconds / 1_000_000_000)
    }

    private static func product(_ count: Int, _ unit: Int64) -> Int64 {
        let (nanoseconds, overflows) = Int64(count).multipliedReportingOverflow(by: unit)
        return overflows ? (count > 0 ? longest : -longest) : clamped(nanoseconds)
    }

    private static func clamped(_ nanoseconds: Int64) -> Int64 { max(-longest, min(longest, nanoseconds)) }
}
