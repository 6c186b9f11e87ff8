import FunctionModel

extension FunctionRuntime.Configuration {
    /// Every number that has a range, with the range. Numbers in these ranges overflow neither as bytes nor as
    /// nanoseconds, nor in sums with each other.
    package static var ranges: [(name: String, field: WritableKeyPath<Self, Int>, range: ClosedRange<Int>)] {
        [
            ("maximumWorkers", \.maximumWorkers, 1...1_000_000),
            ("maximumWaitingPerFunction", \.maximumWaitingPerFunction, 1...1_000_000),
            ("maximumWaiting", \.maximumWaiting, 1...1_000_000),
            ("spareWorkersPerLanguage", \.spareWorkersPerLanguage, 0...100),
            ("maximumStartingWorkers", \.maximumStartingWorkers, 1...1_000_000),
            ("maximumZygotes", \.maximumZygotes, 1...1000),
            ("zygoteLifetimeSeconds", \.zygoteLifetimeSeconds, 0...1_000_000_000),
            ("maximumZygoteForks", \.maximumZygoteForks, 0...1_000_000_000),
            ("idleTimeoutMillis", \.idleTimeoutMillis, 0...1_000_000_000),
            ("loadTimeoutMillis", \.loadTimeoutMillis, 1...86_400_000),
            ("maximumBackoffMillis", \.maximumBackoffMillis, 0...86_400_000),
            ("maximumLogBytes", \.maximumLogBytes, 0...(1 << 30)),
            ("maximumResultBytes", \.maximumResultBytes, 0...(63 << 20)),
            ("memoryMB", \.memoryMB, 0...(1 << 20)),
        ]
    }

    /// The same for numbers that may be nil.
    package static var optionalRanges: [(name: String, field: WritableKeyPath<Self, Int?>, range: ClosedRange<Int>)] {
        [
            ("maximumWorkersPerFunction", \.maximumWorkersPerFunction, 1...1_000_000),
            ("cpuMillis", \.cpuMillis, 1...86_400_000),
            // Zero or less: no ceiling.
            ("maximumTimeoutMillis", \.maximumTimeoutMillis, 0...86_400_000),
            ("ceilings.memoryMB", \.ceilings.memoryMB, 0...(1 << 20)),
            ("ceilings.cpuMillis", \.ceilings.cpuMillis, 0...86_400_000),
            ("ceilings.maxConcurrency", \.ceilings.maxConcurrency, 1...10_000),
            ("ceilings.minWorkers", \.ceilings.minWorkers, 0...1000),
            ("ceilings.idleTimeoutMillis", \.ceilings.idleTimeoutMillis, 0...86_400_000),
            ("ceilings.maxEventBytes", \.ceilings.maxEventBytes, 0...(63 << 20)),
            ("ceilings.maxResultBytes", \.ceilings.maxResultBytes, 0...(63 << 20)),
            ("ceilings.maxLogBytes", \.ceilings.maxLogBytes, 0...(1 << 30)),
            ("ceilings.temporaryMB", \.ceilings.temporaryMB, 0...1024),
        ]
    }

    /// Shares of the memory, from 0 to 1.
    package static var shares: [(name: String, field: WritableKeyPath<Self, Double>)] {
        [("memoryShare", \.memoryShare), ("hostMemoryShare", \.hostMemoryShare)]
    }

    /// The same configuration, with the end of the range in place of each number outside of it. NaN becomes 0.
    package func clamped() -> Self {
        var configuration = self
        for (_, field, range) in Self.ranges { configuration[keyPath: field].clamp(to: range) }
        for (_, field, range) in Self.optionalRanges { configuration[keyPath: field]?.clamp(to: range) }
        for (_, field) in Self.shares {
            let share = configuration[keyPath: field]
            configuration[keyPath: field] = share > 0 ? min(share, 1) : 0
        }
        return configuration
    }
}

extension Int {
    fileprivate mutating func clamp(to range: ClosedRange<Int>) {
        self = Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
    }
}
