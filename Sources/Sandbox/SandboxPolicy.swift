import WorkerProtocol

/// What one language's workers need from the machine, besides what every worker needs.
public struct SandboxPolicy: Sendable {
    /// Files and folders that workers may read. The reason is beside each entry. Missing ones are left out.
    public var readablePaths: [String]
    /// What a worker may read besides, without being shown where it is: in /proc of itself.
    public var ownProcessPaths: [String]
    /// Whether the engine maps much more memory than it uses. Mapped memory is then not limited; the host watches the
    /// memory in use.
    public var reservesMemory: Bool

    /// The system calls of the engine and its library.
    public var systemCalls: WorkerSystemCalls

    public init(
        readablePaths: [String], ownProcessPaths: [String], reservesMemory: Bool, systemCalls: WorkerSystemCalls
    ) {
        self.systemCalls = systemCalls
        self.readablePaths = readablePaths
        self.ownProcessPaths = ownProcessPaths
        self.reservesMemory = reservesMemory
    }
}

/// The sandbox settings on the command line of a zygote.
public struct SandboxSettings: Equatable, Sendable {
    /// Whether all layers are switched off.
    public var isOff = false
    /// Whether the zygote ends if a layer is missing.
    public var isRequired = false
    /// Layers that are left out, so that tests see what the others deny alone.
    public var without: Set<SandboxLayer.Name> = []

    /// Paths that functions may read besides those of their language.
    public var readablePaths: [String] = []
    /// The size of the folder for temporary files that each worker gets; nil: no folder.
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
