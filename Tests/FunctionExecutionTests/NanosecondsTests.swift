import SystemCalls
import Testing

@Suite struct NanosecondsTests {
    @Test(arguments: [
        (0, 0), (1, 1_000_000), (-1, -1_000_000), (5000, 5_000_000_000),
        // A timeout of a manifest that would overflow, and those about it.
        (9_223_372_036_000, Nanoseconds.longest), (9_223_372_036_854, Nanoseconds.longest),
        (9_223_372_036_855, Nanoseconds.longest), (Int.max, Nanoseconds.longest), (Int.min, -Nanoseconds.longest),
    ]) func `Milliseconds that do not fit become the longest duration`(millis: Int, nanoseconds: Int64) {
        #expect(Nanoseconds.milliseconds(millis) == nanoseconds)
    }

    @Test func `Seconds and durations that do not fit become the longest duration`() {
        #expect(Nanoseconds.seconds(3600) == 3_600_000_000_000)
        #expect(Nanoseconds.seconds(Int.max) == Nanoseconds.longest)
        #expect(Nanoseconds.duration(.milliseconds(1500)) == 1_500_000_000)
        #expect(Nanoseconds.duration(.seconds(Int64.max)) == Nanoseconds.longest)
        #expect(Nanoseconds.duration(.seconds(Int64.min)) == -Nanoseconds.longest)
    }

    @Test func `A time and the longest duration have a sum`() {
        let (_, overflows) = MonotonicClock.now().addingReportingOverflow(Nanoseconds.longest)
        #expect(!overflows)
    }

    @Test(arguments: [
        (0.5, 100, 50), (1, Int.max, Int.max), (2, 100, 100), (0, 100, 0), (-1, 100, 0), (.nan, 100, 0),
        (.infinity, Int.max, Int.max),
    ]) func `A share of the memory is within it, whatever the share`(share: Double, bytes: Int, part: Int) {
        #expect(MachineMemory.part(share, of: bytes) == part)
    }
}
