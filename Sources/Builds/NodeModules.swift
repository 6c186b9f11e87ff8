import Foundation
import FunctionModel

/// The built-in modules of Node.js, as files for a build: our own, packages of Debian, and for all others a module that
/// fails with its name when it is used.
///
/// The host reads Debian's files, which root has installed, and copies them beside the function's sources. So a build
/// reads no other folder for them, and its key covers their content.
struct NodeModules: Sendable {
    /// A package of Debian that implements a module of Node.js.
    struct Package: Sendable {
        /// The package's name for apt.
        let name: String
        let module: String
        /// The file in /usr/share/nodejs, and those that it requires by name.
        let file: String
        let required: [(name: String, file: String)]
    }

    static let packages = [
        Package(
            name: "node-buffer", module: "buffer", file: "buffer/index.js",
            required: [("base64-js", "base64-js/index.js"), ("ieee754", "ieee754/index.js")]),
        Package(name: "node-events", module: "events", file: "events/events.js", required: []),
        Package(name: "node-path-browserify", module: "path", file: "path-browserify/index.js", required: []),
        Package(
            name: "node-string-decoder", module: "string_decoder", file: "string_decoder/lib/string_decoder.js",
            required: []),
    ]

    /// Where Debian and Ubuntu install these packages.
    static let defaultDirectory = "/usr/share/nodejs"

    /// For the folder of a build: everything in `node`.
    let files: [ScriptLayout.File]
    /// Packages of Debian that are not installed.
    let missing: [String]

    /// Whether `Buffer` can be defined as a global.
    var hasBuffer: Bool { !missing.contains("node-buffer") }

    /// Reads what is installed.
    init(directory: String = defaultDirectory) {
        func read(_ path: String) -> String? {
            FileManager.default.contents(atPath: "\(directory)/\(path)").map { String(decoding: $0, as: UTF8.self) }
        }
        var files = Self.own.map {
            ScriptLayout.File(path: "node/\($0.path).js", text: String(decoding: $0.text, as: UTF8.self))
        }
        var missing: [String] = []
        for package in Self.packages {
            let required = package.required.map { ("node_modules/\($0.name)/index", read($0.file)) }
            let all = [("debian/\(package.module)", read(package.file))] + required
            let found = all.compactMap { path, text in
                text.map { ScriptLayout.File(path: "node/\(path).js", text: $0) }
            }
            if found.count == all.count {
                files += found
            } else {
                missing.append(package.name)
                let message =
                    "The module '\(package.module)' is not installed on the host: apt install \(package.name)"
                let text = "throw new Error(\"\(message)\");\n"
                files.append(ScriptLayout.File(path: "node/debian/\(package.module).js", text: text))
            }
        }
        for name in Self.names where !NodeModuleUse.available.contains(name) {
            files.append(ScriptLayout.File(path: "node/\(Self.path(of: name)).js", text: Self.replacement(for: name)))
        }
        // An unused global `Buffer` is left out of the script. Importing any other module may have an effect: one that
        // is not installed throws an error.
        let effects = files.filter { $0.path != Self.globals && $0.path != "node/buffer.js" }.map {
            JSONValue.string("./\($0.path.dropFirst(5))")
        }
        files.append(
            ScriptLayout.File(
                path: "node/package.json", text: JSONValue.object(["sideEffects": .array(effects)]).jsonText()))
        self.files = files
        self.missing = missing
    }

    /// No modules of Debian: for layouts that are not built.
    static let none = NodeModules(directory: "/nowhere")

    /// A module that defines the global `Buffer` for every source that uses it.
    static let globals = "node/globals.js"

    private static let own: [(path: String, text: [UInt8])] = [
        ("assert/index", PackageResources.assert_js),
        ("assert/strict", Array("module.exports = require('./index.js').strict;\n".utf8)),
        ("async_hooks", PackageResources.async_hooks_js), ("buffer", PackageResources.buffer_js),
        ("console", Array("module.exports = console;\n".utf8)),
        ("comparisons", PackageResources.comparisons_js),
        ("crypto", PackageResources.crypto_js),
        ("events", Array("module.exports = require('./debian/events.js');\n".utf8)),
        ("os", PackageResources.os_js),
        ("path/index", Array("module.exports = require('../debian/path.js');\n".utf8)),
        ("path/posix", Array("module.exports = require('../debian/path.js');\n".utf8)),
        ("perf_hooks", Array("module.exports = { performance, Performance };\n".utf8)),
        ("process", Array("module.exports = process;\n".utf8)), ("querystring", PackageResources.querystring_js),
        ("string_decoder", Array("module.exports = require('./debian/string_decoder.js');\n".utf8)),
        ("timers/index", PackageResources.timers_js), ("timers/promises", PackageResources.timers_promises_js),
        ("tty", PackageResources.tty_js), ("url", PackageResources.url_js),
        ("util/index", PackageResources.util_js), ("util/types", PackageResources.util_types_js),
        ("globals", Array("export { Buffer } from './buffer.js';\n".utf8)),
        // What Debian's string_decoder asks for: a buffer for versions of Node that have none like this.
        ("node_modules/safe-buffer/index", Array("module.exports = require('../../buffer.js');\n".utf8)),
    ]

    /// Names without `node:`. Most modules need files, sockets, processes or threads, which functions do not have.
    static let names = [
        "assert", "assert/strict", "async_hooks", "buffer", "child_process", "cluster", "console", "constants",
        "crypto", "dgram", "diagnostics_channel", "dns", "dns/promises", "domain", "events", "fs", "fs/promises",
        "http", "http2", "https", "inspector", "inspector/promises", "module", "net", "os", "path", "path/posix",
        "path/win32", "perf_hooks", "process", "punycode", "querystring", "readline", "readline/promises", "repl",
        "stream", "stream/promises", "stream/web", "string_decoder", "sys", "timers", "timers/promises", "tls",
        "trace_events", "tty", "url", "util", "util/types", "v8", "vm", "wasi", "worker_threads", "zlib",
    ]

    /// Packages on npm that implement these modules without Node.js. A project that has one installed gets it.
    static let npmPackages: [(name: String, packages: [String])] = [
        ("assert", ["assert"]), ("buffer", ["buffer"]), ("constants", ["constants-browserify"]),
        ("crypto", ["crypto-browserify"]),
        ("events", ["events"]), ("os", ["os-browserify"]), ("path", ["path-browserify", "path"]),
        ("process", ["process"]),
        ("punycode", ["punycode"]), ("querystring", ["querystring-es3", "querystring"]),
        ("stream", ["stream-browserify", "readable-stream"]),
        ("string_decoder", ["string_decoder"]), ("url", ["url"]), ("util", ["util"]), ("zlib", ["browserify-zlib"]),
    ]

    /// A name as a path below `node`. An alias of `fs` also stands for `fs/promises`, as a path below it.
    private static func path(of name: String) -> String {
        let hasParts = !name.contains("/") && names.contains { $0.hasPrefix(name + "/") }
        return hasParts ? "\(name)/index" : name
    }

    /// The source of a missing module. Packages may mention it; what is used of it throws an error.
    private static func replacement(for name: String) -> String {
        "module.exports = \(ScriptLayout.bridge).unavailable('\(name)');\n"
    }
}
