import Glibc

/// Seconds since 1970.
public func systemSeconds() -> Int64 { Int64(time(nil)) }
