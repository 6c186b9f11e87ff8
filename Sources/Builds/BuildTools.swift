import Foundation
import FunctionModel

/// What this machine has for builds. `faas doctor` shows it.
package struct BuildTools: Sendable {
    package struct Tool: Sendable {
        package var path: String
        package var version: String
    }

    package struct NodePackage: Sendable {
        /// The package's name for apt, and the module of Node.js that it implements.
        package var name: String
        package var module: String
        /// Its version; nil if it is not installed.
        package var version: String?
    }

    /// The version comes from running it in the sandbox of a build, so it is known to run there.
    package var esbuild: Result<Tool, LoadError>
    package var nodePackages: [NodePackage]
}

extension ScriptBuilder {
    func tools() -> BuildTools {
        let missing = Set(NodeModules(directory: nodeModules).missing)
        let packages = NodeModules.packages.map { package in
            let description = "\(nodeModules)/\(package.file.prefix { $0 != "/" })/package.json"
            let json = FileManager.default.contents(atPath: description).flatMap { try? JSONValue(json: Array($0)) }
            let version = missing.contains(package.name) ? nil : json?["version"]?.stringValue ?? "unknown version"
            return BuildTools.NodePackage(name: package.name, module: package.module, version: version)
        }
        return BuildTools(esbuild: Result { try esbuildTool() }.mapError(Self.asLoadError), nodePackages: packages)
    }

    private static func asLoadError(_ error: any Error) -> LoadError {
        switch error {
        case let error as LoadError: error
        case let error as BuildUnavailable: LoadError(error.message)
        case let error as BuildExhausted: LoadError(error.message)
        default: LoadError("\(error)")
        }
    }
}
