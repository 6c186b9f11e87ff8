import Glibc

/// The clock that all processes of this machine share and that cannot be set. Deadlines are sent as its values.
public enum MonotonicClock {
    /// Nanoseconds since a fixed moment, such as the boot.
    public static func now() -> Int64 { nanoseconds(CLOCK_MONOTONIC) }
}

/// The processor time of this process, all its threads together.
public enum ProcessorClock {
    /// Nanoseconds since the process began.
    public static func now() -> Int64 { nanoseconds(CLOCK_PROCESS_CPUTIME_ID) }
}

private func nanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// The calendar clock, which people and time servers set.
public enum WallClock {
    /// Milliseconds since 1970.
    public static func milliseconds() -> Int64 { nanoseconds(CLOCK_REALTIME) / 1_000_000 }

    /// Microseconds since 1970.
    public static func microseconds() -> Int64 { nanoseconds(CLOCK_REALTIME) / 1000 }
}
