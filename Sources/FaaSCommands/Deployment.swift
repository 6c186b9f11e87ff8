import Builds
import FileStorage
import FunctionModel
import FunctionStorage
import PolyglotFaaS

/// Stores the function of a manifest, after the folders that it reads. Modules are built now, so that what is wrong
/// with them is said here and no call waits for it.
///
/// - Parameters:
///   - path: the manifest's, whose folder a JavaScript project may read.
///   - builds: the directory that keeps what has been built.
func deploy(_ manifest: Manifest, at path: String, to store: FunctionStore, builds: String) async throws -> Function {
    var definition = manifest.definition
    if let folder = manifest.sourceFolder { definition.folders.source = try store.layers.layer(copying: folder) }
    if !manifest.requirements.isEmpty {
        definition.folders.packages = try await PackageInstaller(layers: store.layers).install(manifest.requirements)
    }
    return try store.save(manifest.id, definition: try await build(manifest, definition, at: path, builds: builds))
}

/// What becomes of a definition whose source is a project or has to be built.
func build(_ manifest: Manifest, _ definition: FunctionDefinition, at path: String, builds: String) async throws
    -> FunctionDefinition
{
    var definition = definition
    let project = manifest.sourcePath.flatMap { JavaScriptProject(definition, sourcePath: $0, manifestPath: path) }
    guard project != nil || Function(id: manifest.id, definition: definition).needsBuild else { return definition }
    var configuration = FunctionRuntime.Configuration()
    configuration.buildDirectory = builds
    let builds = ScriptBuilds(configuration)
    if let project { definition = try await builds.bundle(definition, main: project.main, project: project.folder) }
    let runtime = FunctionRuntime(configuration: configuration, sourceBuilder: builds)
    try await runtime.build(Function(id: manifest.id, definition: definition))
    await runtime.shutDown()
    return definition
}
