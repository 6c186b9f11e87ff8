import ArgumentParser

/// Checks that a number of the command line is within its range. The error names the option, the number and the range.
enum OptionRange {
    static func check(_ option: String, _ value: Int?, _ range: ClosedRange<Int>, _ unit: String? = nil) throws {
        try check(option, value, range, suffix: unit.map { " (\($0))" } ?? "")
    }

    static func check(_ option: String, _ value: Double?, _ range: ClosedRange<Double>) throws {
        try check(option, value, range, suffix: "")
    }

    private static func check<Number: Comparable>(
        _ option: String, _ value: Number?, _ range: ClosedRange<Number>, suffix: String
    ) throws {
        guard let value, !range.contains(value) else { return }
        throw ValidationError(
            "Invalid \(option): \(value). Use a number from \(range.lowerBound) to \(range.upperBound)\(suffix).")
    }
}
