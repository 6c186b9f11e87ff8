/// A part of the host that reads hostile bytes, and what must hold whatever they are.
public enum FuzzTarget: String, CaseIterable, Sendable {
    /// What a worker or a zygote sends.
    case frames
    /// JSON with and without comments.
    case jsonc
    /// What somebody uploads.
    case manifest
    /// What a client sends over a connection.
    case http

    /// Reads the bytes as this part of the host does.
    /// - Throws: if it does what it must not. It may also trap, which is the worse finding.
    public func check(_ input: [UInt8]) throws(Finding) {
        switch self {
        case .frames: try checkFrames(input)
        case .jsonc: try checkJSON(input)
        case .manifest: try checkManifest(input)
        case .http: try checkHTTP(input)
        }
    }
}

/// Something that must not happen did.
public struct Finding: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

func require(_ condition: Bool, _ otherwise: @autoclosure () -> String) throws(Finding) {
    if !condition { throw Finding(otherwise()) }
}
