import Access
import FunctionModel
import FunctionStorage

/// What deployments are checked against, and where they are recorded.
public struct DeploymentRules: Sendable {
    /// Where deployments and deletions are recorded; nil: nowhere.
    public var audit: (any AuditLog)?
    /// How many functions may be stored; nil: no limit. From 1.
    public var maximumFunctions: Int?
    /// How many bytes the data directory may have before a deployment; nil: no limit. From 1.
    public var maximumBytes: Int?
    /// What tells how much is stored. Without it, the limits do not apply.
    public var usage: (any UsageMeter)?

    public init(audit: (any AuditLog)? = nil) { self.audit = audit }

    /// Checks whether a function may be stored. Two deployments at the same time may both be the last one.
    /// - Throws: `QuotaExceeded`, ``StorageFailure``.
    func admit(_ id: FunctionID) async throws {
        guard maximumFunctions != nil || maximumBytes != nil, let usage = try await usage?.usage(besides: id) else {
            return
        }
        if let maximumFunctions, usage.otherFunctions >= maximumFunctions {
            throw QuotaExceeded(
                "\(usage.otherFunctions) functions are stored, and \(maximumFunctions) may be: delete one first.")
        }
        if let maximumBytes, usage.bytes >= maximumBytes {
            throw QuotaExceeded(
                "The data directory has \(usage.bytes) bytes, and \(maximumBytes) are allowed: delete functions and run "
                    + "'faas prune'.")
        }
    }

    /// Records what has been done.
    func record(_ action: AuditEntry.Action, _ id: FunctionID, by actor: String, _ detail: String = "") async throws {
        try await audit?.append(
            AuditEntry(time: systemSeconds() * 1000, actor: actor, action: action, object: id.text, detail: detail))
    }
}
