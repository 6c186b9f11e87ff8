import Glibc

/// The time in the form of HTTP, made at most once a second.
struct HTTPDate {
    private var second: time_t = 0
    private var cached = ""

    /// Now: `Sun, 06 Nov 1994 08:49:37 GMT`.
    mutating func text() -> String {
        let now = time(nil)
        if now != second {
            second = now
            cached = Self.text(now)
        }
        return cached
    }

    /// The form of access logs: `06/Nov/1994:08:49:37 +0000`.
    static func logText(_ second: time_t) -> String {
        let parts = text(second).split(separator: " ")
        return "\(parts[1])/\(parts[2])/\(parts[3]):\(parts[4]) +0000"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `strftime` would use the names of the process's locale.
    static func text(_ second: time_t) -> String {
        var (second, parts) = (second, tm())
        gmtime_r(&second, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date = "\(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1900)"
        let time = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        return "\(weekdays[Int(parts.tm_wday)]), \(date) \(time) GMT"
    }
}
