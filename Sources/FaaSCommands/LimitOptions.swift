import ArgumentParser
import FunctionModel
import PolyglotFaaS

/// What the operator of a host allows functions to use, and the host itself.
struct LimitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Workers a function may have while its calls wait. Default: it leaves half of them to others.",
            valueName: "n"))
    var workersPerFunction: Int?
    @Option(
        help: ArgumentHelp(
            "Workers there may be altogether. Default: what half of the memory holds, at most 1000.", valueName: "n"))
    var workers: Int?
    @Option(
        help: ArgumentHelp("Workers that may start at a time. Default: four for each core, at least 8.", valueName: "n")
    )
    var startingWorkers: Int?
    @Option(
        help: ArgumentHelp("The share of the available memory that workers may have. Default: 0.8.", valueName: "0...1")
    )
    var memoryShare: Double?
    @Option(
        help: ArgumentHelp(
            "The share of the available memory for the host's own bodies, queues, logs and caches. Default: 0.1.",
            valueName: "0...1"))
    var hostMemoryShare: Double?
    @Option(
        help: ArgumentHelp(
            "Processor time of a call, unless the manifest says otherwise. Default: no limit.", valueName: "ms"))
    var cpuMillis: Int?
    @Option(
        help: ArgumentHelp(
            "How long a zygote serves before another takes its place; 0: for ever. Default: 3600.", valueName: "s"))
    var zygoteSeconds: Int?

    @Option(
        help: ArgumentHelp(
            "The longest time of a call, whatever its manifest says. Default: no ceiling.", valueName: "ms"))
    var maxTimeout: Int?
    @Option(
        help: ArgumentHelp(
            "The most memory of a worker, whatever a manifest says. Default: no ceiling.", valueName: "MB"))
    var maxMemory: Int?
    @Option(
        help: ArgumentHelp(
            "The most processor time of a call, whatever its manifest says. Default: no ceiling.", valueName: "ms"))
    var maxCpu: Int?
    @Option(
        help: ArgumentHelp(
            "The most temporary files of a worker, whatever a manifest says. Default: no ceiling.", valueName: "MB"))
    var maxTemporary: Int?
    @Option(
        help: ArgumentHelp(
            "The most calls of a function at once, whatever its manifest says. Default: no ceiling.", valueName: "n"))
    var maxConcurrency: Int?
    @Option(
        help: ArgumentHelp(
            "The most workers that are kept ready for a function, whatever its manifest says. Default: no ceiling.",
            valueName: "n"))
    var maxMinWorkers: Int?
    @Option(
        help: ArgumentHelp(
            "The longest time that an unused worker stays, whatever a manifest says. Default: no ceiling.",
            valueName: "ms"))
    var maxIdleTimeout: Int?

    /// Larger values are slips, and close to what an integer holds.
    private static let maximumSeconds = 1_000_000_000

    func validate() throws {
        for (option, count) in [
            ("--workers-per-function", workersPerFunction), ("--workers", workers),
            ("--starting-workers", startingWorkers),
        ] { try OptionRange.check(option, count, 1...1_000_000, "workers") }
        try OptionRange.check("--memory-share", memoryShare, 0.01...1)
        try OptionRange.check("--host-memory-share", hostMemoryShare, 0.01...1)
        try OptionRange.check("--zygote-seconds", zygoteSeconds, 0...Self.maximumSeconds, "s")
        try OptionRange.check("--cpu-millis", cpuMillis, 1...86_400_000, "ms")
        try OptionRange.check("--max-timeout", maxTimeout, 1...86_400_000, "ms")
        try OptionRange.check("--max-memory", maxMemory, 1...(1 << 20), "MB")
        try OptionRange.check("--max-cpu", maxCpu, 1...86_400_000, "ms")
        try OptionRange.check("--max-temporary", maxTemporary, 1...1024, "MB")
        try OptionRange.check("--max-concurrency", maxConcurrency, 1...10_000, "calls")
        try OptionRange.check("--max-min-workers", maxMinWorkers, 0...1000, "workers")
        try OptionRange.check("--max-idle-timeout", maxIdleTimeout, 0...86_400_000, "ms")
    }

    /// Puts what was given into a runtime's configuration.
    func apply(to configuration: inout FunctionRuntime.Configuration) {
        if let workersPerFunction { configuration.maximumWorkersPerFunction = workersPerFunction }
        if let workers { configuration.maximumWorkers = workers }
        if let startingWorkers { configuration.maximumStartingWorkers = startingWorkers }
        if let memoryShare { configuration.memoryShare = memoryShare }
        if let hostMemoryShare { configuration.hostMemoryShare = hostMemoryShare }
        if let zygoteSeconds { configuration.zygoteLifetimeSeconds = zygoteSeconds }
        configuration.cpuMillis = cpuMillis
        configuration.maximumTimeoutMillis = maxTimeout
        configuration.ceilings = FunctionLimits(
            memoryMB: maxMemory, maxConcurrency: maxConcurrency, cpuMillis: maxCpu, temporaryMB: maxTemporary,
            minWorkers: maxMinWorkers, idleTimeoutMillis: maxIdleTimeout)
    }
}
