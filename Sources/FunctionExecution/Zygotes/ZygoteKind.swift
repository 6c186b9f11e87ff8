import FunctionModel

/// What the workers of a zygote have in common: what is set up before a worker is forked.
struct ZygoteKind: Hashable, Sendable {
    let language: Language
    /// What its workers may read besides what the language needs. Neither can be added to a worker: it has given up the
    /// right to mount, and Landlock's rules only ever become stricter.
    var folders: [String] = []
    /// The size of the folder for temporary files that each of its workers mounts, which takes a privilege that no
    /// other zygote keeps.
    var temporaryMB: Int?
    /// Whether its workers keep their state, which JavaScript's engine has other settings for. It reads them when it
    /// starts.
    var keepsState = false

    /// Whether this is the zygote of all functions of the language that need no other.
    var isOrdinary: Bool { folders.isEmpty && temporaryMB == nil && !keepsState }
}

extension ZygoteKind {
    /// - Throws: if the host does not have a folder that the function names.
    init(_ definition: FunctionDefinition, _ configuration: FunctionRuntime.Configuration) throws(LoadError) {
        language = definition.language
        for name in definition.folders.all {
            guard let path = configuration.artifactPath(name) else {
                throw LoadError("The function's folder '\(name)' is not on this host. Deploy the function again.")
            }
            folders.append(path)
        }
        // Other languages cannot use the files, and their workers must not be able to write any.
        temporaryMB =
            definition.language == .python ? EffectiveLimits(definition, configuration).temporaryMB : nil
        keepsState = definition.language == .javaScript && definition.isolation == .instance
    }
}
