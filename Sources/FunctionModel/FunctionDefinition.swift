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
    /// The time one invocation may take, in milliseconds. nil: the caller's default applies. Zero or less: no limit.
    public var timeoutMillis: Int?
    /// What one invocation may see of the ones before. Default: nothing (``Isolation/invocation``).
    public var isolation: Isolation

    public init(
        language: Language,
        sourceCode: String,
        functionName: String = "handler",
        sourceName: String? = nil,
        jsEvalAsModule: Bool = false,
        dependencies: [String: String] = [:],
        timeoutMillis: Int? = nil,
        isolation: Isolation = .invocation
    ) {
        self.language = language
        self.functionName = functionName
        self.sourceCode = sourceCode
        self.sourceName = sourceName ?? "function.\(language.fileExtension)"
        self.jsEvalAsModule = jsEvalAsModule
        self.dependencies = dependencies
        self.timeoutMillis = timeoutMillis
        self.isolation = isolation
    }
}

/// A deployed function: a definition under its name, in one of its revisions.
public struct Function: Hashable, Sendable {
    public let id: FunctionID
    /// Names the content: the same definition has the same revision on every host.
    public let revision: String
    public let definition: FunctionDefinition

    public init(id: FunctionID, revision: String, definition: FunctionDefinition) {
        self.id = id
        self.revision = revision
        self.definition = definition
    }
}
