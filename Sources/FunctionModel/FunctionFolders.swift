/// Folders that a function may read, beside the engine's own: names of artifacts, which are the same on every host. The
/// runtime finds their paths (`FunctionRuntime.Configuration.artifactPath`).
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

    /// The names, with the fields of a stored function that hold them.
    package var named: [(field: String, name: String)] {
        [("sourceLayer", source), ("packageLayer", packages)].compactMap { field, name in name.map { (field, $0) } }
    }
}
