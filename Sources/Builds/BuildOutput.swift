import Foundation
import FunctionModel

/// Turns what esbuild writes into a script or an error. It does no I/O.
enum BuildOutput {
    private static let mapMarker = "//# sourceMappingURL=data:application/json;base64,"

    private static func sourceMap(_ text: Substring) -> Data? {
        Data(base64Encoded: text.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// The script that a worker evaluates: a function around what was built.
    static func script(_ output: String, _ layout: ScriptLayout) throws -> BuiltScript {
        guard let at = output.range(of: mapMarker, options: .backwards), let data = sourceMap(output[at.upperBound...]),
            let map = try? JSONValue(json: Array(data)), case .array(let sources) = map["sources"],
            let mappings = map["mappings"]
        else { throw LoadError("The source does not build: esbuild did not write a script.") }
        let names = sources.map { JSONValue.string(name(ofSource: $0.stringValue ?? "", layout)) }
        // Modules are strict. One line goes before the script, so the source map gets one empty line (`;`).
        let parameters = "\(ScriptLayout.bridge), \(ScriptLayout.meta)"
        let strict = layout.isModule ? "'use strict';" : ""
        let script = "(async function (\(parameters)) { \(strict)\n\(output[..<at.lowerBound])\n})"
        let shifted = JSONValue.string(";" + (mappings.stringValue ?? ""))
        let sourceMap: JSONValue = ["sources": .array(names), "mappings": shifted]
        return BuiltScript(script: script, sourceMap: sourceMap.jsonText())
    }

    /// The output without the random name of the build's folder: the same project makes the same module each time.
    static func withoutFolder(_ output: String, _ folder: String) -> String {
        let name = String(folder.split(separator: "/").last ?? "")
        guard let at = output.range(of: mapMarker, options: .backwards), let data = sourceMap(output[at.upperBound...])
        else { return output }
        let map = String(decoding: data, as: UTF8.self).replacingOccurrences(of: name, with: folderName)
        return output[..<at.lowerBound].replacingOccurrences(of: name, with: folderName) + mapMarker
            + Data(map.utf8).base64EncodedString() + "\n"
    }

    private static let folderName = "faas-build"

    /// The name that stack traces show for a file; empty for files that the host added.
    private static func name(ofSource path: String, _ layout: ScriptLayout) -> String {
        if let name = layout.names[path] { return name }
        if path == "entry.js" || path == "meta.js" || path.hasPrefix("node/")
            || "/\(path)".contains("/\(folderName)/node/")
        {
            return ""
        }
        // A file of a project that became one module at upload.
        return path.hasPrefix("src/") ? String(path.dropFirst("src/".count)) : path
    }

    /// Whether esbuild refuses a source because it cannot replace its `await`: at the top level, or in an asynchronous
    /// generator.
    static func isAboutAwait(_ error: LoadError) -> Bool {
        ["Top-level await is not available", "Transforming async generator", "for-await"].contains {
            error.message.contains($0)
        }
    }

    /// What to do about a name that other runtimes fetch from the network.
    private static func hint(onMissing message: String) -> String {
        for prefix in ["npm:", "jsr:", "https:", "http:"] where message.contains("\"\(prefix)") {
            let package =
                prefix == "npm:"
                ? "install the package with npm beside the source, import it by its name"
                : "put a copy of the module beside the source, import it by its path"
            return " ('\(prefix)' is not supported: \(package), and upload the folder's manifest)"
        }
        return ""
    }

    /// The first error that esbuild reports, with its place:
    ///
    ///     ✘ [ERROR] Expected ";" but found "b"
    ///
    ///         src/handler.js:1:2:
    ///           1 │ a b
    static func error(_ output: String, _ layout: ScriptLayout) -> LoadError {
        let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
        let marker = "✘ [ERROR] "
        let errors = lines.indices.filter { lines[$0].hasPrefix(marker) }
        // In the sandbox some folders cannot be listed: that is not the error of the source.
        guard
            let first = errors.first(where: { !lines[$0].dropFirst(marker.count).hasPrefix("Cannot read directory") })
                ?? errors.first
        else {
            return LoadError("The source does not build: \(output.prefix(500))")
        }
        var message = String(lines[first].dropFirst(marker.count))
        if message.hasPrefix("Could not resolve ") {
            message = "Module not found: \(message.dropFirst("Could not resolve ".count))"
            message += hint(onMissing: message)
        }
        let place =
            first + 2 < lines.count ? lines[first + 2].trimmingCharacters(in: .whitespaces).split(separator: ":") : []
        guard place.count >= 3, let line = Int(place[place.count - 2]),
            let column = Int(place[place.count - 1]), column < .max
        else {
            return LoadError("The source does not build: \(message)")
        }
        let path = place.dropLast(2).joined(separator: ":")
        let name = layout.names[path] ?? path
        // Columns are counted from 0 there.
        return LoadError(
            "The source does not build: \(message) at \(name):\(line):\(column + 1)", line: line, column: column + 1)
    }
}
