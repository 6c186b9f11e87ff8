import FunctionModel
import FunctionStorage

/// Stores the function of a manifest, after the folders that it reads.
func deploy(_ manifest: Manifest, to store: FunctionStore) async throws -> Function {
    var definition = manifest.definition
    if let folder = manifest.sourceFolder { definition.folders.source = try store.layers.layer(copying: folder) }
    if !manifest.requirements.isEmpty {
        definition.folders.packages = try await PackageInstaller(layers: store.layers).install(manifest.requirements)
    }
    return try store.save(manifest.id, definition: definition)
}
