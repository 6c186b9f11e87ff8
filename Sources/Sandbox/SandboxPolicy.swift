import WorkerProtocol

/// What a language's workers need of the machine, besides what every worker needs.
public struct SandboxPolicy: Sendable {
    /// Files and folders that workers may read, with the reason beside each entry. Missing ones are left out.
    public var readablePaths: [String]
    /// Whether a worker may read its own folder in /proc. For an engine that does; never where guests open files.
    public var readsItsOwnProcess: Bool
    /// Whether the engine maps much more memory than it uses. What it maps is then no measure, and the host's watch is
    /// the limit.
    public var reservesMemory: Bool

    /// What its engine and its library call.
    public var systemCalls: WorkerSystemCalls

    public init(
        readablePaths: [String], readsItsOwnProcess: Bool, reservesMemory: Bool, systemCalls: WorkerSystemCalls
    ) {
        self.systemCalls = systemCalls
        self.readablePaths = readablePaths
        self.readsItsOwnProcess = readsItsOwnProcess
        self.reservesMemory = reservesMemory
    }
}

/// What the host asked for on the command line of a zygote.
public struct SandboxSettings: Equatable, Sendable {
    /// No layer at all.
    public var isOff = false
    /// A layer that does not hold ends the zygote.
    public var isRequired = false
    /// Layers that are left out, so that tests see what the others hold alone.
    public var without: Set<SandboxLayer.Name> = []

    /// What functions may read besides what their language needs.
    public var readablePaths: [String] = []
    /// The size of the folder for temporary files that each worker gets; nil: none.
    public var temporaryMB: Int?

    /// From arguments of the form `--sandbox=off`, `--without=files,signals`, `--read=/path` and `--temporary-mb=16`.
    public init(arguments: [String]) {
        for argument in arguments {
            if argument == "--sandbox=off" { isOff = true }
            if argument == "--sandbox=required" { isRequired = true }
            if argument.hasPrefix("--read=") { readablePaths.append(String(argument.dropFirst("--read=".count))) }
            if argument.hasPrefix("--temporary-mb=") { temporaryMB = Int(argument.dropFirst("--temporary-mb=".count)) }
            if argument.hasPrefix("--without=") {
                without.formUnion(
                    argument.dropFirst("--without=".count).split(separator: ",").compactMap {
                        SandboxLayer.Name(text: String($0))
                    })
            }
        }
    }
}
