import FunctionModel

/// What a caller may do. docs/access.md says which route needs which.
public enum Scope: Hashable, Sendable {
    /// Everything, tokens and the audit log included.
    case admin
    /// Deploy, roll back and delete functions, and set secrets.
    case deploy
    /// Call every function.
    case invoke
    /// Call this function.
    case invokeFunction(FunctionID)
    /// See functions, logs, metrics, and details of errors.
    case read

    /// - Throws: `InvalidRequest` that names the scopes there are.
    public init(_ text: String) throws(InvalidRequest) {
        switch text {
        case "admin": self = .admin
        case "deploy": self = .deploy
        case "invoke": self = .invoke
        case "read": self = .read
        default:
            let prefix = "invoke:"
            guard text.hasPrefix(prefix) else {
                throw InvalidRequest(
                    "Unknown scope \(quoted(text)): use 'admin', 'deploy', 'invoke', 'invoke:{function id}' or 'read'.")
            }
            self = .invokeFunction(try FunctionID(String(text.dropFirst(prefix.count))))
        }
    }

    public var text: String {
        switch self {
        case .admin: "admin"
        case .deploy: "deploy"
        case .invoke: "invoke"
        case .invokeFunction(let id): "invoke:\(id)"
        case .read: "read"
        }
    }

    /// Whether a caller that has this scope may do what needs `needed`.
    func includes(_ needed: Scope) -> Bool {
        switch (self, needed) {
        case (.admin, _), (.invoke, .invokeFunction): true
        default: self == needed
        }
    }
}

extension Scope: CustomStringConvertible {
    public var description: String { text }
}
