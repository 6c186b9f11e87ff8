/// The tokens there are at one moment, to be searched for each request.
public final class TokenTable: Sendable {
    public static let empty = TokenTable([])

    /// By the beginning of the hash. To measure how long the search takes tells about the hash of a text that the caller
    /// has sent, not about a secret.
    private let tokens: [UInt64: [Token]]
    /// Expired ones count too: that a token expires does not open the server.
    public let isEmpty: Bool

    public init(_ tokens: [Token]) {
        self.tokens = Dictionary(grouping: tokens, by: \.hash.prefix)
        isEmpty = tokens.isEmpty
    }

    /// The token of this secret, expired or not.
    func token(secret: UnsafeRawBufferPointer) -> Token? {
        guard secret.count == TokenSecret.length else { return nil }
        let hash = TokenHash(ofSecret: secret)
        return tokens[hash.prefix]?.first { $0.hash == hash }
    }
}
