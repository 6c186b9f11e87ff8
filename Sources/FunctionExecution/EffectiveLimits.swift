import FunctionModel

/// What one function may use: its own limits, else the host's defaults, and never more than the host's ceilings.
///
/// The one place where a function's limit and the configuration meet.
struct EffectiveLimits: Equatable, Sendable {
    /// What a configuration says of limits. Every invocation needs it, and a configuration is large to hand on.
    struct Defaults: Equatable, Sendable {
        fileprivate let limits: FunctionLimits
        fileprivate let ceilings: FunctionLimits
        fileprivate let timeoutCeiling: Int?
        fileprivate let workers: Int

        init(_ configuration: FunctionRuntime.Configuration) {
            limits = FunctionLimits(
                memoryMB: configuration.memoryMB, maxConcurrency: configuration.maximumWorkersPerFunction,
                maxResultBytes: configuration.maximumResultBytes,
                maxLogBytes: configuration.maximumLogBytes, cpuMillis: configuration.cpuMillis)
            ceilings = configuration.ceilings
            timeoutCeiling = configuration.maximumTimeoutMillis.flatMap { $0 > 0 ? $0 : nil }
            workers = configuration.maximumWorkers
        }
    }

    private let own: FunctionLimits
    private let ownTimeoutMillis: Int
    private let ownTimeoutIsSet: Bool
    private let defaults: Defaults

    init(_ function: Function, _ defaults: Defaults) { self.init(function.definition, defaults) }

    init(_ definition: FunctionDefinition, _ defaults: Defaults) {
        own = definition.limits
        ownTimeoutMillis = definition.timeoutMillis ?? 0
        ownTimeoutIsSet = definition.timeoutMillis != nil
        self.defaults = defaults
    }

    init(_ function: Function, _ configuration: FunctionRuntime.Configuration) {
        self.init(function.definition, configuration)
    }

    init(_ definition: FunctionDefinition, _ configuration: FunctionRuntime.Configuration) {
        self.init(definition, Defaults(configuration))
    }

    /// A value, but no more than the ceiling. `maximum` overflows neither as bytes nor as nanoseconds.
    private static func limit(_ value: Int, ceiling: Int?, atMost maximum: Int) -> Int {
        max(0, min(value, ceiling ?? maximum, maximum))
    }

    /// Memory of each worker beyond what its engine needs, in MB.
    var memoryMB: Int {
        Self.limit(own.memoryMB ?? defaults.limits.memoryMB ?? 0, ceiling: defaults.ceilings.memoryMB, atMost: 1 << 20)
    }

    /// Processor time of one invocation, in milliseconds. nil: no limit but the deadline.
    var cpuMillis: Int? {
        (own.cpuMillis ?? defaults.limits.cpuMillis ?? defaults.ceilings.cpuMillis).map {
            Self.limit($0, ceiling: defaults.ceilings.cpuMillis, atMost: 86_400_000)
        }
    }

    /// How many workers it may have.
    var maximumWorkers: Int {
        let wanted = own.maxConcurrency ?? defaults.limits.maxConcurrency ?? defaults.workers
        return max(1, Self.limit(wanted, ceiling: defaults.ceilings.maxConcurrency, atMost: 1 << 20))
    }

    /// How many workers are kept ready for it.
    var minimumWorkers: Int {
        min(Self.limit(own.minWorkers ?? 0, ceiling: defaults.ceilings.minWorkers, atMost: 1 << 20), maximumWorkers)
    }

    /// How long an unused worker stays, in milliseconds. nil: as long as those of the others.
    var idleTimeoutMillis: Int? {
        own.idleTimeoutMillis.map {
            Self.limit($0, ceiling: defaults.ceilings.idleTimeoutMillis, atMost: 1_000_000_000)
        }
    }

    var maximumEventBytes: Int {
        let maximum = FunctionRuntime.maximumEventBytes
        return Self.limit(
            own.maxEventBytes ?? maximum, ceiling: defaults.ceilings.maxEventBytes, atMost: maximum)
    }

    var maximumResultBytes: Int {
        let wanted = own.maxResultBytes ?? defaults.limits.maxResultBytes ?? 0
        return Self.limit(wanted, ceiling: defaults.ceilings.maxResultBytes, atMost: 1 << 40)
    }

    var maximumLogBytes: Int {
        let wanted = own.maxLogBytes ?? defaults.limits.maxLogBytes ?? 0
        return Self.limit(wanted, ceiling: defaults.ceilings.maxLogBytes, atMost: 1 << 40)
    }

    /// The size of its folder for temporary files, in MB. nil: it has none.
    var temporaryMB: Int? {
        own.temporaryMB.map { Self.limit($0, ceiling: defaults.ceilings.temporaryMB, atMost: 1 << 20) }
    }

    /// The time that one invocation may take, in milliseconds. 0: no limit.
    ///
    /// - Parameter asked: what the caller asks for. nil: what the function asks for. Zero or less: no limit but the
    ///   host's ceiling.
    func timeoutMillis(asked: Int?) -> Int {
        let wanted = asked ?? ownTimeoutMillis
        guard let timeoutCeiling = defaults.timeoutCeiling else { return max(0, wanted) }
        return wanted > 0 ? min(wanted, timeoutCeiling) : timeoutCeiling
    }

    /// Memory that a worker may use, temporary files included: they are in memory.
    func memory(_ isolation: Isolation) -> FunctionMemory {
        let temporary = (temporaryMB ?? 0) << 20
        return FunctionMemory(
            most: memoryMB << 20 + temporary, temporary: temporary, keeps: isolation == .instance,
            hasCopy: isolation == .invocation)
    }

    /// Every limit with its value here. The timeout's and the event's defaults are the caller's, as they are in calls.
    func report(defaultTimeoutMillis: Int, defaultEventBytes: Int) -> [LimitReport] {
        func limit(_ name: String, own: Int?, _ value: Int?) -> LimitReport {
            LimitReport(name: name, value: value, source: own == nil ? .host : own == value ? .function : .ceiling)
        }
        let timeout = timeoutMillis(asked: ownTimeoutIsSet ? ownTimeoutMillis : defaultTimeoutMillis)
        let eventBytes = own.maxEventBytes == nil ? min(defaultEventBytes, maximumEventBytes) : maximumEventBytes
        return [
            limit("timeoutMillis", own: ownTimeoutIsSet ? max(0, ownTimeoutMillis) : nil, timeout),
            limit("memoryMB", own: own.memoryMB, memoryMB),
            limit("cpuMillis", own: own.cpuMillis, cpuMillis),
            limit("maxConcurrency", own: own.maxConcurrency, maximumWorkers),
            limit("minWorkers", own: own.minWorkers, minimumWorkers),
            limit("idleTimeoutMillis", own: own.idleTimeoutMillis, idleTimeoutMillis),
            limit("maxEventBytes", own: own.maxEventBytes, eventBytes),
            limit("maxResultBytes", own: own.maxResultBytes, maximumResultBytes),
            limit("maxLogBytes", own: own.maxLogBytes, maximumLogBytes),
            limit("temporaryMB", own: own.temporaryMB, temporaryMB),
        ].map { report in
            // A timeout of 0 means that there is no limit.
            report.name == "timeoutMillis" && report.value == 0
                ? LimitReport(name: report.name, value: nil, source: report.source) : report
        }
    }
}
