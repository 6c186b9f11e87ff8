import FunctionModel

extension FunctionField {
    /// The fields of a function, in the order in which a revision encodes them: never change the order of those that
    /// are part of it, and add new ones with `.whenSet`.
    package static let all: [FunctionField] = [
        .init(
            "id", .id, in: [.manifest, .stored, .alwaysStored, .listing], default: "required",
            "The function's name: 1 to 128 of `A-Z a-z 0-9 . _ -`, the first a letter or a digit."),
        .init(
            "languageId", .language, in: [.manifest, .stored, .alwaysStored, .listing], revision: .always,
            default: "required", "\(Language.all.map { "`\($0.id)`" }.joined(separator: " or "))."),
        .init(
            "functionName", .text(\.functionName), in: [.manifest, .stored, .alwaysStored, .listing],
            revision: .always, default: "`handler`", "The handler's name in the source."),
        .init(
            "sourceFile", .source("text"), in: .manifest, default: "one of the two",
            "Path of the source. Its last part is the file name in stack traces."),
        .init(
            "source", .source("text"), in: .manifest, default: "one of the two",
            "The source itself. Stack traces call it `function.js` or `function.py`."),
        .init(
            "sourceDir", .source("text"), in: .manifest, for: \Language.Capabilities.hasSourceFolder, default: "none",
            "A folder of modules and data. `sourceFile` is a file in it then, `handler.py` by default. "
                + "[python.md](python.md#a-folder-as-source)"),
        .init("sourceCode", .text(\.sourceCode), in: [.stored, .alwaysStored], revision: .always),
        .init("sourceName", .text(\.sourceName), in: .stored, revision: .always),
        .init(
            "jsEvalAsModule", .flag(\.jsEvalAsModule), in: [.manifest, .stored, .alwaysStored, .listing],
            revision: .always, default: "`false`",
            "Whether JavaScript is an ES module, where neither the file's name nor `import` and `export` say so. "
                + "[javascript.md](javascript.md#scripts-and-modules)"),
        .init(
            "dependencies", .texts(\.dependencies), in: [.manifest, .stored, .alwaysStored, .listing],
            revision: .always, default: "none",
            "By the name that `require` or `import` uses: `{ \"file\": path }` or `{ \"source\": text }`."),
        .init(
            "requirements", .source("array of texts"), in: .manifest, for: \Language.Capabilities.installsPackages,
            default: "`requirements.txt`, if it is beside the manifest",
            "Packages that `faas upload` installs. [python.md](python.md#packages)"),
        .init(
            "timeoutMillis", .milliseconds(\.timeoutMillis, maximum: FunctionDefinition.maximumTimeoutMillis),
            in: [.manifest, .stored, .listing], revision: .always, default: "the caller's",
            "How long a call may take. 0 or less: no limit. Absent: 5000 for HTTP and the command line, none in the "
                + "library."),
        .init(
            "isolation", .choice(\.isolation), in: [.manifest, .stored], revision: .always,
            default: "`\"invocation\"`",
            "What a call may see of the ones before: nothing; nothing, in a process of its own; or whatever they left. "
                + "[pristine-state.md](pristine-state.md)"),
        .init(
            "learnImports", .flag(\.learnImports), in: [.manifest, .stored], revision: .whenSet,
            for: \Language.Capabilities.learnsImports, default: "`true`",
            "Whether libraries that first calls import are imported before later calls. "
                + "[pristine-state.md](pristine-state.md#learned-imports)"),
        .init(
            "env", .variables(\.environment), in: [.manifest, .stored], revision: .whenSet, default: "none",
            "`process.env` and `os.environ`."),
        .init(
            "prime", .events(\.prime, maximum: FunctionDefinition.maximumPrimeEvents), in: [.manifest, .stored],
            revision: .whenSet, default: "none",
            "The handler is called with each of them before its first call. What that leaves, every call finds. "
                + "[pristine-state.md](pristine-state.md#priming)"),
        .init("sourceLayer", .artifact(\.folders.source), in: .stored, revision: .group("folders")),
        .init("packageLayer", .artifact(\.folders.packages), in: .stored, revision: .group("folders")),
        .init(
            "response", .choice(\.response), in: [.manifest, .stored], revision: .whenSet, default: "`\"json\"`",
            "`\"http\"`: the function answers HTTP itself, on "
                + "[`/http/{id}/…`](http.md#functions-that-answer-http)."),
        .init(
            "cors", .cors(\.cors, maximum: CORS.maximumOrigins), in: [.manifest, .stored], revision: .whenSet,
            default: "none",
            "Which pages of other origins may call the function from a browser: `{ \"allowOrigins\": "
                + "[\"https://app.example\"] }`; `\"*\"`: all. [http.md](http.md#browsers)"),
        .init(
            "access", .choice(\.access), in: [.manifest, .stored], revision: .whenSet, default: "`\"private\"`",
            "`\"public\"`: callers need no access token. [access.md](access.md#public-functions)"),
        .init(
            "errors", .choice(\.errors), in: [.manifest, .stored], revision: .whenSet, default: "`\"brief\"`",
            "`\"detailed\"`: clients of `/http/{id}` get the message and the stack of a failure also without the scope "
                + "`read`. [http.md](http.md#functions-that-answer-http)"),
        .init(
            "secrets", .secretNames(\.secrets, maximum: FunctionDefinition.maximumSecrets), in: [.manifest, .stored],
            revision: .whenSet, default: "none",
            "Names of secrets that the function gets as variables of its environment. "
                + "[access.md](access.md#secrets)"),
        .init(
            "memoryMB", .limit(\.memoryMB, maximum: 1 << 20), in: [.manifest, .stored], revision: .whenSet,
            default: "128",
            "Memory of each worker beyond what the engine needs, in 2^20 bytes. [sandbox.md](sandbox.md#limits)"),
        .init(
            "maxConcurrency", .limit(\.maxConcurrency, maximum: 10_000), in: [.manifest, .stored], revision: .whenSet,
            default: "the host's",
            "How many calls run at once, at most. As many run as help: one for each processor core, and more while "
                + "calls wait. [http.md](http.md#calls-at-the-same-time)"),
        .init(
            "maxEventBytes", .limit(\.maxEventBytes, maximum: 63 << 20), in: [.manifest, .stored], revision: .whenSet,
            default: "the host's", "The largest event. Above it: 413."),
        .init(
            "maxResultBytes", .limit(\.maxResultBytes, maximum: 63 << 20), in: [.manifest, .stored], revision: .whenSet,
            default: "6 MiB", "The largest result, as JSON."),
        .init(
            "maxLogBytes", .limit(\.maxLogBytes, maximum: 1 << 30), in: [.manifest, .stored], revision: .whenSet,
            default: "256 KiB",
            "What one call may log; the rest is cut, with a notice."),
        .init(
            "cpuMillis", .limit(\.cpuMillis, maximum: 86_400_000), in: [.manifest, .stored], revision: .whenSet,
            default: "none",
            "Processor time of one call, all its threads together; sleeping does not count. Above it the call is ended "
                + "with `CPULimitExceeded`. [sandbox.md](sandbox.md#limits)"),
        .init(
            "temporaryMB", .limit(\.temporaryMB, maximum: 1024), in: [.manifest, .stored], revision: .whenSet,
            for: \Language.Capabilities.hasTemporaryFiles, default: "none",
            "The size of a folder for temporary files, `/tmp`. [python.md](python.md#files)"),
        .init(
            "minWorkers", .limit(\.minWorkers, maximum: 1000), in: [.manifest, .stored], revision: .whenSet,
            default: "none",
            "How many workers `faas serve` keeps ready with the function loaded, from its start on. At most "
                + "`maxConcurrency`. [http.md](http.md#workers-that-are-kept-ready)"),
        .init(
            "idleTimeoutMillis", .limit(\.idleTimeoutMillis, maximum: 86_400_000), in: [.manifest, .stored],
            revision: .whenSet, default: "30000",
            "How long an unused worker stays, beyond those of `minWorkers`."),
    ]
}

extension FunctionDefinition {
    /// The longest ``timeoutMillis`` of a manifest: a day. Stored functions that have a longer one get this.
    package static let maximumTimeoutMillis = 86_400_000
}

// MARK: Documentation

extension FunctionField {
    /// The table of a manifest's fields, in Markdown.
    package static var documentation: String {
        let rows = all(in: .manifest).map { field in
            let languages = field.capability.map { "\(Language.names(with: $0)): " } ?? ""
            return "| `\(field.name)` | \(field.typeText) | \(field.defaultText) | \(field.maximumText) | "
                + "\(languages)\(field.meaning) |\n"
        }
        return "| field | type | default | maximum | meaning |\n|---|---|---|---|---|\n" + rows.joined()
    }

    private var typeText: String {
        switch kind {
        case .id, .language, .text, .artifact: "text"
        case .flag: "`true`, `false`"
        case .limit, .milliseconds: "integer"
        case .choice(let choice):
            choice.values.dropLast().map { "`\"\($0)\"`" }.joined(separator: ", ")
                + " or `\"\(choice.values.last ?? "")\"`"
        case .texts: "object"
        case .variables: "object of texts"
        case .events: "array of events"
        case .cors: "object"
        case .secretNames: "array of texts"
        case .source(let text): text
        }
    }

    private var maximumText: String {
        switch kind {
        case .limit(_, let maximum), .milliseconds(_, let maximum), .events(_, let maximum): "\(maximum)"
        case .cors(_, let maximum): "\(maximum) origins"
        case .secretNames(_, let maximum): "\(maximum)"
        default: ""
        }
    }
}
