import Crypto
import FunctionModel

/// Stores artifacts: folders of files that functions read, each named after its content. Functions with the same
/// modules or the same packages share one.
///
/// Every implementation passes the tests in Tests/StorageContractTests.
public protocol ArtifactStore: Sendable {
    /// The absolute path of an artifact on this host; nil if it is not here. Called when workers start, so an
    /// implementation that keeps artifacts elsewhere copies them here before functions are loaded.
    func path(of name: String) -> String?

    /// Makes the artifact of this name unless it exists.
    /// - Parameter fill: writes the files into the folder that it is given. If it throws, there is no artifact.
    func make(_ name: String, fill: @Sendable (_ folder: String) async throws -> Void) async throws

    /// Makes the artifact whose name results from its content.
    /// - Parameter fill: writes the files into the folder that it is given, and returns the name.
    /// - Returns: the name.
    func make(naming fill: @Sendable (_ folder: String) async throws -> String) async throws -> String

    /// What no function needs and has not been made or used recently. An upload makes an artifact before it saves the
    /// function that refers to it, so recent ones stay.
    /// - Parameter needed: the names of artifacts that functions refer to.
    func unused(except needed: Set<String>, unusedForSeconds: Int) async throws -> [UnusedArtifact]

    /// Removes an artifact that ``unused(except:unusedForSeconds:)`` returned. Functions never see half of it.
    func remove(_ artifact: UnusedArtifact) async throws

    /// Where the artifacts are, for messages.
    var location: String { get }
}

/// An artifact that no stored function refers to, or an unfinished one.
public struct UnusedArtifact: Equatable, Sendable {
    /// Where it is.
    public let path: String
    /// The sizes of all files in it together.
    public let bytes: Int

    public init(path: String, bytes: Int) {
        self.path = path
        self.bytes = bytes
    }
}

/// Names artifacts. A name is a kind and a hash of the content, so it never leads out of a folder.
public struct ArtifactName {
    private let kind: String
    private var hash = SHA256()

    /// - Parameter kind: lowercase letters, for example `source`.
    public init(_ kind: String) {
        self.kind = kind
        add(Array("PolyglotFaaS layer, encoding 1: \(kind)".utf8))
    }

    /// The name for what these texts determine.
    public static func name(_ kind: String, of texts: [String]) -> String {
        var name = ArtifactName(kind)
        for text in texts { name.add(Array(text.utf8)) }
        return name.text
    }

    /// Adds a part of the content. The length goes before it, so that no two contents are hashed as the same bytes.
    public mutating func add(_ bytes: [UInt8]) {
        withUnsafeBytes(of: Int64(bytes.count).littleEndian) { hash.update(bufferPointer: $0) }
        bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }

    public var text: String { "\(kind)-\(hexadecimal(hash.finalize().prefix(16)))" }

    /// Whether `name` has the form of an artifact's name.
    public static func isValid(_ name: String) -> Bool { name.wholeMatch(of: /[a-z]+-[0-9a-f]{32}/) != nil }
}

/// Two lowercase digits for each byte.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
}
