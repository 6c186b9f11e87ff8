import FunctionModel
import SystemCalls

/// A moment of the calendar clock, in microseconds since 1970.
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }

    public static func now() -> Timestamp { Timestamp(microseconds: WallClock.microseconds()) }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    /// The same moment some seconds earlier; the earliest moment that can be written if there is none.
    public func earlier(bySeconds seconds: Int64) -> Timestamp {
        let (product, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (difference, underflows) = microseconds.subtractingReportingOverflow(product)
        return Timestamp(microseconds: overflows || underflows ? 0 : max(0, difference))
    }

    // MARK: Text

    /// In UTC: `2026-11-30T14:03:00.123456Z`.
    public var description: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Adds the text of ``description``.
    func append(to bytes: inout [UInt8]) {
        let total = max(0, min(microseconds, Self.last))
        let (seconds, fraction) = (total / 1_000_000, total % 1_000_000)
        let (year, month, day) = Self.date(days: seconds / 86_400)
        let time = seconds % 86_400
        func digits(_ value: Int64, _ count: Int) {
            var power: Int64 = 1
            for _ in 1..<count { power *= 10 }
            while power > 0 {
                bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / power % 10))
                power /= 10
            }
        }
        digits(year, 4)
        bytes.append(UInt8(ascii: "-"))
        digits(month, 2)
        bytes.append(UInt8(ascii: "-"))
        digits(day, 2)
        bytes.append(UInt8(ascii: "T"))
        digits(time / 3600, 2)
        bytes.append(UInt8(ascii: ":"))
        digits(time / 60 % 60, 2)
        bytes.append(UInt8(ascii: ":"))
        digits(time % 60, 2)
        bytes.append(UInt8(ascii: "."))
        digits(fraction, 6)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// The end of the year 9999.
    private static let last: Int64 = 253_402_300_799_999_999

    /// Reads an ISO 8601 date, or date and time (`2026-11-30`, `2026-11-30T14:03`, `2026-11-30T14:03:00.5+01:00`; UTC
    /// if there is no zone), or a time before now: `30s`, `10m`, `2h`, `7d`.
    /// - Throws: `InvalidRequest` that names the parameter.
    public init(_ text: String, now: Timestamp = .now(), parameter: String) throws(InvalidRequest) {
        if let seconds = Self.secondsAgo(text) {
            self = now.earlier(bySeconds: seconds)
        } else if let time = Self(iso: text) {
            self = time
        } else {
            throw InvalidRequest(
                "Invalid value \(quoted(text)) of '\(parameter)': give a time such as 2026-11-30T14:03:00Z, or a time "
                    + "before now such as 30s, 10m, 2h or 7d.")
        }
    }

    private static func secondsAgo(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), text.utf8.count <= 10 else { return nil }
        let number = text.dropLast()
        guard !number.isEmpty, number.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(number).map { $0 * unit }
    }

    package init?(iso text: String) {
        var reader = DigitReader(text)
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), (1...12).contains(month),
            reader.take("-"), let day = reader.number(2), (1...Self.days(in: month, of: year)).contains(day),
            year >= 1970
        else { return nil }
        var seconds = Self.days(year: year, month: month, day: day) * 86_400
        var fraction: Int64 = 0
        if !reader.isAtEnd {
            guard reader.take("T") || reader.take("t") || reader.take(" "), let hour = reader.number(2), hour < 24,
                reader.take(":"), let minute = reader.number(2), minute < 60
            else { return nil }
            seconds += hour * 3600 + minute * 60
            if reader.take(":") {
                // 60: a leap second.
                guard let second = reader.number(2), second <= 60 else { return nil }
                seconds += second
                if reader.take(".") {
                    guard let read = reader.fraction() else { return nil }
                    fraction = read
                }
            }
            guard let offset = reader.offset() else { return nil }
            seconds -= offset
        }
        guard reader.isAtEnd else { return nil }
        microseconds = seconds * 1_000_000 + fraction
    }

    // MARK: The calendar (proleptic Gregorian; the algorithms count years from March)

    private static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Reads the parts of a date.
private struct DigitReader {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = Substring(text).utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard let byte = rest.first, UInt32(byte) == character.value else { return false }
        rest = rest.dropFirst()
        return true
    }

    mutating func number(_ count: Int) -> Int64? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        rest = rest.dropFirst(count)
        return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }

    /// Microseconds; further digits are ignored.
    mutating func fraction() -> Int64? {
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty else { return nil }
        rest = rest.dropFirst(digits.count)
        var value: Int64 = 0
        for index in 0..<6 {
            value *= 10
            if index < digits.count { value += Int64(digits[digits.index(digits.startIndex, offsetBy: index)] - 0x30) }
        }
        return value
    }

    /// Seconds east of UTC. 0: there is no zone.
    mutating func offset() -> Int64? {
        if isAtEnd || take("Z") || take("z") { return 0 }
        let sign: Int64 = take("+") ? 1 : take("-") ? -1 : 0
        guard sign != 0, let hours = number(2), hours < 24 else { return nil }
        _ = take(":")
        guard let minutes = number(2), minutes < 60 else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }
}
