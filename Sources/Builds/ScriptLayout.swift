import Foundation
import FunctionModel

/// The files that esbuild gets for a function, its arguments, and the names that messages show. It does no I/O.
///
/// Sources and the names of dependencies come from the function's author. A name becomes a path only if each part of it
/// is harmless, and paths stay below the folder.
struct ScriptLayout {
    struct File: Equatable {
        /// Relative to the folder of the build.
        var path: String
        var text: String
    }

    private(set) var files: [File] = []
    private(set) var arguments: [String] = []
    /// The names that messages show for the function's files, by path.
    private(set) var names: [String: String] = [:]
    /// Whether it is a module. A script is not strict unless it says so.
    private(set) var isModule = true

    /// The names by which the built script calls the worker: parameters of the function around it.
    static let bridge = "__faas"
    static let meta = "__faas_meta"

    /// Whether `await` becomes calls of `then`, which `async_hooks` needs to see.
    private(set) var followsAwait = false

    /// - Parameter mayFollowAwait: whether sources that mention `async_hooks` get a build in which it works. Not every
    ///   source can be built so.
    /// - Throws: ``LoadError`` that names the dependency which cannot be one.
    init(_ definition: FunctionDefinition, node: NodeModules = .none, mayFollowAwait: Bool = true) throws(LoadError) {
        let main = Self.fileName(definition.sourceName)
        let mainExtension = Self.fileExtension(main) ?? "js"
        var places: [(name: String, source: String, parts: [String])] = []
        for (name, source) in definition.dependencies.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
        {
            places.append((name, source, try Self.parts(ofDependency: name)))
        }
        // The main file lies as many folders down as a name climbs up.
        let depth = places.map { $0.parts.prefix { $0 == ".." }.count }.max() ?? 0
        let home = ["src"] + Array(repeating: "p", count: depth)

        let mainPath = (home + [main]).joined(separator: "/")
        add(mainPath, Self.withBinding(definition), name: definition.sourceName)
        var aliases: [String: JSONValue] = [:]
        var metas: [String] = []
        for (name, original, parts) in places {
            let climbs = parts.prefix { $0 == ".." }.count
            var text = (home.dropLast(climbs) + parts.dropFirst(climbs)).joined(separator: "/")
            let ownExtension = parts.last.flatMap(Self.fileExtension)
            if ownExtension == nil { text += ".\(mainExtension)" }
            // The main file has this path already.
            if names[text] != nil { text = "other/\(aliases.count).\(ownExtension ?? mainExtension)" }
            var source = original
            if Self.usesMeta(source) {
                // An import works anywhere in a module. At the end it moves no line and no column.
                let up = String(repeating: "../", count: text.count { $0 == "/" })
                source += "\n;import { m\(metas.count) as \(Self.meta) } from \"\(up)meta.js\";\n"
                let address = (climbs > 0 ? "/" : "/function/") + parts.dropFirst(climbs).joined(separator: "/")
                metas.append("m\(metas.count) = \(Self.bridge).meta(\(JSONValue.string(address).jsonText()))")
            }
            add(text, source, name: name)
            aliases[name] = ["./\(text)"]
        }
        if !metas.isEmpty {
            files.append(File(path: "meta.js", text: "export const \(metas.joined(separator: ", "));\n"))
        }
        isModule = definition.isModule
        let entry =
            isModule
            ? "import * as exports from \"./\(mainPath)\";\n\(Self.bridge).exports(exports);\n"
            : "\(Self.bridge).exports(require(\"./\(mainPath)\"));\n"
        let sources = files
        files.append(File(path: "entry.js", text: entry))
        files.append(File(path: "tsconfig.json", text: Self.configuration(aliases).jsonText()))
        files += node.files
        arguments =
            ["entry.js", "--tsconfig=tsconfig.json", "--format=\(isModule ? "esm" : "iife")"] + Self.commonArguments
        // A dependency takes precedence over a module of Node.js with its name; an alias would take precedence over it.
        arguments += Self.nodeAliases().filter { alias in !places.contains { alias.hasPrefix("--alias:\($0.name)=") } }
        if node.hasBuffer, sources.contains(where: { $0.text.contains("Buffer") }) {
            arguments.append("--inject:./\(NodeModules.globals)")
        }
        if sources.contains(where: { $0.text.contains("async_hooks") }) {
            followsAwait = mayFollowAwait
            arguments.append("--define:__faas_follows_await=\(followsAwait)")
            if followsAwait { arguments.append("--supported:async-await=false") }
        }
    }

    /// A project on this machine, whose files may import each other and what `node_modules` has. The result is a module
    /// like any other, with nothing left to import.
    ///
    /// - Parameters:
    ///   - main: the main file, relative to the project's folder.
    ///   - folder: where ``files`` will be.
    ///   - installed: folders of packages that stand for modules of Node's, by those modules' names.
    init(
        project definition: FunctionDefinition, main: String, folder: String, installed: [String: String],
        node: NodeModules
    ) {
        var aliases: [String] = []
        for (name, source) in definition.dependencies.sorted(by: { $0.key < $1.key }) {
            // A path is found in the project.
            guard let parts = try? Self.parts(ofDependency: name), parts.first != "..", !name.hasPrefix(".") else {
                continue
            }
            let path =
                "other/\(aliases.count).\(parts.last.flatMap(Self.fileExtension) ?? Self.fileExtension(main) ?? "js")"
            add(path, source, name: name)
            aliases.append("--alias:\(name)=\(folder)/\(path)")
        }
        // A script exports nothing: export what it declares under the handler's name.
        let isScript = !ModuleSyntax.isModule(definition.sourceCode) && !definition.sourceCode.contains("exports")
        let exports =
            isScript && definition.functionName.isJavaScriptBinding
            ? ["--tree-shaking=false", "--footer:js=export { \(definition.functionName) };"] : []
        files += node.files
        arguments =
            ["./\(main)", "--format=esm"] + Self.commonArguments.filter { !$0.hasPrefix("--define:") } + aliases
            + exports
        arguments += Self.nodeAliases(in: folder, installed: installed).filter { alias in
            !definition.dependencies.keys.contains { alias.hasPrefix("--alias:\($0)=") }
        }
        if node.hasBuffer { arguments.append("--inject:\(folder)/\(NodeModules.globals)") }
    }

    private mutating func add(_ path: String, _ text: String, name: String) {
        files.append(File(path: path, text: text))
        names[path] = name
    }

    // MARK: Options

    static let commonArguments = [
        "--bundle", "--platform=neutral", "--target=esnext", "--main-fields=module,main",
        "--conditions=import,module,default",
        "--resolve-extensions=.tsx,.ts,.mts,.cts,.jsx,.mjs,.js,.cjs,.json", "--loader:.js=jsx", "--loader:.mjs=jsx",
        "--loader:.cjs=jsx",
        "--sourcemap=inline", "--sources-content=false", "--charset=utf8", "--legal-comments=none",
        "--define:import.meta=\(meta)",
        "--log-level=error", "--log-limit=3", "--color=false",
    ]

    private static func configuration(_ aliases: [String: JSONValue]) -> JSONValue {
        ["compilerOptions": ["experimentalDecorators": true, "paths": .object(aliases)]]
    }

    /// Aliases for every module of Node.js, with and without `node:`: to an installed package, else to our own module.
    ///
    /// - Parameter installed: folders of packages by the module's name.
    private static func nodeAliases(in folder: String = ".", installed: [String: String] = [:]) -> [String] {
        NodeModules.names.filter { !$0.contains("/") }.flatMap { name in
            let path = installed[name] ?? "\(folder)/node/\(name)"
            return ["--alias:\(name)=\(path)", "--alias:node:\(name)=\(path)"]
        }
    }

    /// Whether a dependency uses its own `import.meta`. Without this, it would get that of the main file.
    private static func usesMeta(_ source: String) -> Bool {
        source.contains("import.meta") && ModuleSyntax.isModule(source)
    }

    // MARK: Names

    /// Exports the handler to the worker. A module that declares it need not export it.
    private static func withBinding(_ definition: FunctionDefinition) -> String {
        let name = definition.functionName
        guard name.isJavaScriptBinding, fileExtension(fileName(definition.sourceName)) != "json" else {
            return definition.sourceCode
        }
        return "\(definition.sourceCode)\n;\(bridge).binding(typeof \(name) === \"function\" ? \(name) : undefined);\n"
    }

    /// The main file's own name, without characters that have a meaning in paths or for esbuild.
    private static func fileName(_ sourceName: String) -> String {
        let last = sourceName.split(separator: "/").last.map(String.init) ?? ""
        let isHarmless = isHarmless(last) && fileExtension(last) != nil
        return isHarmless ? last : "function.\(fileExtension(last) ?? "js")"
    }

    private static let extensions: Set = ["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "json"]

    private static func fileExtension(_ name: String) -> String? {
        guard let dot = name.lastIndex(of: ".") else { return nil }
        let text = String(name[name.index(after: dot)...])
        return extensions.contains(text) ? text : nil
    }

    private static func isHarmless(_ part: String) -> Bool {
        !part.isEmpty && part != "." && part != ".." && part.utf8.count <= 100
            && part.unicodeScalars.allSatisfy { $0.properties.isXIDContinue || "@._-+$ ".unicodeScalars.contains($0) }
    }

    /// The parts of a dependency's name as a path: any number of `..`, then names.
    private static func parts(ofDependency name: String) throws(LoadError) -> [String] {
        var parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.first == "." { parts.removeFirst() }
        let rest = parts.drop { $0 == ".." }
        guard !rest.isEmpty, parts.count <= 12, rest.allSatisfy(isHarmless) else {
            throw LoadError(
                "The dependency \(quoted(name)) cannot be used in a module: its name must be parts of letters, digits "
                    + "and any of "
                    + "'@._-+$', separated by '/', at most 12.")
        }
        return parts
    }
}

extension String {
    /// Whether it is a name that a module can mention without changing what the module does: not a reserved word.
    fileprivate var isJavaScriptBinding: Bool {
        guard let first = utf8.first, !(48...57).contains(first) else { return false }
        let isName = unicodeScalars.allSatisfy { $0.properties.isXIDContinue || $0 == "$" }
        return isName && !Self.reservedWords.contains(self)
    }

    private static let reservedWords: Set = [
        "arguments", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete",
        "do", "else", "enum",
        "eval", "export", "extends", "false", "finally", "for", "function", "if", "implements", "import", "in",
        "instanceof", "interface",
        "let", "new", "null", "package", "private", "protected", "public", "return", "static", "super", "switch",
        "this", "throw", "true",
        "try", "typeof", "var", "void", "while", "with", "yield",
    ]
}
