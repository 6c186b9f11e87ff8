/// Folders on the host that a function may read, beside the engine's own. The last part of each path names its content.
public struct FunctionFolders: Hashable, Sendable {
    /// The modules and data that the source is one of.
    public var source: String?
    /// Installed packages.
    public var packages: String?

    public init(source: String? = nil, packages: String? = nil) {
        self.source = source
        self.packages = packages
    }

    public var all: [String] { [source, packages].compactMap { $0 } }
}
