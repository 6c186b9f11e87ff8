/// The modules that Node has built in. None of them comes with PolyglotFaaS.
enum NodeModules {
    /// By their names without `node:`. Most take files, sockets, processes or threads, which no function has.
    static let names = [
        "assert", "assert/strict", "async_hooks", "buffer", "child_process", "cluster", "constants", "crypto", "dgram", "diagnostics_channel",
        "dns", "dns/promises", "domain", "events", "fs", "fs/promises", "http", "http2", "https", "inspector", "module", "net", "os", "path",
        "path/posix", "perf_hooks", "process", "punycode", "querystring", "readline", "readline/promises", "repl", "stream", "stream/promises",
        "stream/web", "string_decoder", "sys", "timers", "timers/promises", "tls", "trace_events", "tty", "url", "util", "util/types", "v8", "vm",
        "wasi", "worker_threads", "zlib",
    ]

    /// Packages on npm that are the same without Node, for those that can do without I/O. A project that has one installed gets it.
    static let packages: [(name: String, packages: [String])] = [
        ("assert", ["assert"]), ("buffer", ["buffer"]), ("constants", ["constants-browserify"]), ("crypto", ["crypto-browserify"]),
        ("events", ["events"]), ("os", ["os-browserify"]), ("path", ["path-browserify", "path"]), ("process", ["process"]),
        ("punycode", ["punycode"]), ("querystring", ["querystring-es3", "querystring"]), ("stream", ["stream-browserify", "readable-stream"]),
        ("string_decoder", ["string_decoder"]), ("url", ["url"]), ("util", ["util"]), ("zlib", ["browserify-zlib"]),
    ]

    /// What a module is that is not there. A package may ask for one and never use it, so only using it fails.
    static func replacement(for name: String) -> String {
        "throw new Error(\"The module '\(name)' is not available in the sandbox.\");\n"
    }
}
