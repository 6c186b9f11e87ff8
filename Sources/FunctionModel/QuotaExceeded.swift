/// The host stores as much as it may.
public struct QuotaExceeded: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .host }
    public let message: String
    public init(_ message: String) { self.message = message }
}
