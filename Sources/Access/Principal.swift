import FunctionModel

/// Who makes a request.
public enum Principal: Sendable {
    /// May do everything: a program on this machine while there is no token, or any program if the server was started
    /// with `--insecure` and there is no token.
    case trusted
    case token(Token)
    /// May do what needs no scope.
    case anonymous(Unauthorized)

    public func has(_ scope: Scope) -> Bool {
        switch self {
        case .trusted: true
        case .token(let token): token.has(scope)
        case .anonymous: false
        }
    }

    /// Why the caller may not do what needs `scope`; nil: it may.
    public func denial(of scope: Scope) -> AccessDenial? {
        switch self {
        case .trusted: nil
        case .token(let token): token.has(scope) ? nil : .forbidden(InsufficientScope(scope: scope))
        case .anonymous(let reason): .unauthorized(reason)
        }
    }

    /// The caller in the audit log and in messages.
    public var name: String {
        switch self {
        case .trusted: "local"
        case .token(let token): "token:\(token.id)"
        case .anonymous: "anonymous"
        }
    }
}

/// Why a caller may not do something. The reason does not depend on what exists.
public enum AccessDenial: Sendable {
    case unauthorized(Unauthorized)
    case forbidden(InsufficientScope)

    public var error: any FunctionError {
        switch self {
        case .unauthorized(let error): error
        case .forbidden(let error): error
        }
    }
}

/// The request has no token, or one that cannot be used.
public enum Unauthorized: FunctionError, Equatable {
    case missing
    /// The token is unknown or has been revoked, or `Authorization` is not a bearer token.
    case invalid
    case expired
    /// There are no tokens, and the caller is on another machine.
    case notLocal

    public var kind: FunctionErrorKind { .caller }
    public var errorType: String { "Unauthorized" }
    public var message: String {
        switch self {
        case .missing: "This needs an access token: send the header 'Authorization: Bearer faas_…'."
        case .invalid: "The access token is not known here. It may have been revoked."
        case .expired: "The access token has expired."
        case .notLocal: "This needs an access token, and this server has none yet: 'faas token create' makes one."
        }
    }
}

/// The token does not allow this.
public struct InsufficientScope: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .caller }
    public let scope: Scope
    public init(scope: Scope) { self.scope = scope }
    public var message: String { "The access token does not have the scope '\(scope)'." }
}
