import Foundation
import FunctionModel

/// A JavaScript function whose source imports other files of its folder, or packages that npm has installed there.
struct JavaScriptProject {
    /// The folder of the manifest, without symbolic links.
    let folder: String
    /// The source file, relative to it.
    let main: String

    /// nil if the function is complete as the manifest has it, or if its source is outside the manifest's folder.
    init?(_ definition: FunctionDefinition, sourcePath: String, manifestPath: String) {
        guard definition.language.capabilities.buildsModules else { return nil }
        folder = URL(fileURLWithPath: manifestPath).deletingLastPathComponent().resolvingSymlinksInPath().path
        let source = URL(fileURLWithPath: sourcePath).resolvingSymlinksInPath().path
        guard source.hasPrefix(folder + "/") else { return nil }
        main = String(source.dropFirst(folder.count + 1))
        let hasPackages = FileManager.default.fileExists(atPath: folder + "/node_modules")
        guard hasPackages || Self.importsFiles(definition) else { return nil }
    }

    /// Whether the source names a path that is not among its dependencies. A name in a comment or a text counts too:
    /// then the function is bundled, and is what it was.
    private static func importsFiles(_ definition: FunctionDefinition) -> Bool {
        let paths = definition.sourceCode.matches(
            of: /(?:from|import|require)\s*\(?\s*['"](?<path>\.\.?\/[^'"\n]*)['"]/)
        return paths.contains {
            definition.dependencies[String($0.output.path)] == nil
                && definition.dependencies[String($0.output.path.dropFirst(2))] == nil
        }
    }
}
