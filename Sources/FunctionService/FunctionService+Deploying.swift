import FunctionExecution
import FunctionModel
import FunctionStorage

/// What deploying to a running host needs of its runtime.
extension FunctionService {
    /// Builds, checks and stores the function of a manifest that names no file of this host.
    /// - Parameter checksLoading: whether a worker must load the function first. Its handler is not called.
    /// - Throws: as ``Deployments/deploy(_:at:change:progress:)``, and what a call would throw if the function does not
    ///   load.
    package func deploy(_ manifest: Manifest, checksLoading: Bool, change: FunctionChange) async throws -> Deployment {
        // A build may take long, and is for nothing if the change is refused. The change itself checks it again.
        try await deployments.check(change.precondition, manifest.id)
        try await deployments.admit(manifest.id)
        let function = try await deployments.prepare(manifest, at: nil)
        if checksLoading { try await runtime.checkLoading(try await secrets.fill(function)) }
        return try await deployments.store(function, change)
    }

    /// What the function may use on this host.
    package func effectiveLimits(
        of function: Function, defaultTimeoutMillis: Int, defaultEventBytes: Int
    ) -> [EffectiveLimit] {
        runtime.effectiveLimits(
            of: function, defaultTimeoutMillis: defaultTimeoutMillis, defaultEventBytes: defaultEventBytes
        ).map { EffectiveLimit(name: $0.name, value: $0.value, source: .init($0.source)) }
    }
}

/// One limit of a function, as this host applies it.
package struct EffectiveLimit: Sendable {
    package enum Source: String, Sendable {
        /// The function's manifest says so.
        case function
        /// The host's default.
        case host
        /// The function asks for more than the host's ceiling.
        case ceiling
    }

    /// The manifest's field.
    package let name: String
    /// nil: no limit.
    package let value: Int?
    package let source: Source
}

extension EffectiveLimit.Source {
    init(_ source: LimitReport.Source) {
        self =
            switch source {
            case .function: .function
            case .host: .host
            case .ceiling: .ceiling
            }
    }
}
