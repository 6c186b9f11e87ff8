/// Who may call a function, on a server that has access tokens.
public enum FunctionAccess: String, Sendable, CaseIterable, CustomStringConvertible {
    /// Callers whose token has the scope. The default.
    case `private`
    /// Everyone.
    case `public`

    public var description: String { rawValue }
}

/// What a client of `/http/{id}` is told of a failure if it has no `read` scope.
public enum ErrorDetail: String, Sendable, CaseIterable, CustomStringConvertible {
    /// That there was one, and its request id. The default.
    case brief
    /// The error's name, message and stack too.
    case detailed

    public var description: String { rawValue }
}
