import Synchronization

/// What a worker needs to know of a function: its code, and which part of it to call.
public struct FunctionDefinition: Hashable, Sendable {
    public var language: Language
    /// The handler's name in the source. Default: `handler`.
    public var functionName: String
    public var sourceCode: String
    /// The file name that stack traces show. Default: `function.` and the language's extension.
    public var sourceName: String
    /// Evaluate JavaScript as an ES module. Default: false.
    public var jsEvalAsModule: Bool
    /// Modules that the source may `require` or `import`, by name.
    public var dependencies: [String: String]
    /// Folders of files that it may read, if it has any.
    public var folders: FunctionFolders
    /// Variables of the environment, by name: `process.env` and `os.environ`. Nothing else is in there.
    public var environment: [String: String]
    /// Events that the handler is called with, in order, when the source has been loaded. What these calls leave is
    /// part of the state that every invocation starts from. If one fails, the function does not load. Default: none.
    public var prime: [JSONValue]
    /// The time one invocation may take, in milliseconds. nil: the caller's default applies. Zero or less: no limit.
    public var timeoutMillis: Int?
    /// What one invocation may see of the ones before. Default: nothing (``Isolation/invocation``).
    public var isolation: Isolation
    /// Whether libraries that the first invocations import are imported before later ones. Default: true. It matters at
    /// ``Isolation/invocation``, for Python.
    public var learnImports: Bool
    /// What the result means to HTTP. Default: the body of the answer.
    public var response: ResponseShape
    /// Which pages of other origins may call it from a browser. Default: none.
    public var cors: CORS
    /// Who may call it, on a server that has access tokens. Default: callers whose token has the scope.
    public var access = FunctionAccess.private
    /// What clients of `/http/{id}` are told of failures. Default: not the message.
    public var errors = ErrorDetail.brief
    /// Names of secrets that become variables of its environment. The host knows their values, the definition does not.
    public var secrets: [String] = []
    /// What it may use, where that differs from the host's defaults.
    public var limits: FunctionLimits

    public init(
        language: Language,
        sourceCode: String,
        functionName: String = "handler",
        sourceName: String? = nil,
        jsEvalAsModule: Bool = false,
        dependencies: [String: String] = [:],
        folders: FunctionFolders = FunctionFolders(),
        environment: [String: String] = [:],
        prime: [JSONValue] = [],
        timeoutMillis: Int? = nil,
        isolation: Isolation = .invocation,
        learnImports: Bool = true,
        response: ResponseShape = .json,
        cors: CORS = CORS(),
        limits: FunctionLimits = FunctionLimits()
    ) {
        self.language = language
        self.functionName = functionName
        self.sourceCode = sourceCode
        self.sourceName = sourceName ?? "function.\(language.fileExtension)"
        self.jsEvalAsModule = jsEvalAsModule
        self.dependencies = dependencies
        self.folders = folders
        self.environment = environment
        self.prime = prime
        self.timeoutMillis = timeoutMillis
        self.isolation = isolation
        self.learnImports = learnImports
        self.response = response
        self.cors = cors
        self.limits = limits
    }

    /// How many events ``prime`` may have when it comes from a file.
    public static let maximumPrimeEvents = 100
    /// How many ``secrets`` it may have when it comes from a file.
    public static let maximumSecrets = 100
}

/// A deployed function: a definition under its name, in one of its revisions.
///
/// An object, because every invocation hands it on several times: that is one reference counted instead of eight. Two
/// are equal if everything is equal, whichever objects they are.
public final class Function: Hashable, Sendable {
    public let id: FunctionID
    /// Names the content: the same definition has the same revision on every host.
    public let revision: String
    public let definition: FunctionDefinition
    /// Whether a worker takes ``built`` instead of the source.
    public let needsBuild: Bool
    private let buildResult = Mutex<BuiltScript?>(nil)
    /// Computed once, because every invocation looks its function up. The revision stands for the content; the size
    /// tells most of the rest apart where a caller gave no revision.
    private let hash: Int

    public init(id: FunctionID, revision: String, definition: FunctionDefinition) {
        self.id = id
        self.revision = revision
        self.definition = definition
        needsBuild = definition.needsBuild
        var hasher = Hasher()
        hasher.combine(id)
        hasher.combine(revision)
        hasher.combine(definition.sourceCode.utf8.count)
        hash = hasher.finalize()
    }

    /// The built source. Every function that equals this one builds to the same.
    public package(set) var built: BuiltScript? {
        get { buildResult.withLock { $0 } }
        set { buildResult.withLock { $0 = newValue } }
    }

    public static func == (left: Function, right: Function) -> Bool {
        left === right
            || left.hash == right.hash && left.id == right.id && left.revision == right.revision
                && left.definition == right.definition
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}
