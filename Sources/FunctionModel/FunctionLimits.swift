/// What one function may use. nil: what the host has as its default.
public struct FunctionLimits: Hashable, Sendable {
    /// Memory of each worker, in MB (2^20 bytes), beyond what the language's engine itself needs.
    public var memoryMB: Int?
    /// Processor time of one invocation, in milliseconds, all its threads together.
    public var cpuMillis: Int?
    /// How many invocations may run at once.
    public var maxConcurrency: Int?
    /// How many workers are kept ready, with the function loaded, also when there are no invocations. For functions that
    /// are stored where a server finds them. nil: none.
    public var minWorkers: Int?
    /// How long an unused worker beyond those stays, in milliseconds.
    public var idleTimeoutMillis: Int?
    /// The largest event, in bytes.
    public var maxEventBytes: Int?
    /// The largest result, in bytes of JSON.
    public var maxResultBytes: Int?
    /// How much one invocation may write to its log, in bytes; the rest is cut, with a notice.
    public var maxLogBytes: Int?
    /// How much its temporary files may have, in MB (2^20 bytes). nil: there are none. For Python.
    public var temporaryMB: Int?

    public init(
        memoryMB: Int? = nil, maxConcurrency: Int? = nil, maxEventBytes: Int? = nil, maxResultBytes: Int? = nil,
        maxLogBytes: Int? = nil, cpuMillis: Int? = nil, temporaryMB: Int? = nil, minWorkers: Int? = nil,
        idleTimeoutMillis: Int? = nil
    ) {
        self.memoryMB = memoryMB
        self.maxConcurrency = maxConcurrency
        self.maxEventBytes = maxEventBytes
        self.maxResultBytes = maxResultBytes
        self.maxLogBytes = maxLogBytes
        self.cpuMillis = cpuMillis
        self.temporaryMB = temporaryMB
        self.minWorkers = minWorkers
        self.idleTimeoutMillis = idleTimeoutMillis
    }
}
