import FunctionModel

/// The server would listen where other machines reach it, and there is no token.
public struct InsecureAddress: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .caller }
    public let host: String
    public var message: String {
        "Other machines may reach the address \(quoted(host)), and there is no access token. Make one with 'faas token "
            + "create', or let every client do everything with '--insecure'."
    }
}
