import FunctionModel

/// What one function may use: its own limits, else the host's defaults, and never more than the host's ceilings.
///
/// The one place where a function's limit and the configuration meet.
struct EffectiveLimits: Equatable, Sendable {
    /// Memory of each worker beyond what its engine needs, in MB.
    let memoryMB: Int
    /// Processor time of one invocation, in milliseconds. nil: no limit but the deadline.
    let cpuMillis: Int?
    /// How many workers it may have.
    let maximumWorkers: Int
    let maximumEventBytes: Int
    let maximumResultBytes: Int
    let maximumLogBytes: Int
    /// The size of its folder for temporary files, in MB. nil: it has none.
    let temporaryMB: Int?
    private let ownTimeoutMillis: Int
    private let timeoutCeiling: Int?

    init(_ function: Function, _ configuration: FunctionRuntime.Configuration) {
        self.init(function.definition, configuration)
    }

    init(_ definition: FunctionDefinition, _ configuration: FunctionRuntime.Configuration) {
        let (own, ceilings) = (definition.limits, configuration.ceilings)
        // No number here overflows when it is turned into bytes or nanoseconds.
        func limit(_ value: Int, _ ceiling: Int?, atMost maximum: Int) -> Int {
            max(0, min(value, ceiling ?? maximum, maximum))
        }
        memoryMB = limit(own.memoryMB ?? configuration.memoryMB, ceilings.memoryMB, atMost: 1 << 20)
        cpuMillis = (own.cpuMillis ?? configuration.cpuMillis ?? ceilings.cpuMillis).map {
            limit($0, ceilings.cpuMillis, atMost: 86_400_000)
        }
        maximumWorkers = max(
            1,
            limit(
                own.maxConcurrency ?? configuration.maximumWorkersPerFunction, ceilings.maxConcurrency,
                atMost: 1 << 20))
        maximumEventBytes = limit(
            own.maxEventBytes ?? FunctionRuntime.maximumEventBytes, ceilings.maxEventBytes,
            atMost: FunctionRuntime.maximumEventBytes)
        maximumResultBytes = limit(
            own.maxResultBytes ?? configuration.maximumResultBytes, ceilings.maxResultBytes, atMost: 1 << 40)
        maximumLogBytes = limit(
            own.maxLogBytes ?? configuration.maximumLogBytes, ceilings.maxLogBytes, atMost: 1 << 40)
        temporaryMB = own.temporaryMB.map { limit($0, ceilings.temporaryMB, atMost: 1 << 20) }
        ownTimeoutMillis = definition.timeoutMillis ?? 0
        timeoutCeiling = configuration.maximumTimeoutMillis.flatMap { $0 > 0 ? $0 : nil }
    }

    /// The time that one invocation may take, in milliseconds. 0: no limit.
    ///
    /// - Parameter asked: what the caller asks for. nil: what the function asks for. Zero or less: no limit but the
    ///   host's ceiling.
    func timeoutMillis(asked: Int?) -> Int {
        let wanted = asked ?? ownTimeoutMillis
        guard let timeoutCeiling else { return max(0, wanted) }
        return wanted > 0 ? min(wanted, timeoutCeiling) : timeoutCeiling
    }

    /// Memory that a worker may use, in bytes. Temporary files are in memory.
    var workerBytes: Int { (memoryMB + (temporaryMB ?? 0)) << 20 }
}
