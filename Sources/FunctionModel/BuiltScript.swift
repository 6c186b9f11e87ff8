/// What a function's modules become before an engine takes them: one script, and where each part of it comes from.
public struct BuiltScript: Hashable, Sendable {
    public var script: String
    /// JSON: `{"sources": [names], "mappings": "…"}`, as in a source map of version 3.
    public var sourceMap: String

    public init(script: String, sourceMap: String) {
        self.script = script
        self.sourceMap = sourceMap
    }
}

extension FunctionDefinition {
    /// Whether the source must be built before an engine can take it: it is a module, or a script that uses modules of
    /// Node.js.
    var needsBuild: Bool {
        language.capabilities.buildsModules && (isModule || usesNodeModules)
    }

    private var usesNodeModules: Bool {
        NodeModuleUse.isFound(in: sourceCode, own: dependencies.keys)
            || dependencies.values.contains { NodeModuleUse.isFound(in: $0, own: dependencies.keys) }
    }

    /// Whether it is an ES module, TypeScript or JSX, or a script with a dependency that is one. `jsEvalAsModule` says
    /// so, else the file's extension, else `import` and `export` declarations.
    package var isModule: Bool {
        jsEvalAsModule || Self.isForBuild(name: sourceName, source: sourceCode)
            || dependencies.contains { Self.isForBuild(name: $0.key, source: $0.value) }
    }

    private static func isForBuild(name: String, source: String) -> Bool {
        if let dot = name.lastIndex(of: "."), builtExtensions.contains(String(name[dot...])) { return true }
        return ModuleSyntax.isModule(source)
    }

    private static let builtExtensions: Set = [".mjs", ".mts", ".ts", ".cts", ".tsx", ".jsx"]
}
