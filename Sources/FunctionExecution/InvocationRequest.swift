import Foundation
import FunctionModel
import Telemetry

/// A function given as source, and the event to call it with.
///
/// Requests with the same code share workers; the context each invocation sees is its own.
public struct InvocationRequest: Sendable {
    /// `js` or `python`.
    public var languageID: String
    public var sourceCode: String
    /// The handler's name in the source. Default: `handler`.
    public var functionName: String
    /// The event as JSON text in UTF-8.
    public var event: [UInt8]
    /// Modules that the source may `require` or `import`, by name. Nothing else can be loaded but the language's own
    /// library.
    public var dependencies: [String: String]
    /// Build JavaScript as an ES module, also if it has neither `import` nor `export`. Default: false.
    public var jsEvalAsModule: Bool
    /// The file name that stack traces show; its extension says what the source is, for example `handler.ts`. nil, the
    /// default: `function.` and the language's extension.
    public var sourceName: String?
    /// The time the invocation may take, waiting included, in milliseconds. nil (the default), zero or less: no limit.
    public var timeoutMillis: Int?
    /// What the invocation may see of the ones before. Default: nothing.
    public var isolation: Isolation
    /// Variables of the environment: `process.env` in JavaScript, `os.environ` in Python. Default: none.
    public var environment: [String: String]
    /// Events that the handler is called with before its first invocation in a worker; what these calls leave, every
    /// invocation finds.
    public var prime: [JSONValue] = []
    /// Whether libraries that its first invocations import are imported before later ones. For Python.
    public var learnImports = true
    /// What it may use, where that differs from the host's defaults.
    public var limits = FunctionLimits()
    /// Names the invocation in the handler's context. Default: a new UUID.
    public var requestID: String

    /// - Parameter event: the event as a JSON value; literals make one.
    public init(
        languageID: String,
        sourceCode: String,
        functionName: String = "handler",
        event: JSONValue = [:],
        dependencies: [String: String] = [:],
        jsEvalAsModule: Bool = false,
        timeoutMillis: Int? = nil,
        isolation: Isolation = .invocation,
        environment: [String: String] = [:],
        requestID: String? = nil
    ) {
        self.languageID = languageID
        self.sourceCode = sourceCode
        self.functionName = functionName
        self.event = event.jsonBytes()
        self.dependencies = dependencies
        self.jsEvalAsModule = jsEvalAsModule
        self.timeoutMillis = timeoutMillis
        self.isolation = isolation
        self.environment = environment
        self.requestID = requestID ?? RequestIDs.make()
    }

    /// - Parameter event: anything that encodes to JSON.
    /// - Throws: `EncodingError`.
    public init(
        languageID: String,
        sourceCode: String,
        functionName: String = "handler",
        encoding event: some Encodable,
        dependencies: [String: String] = [:],
        jsEvalAsModule: Bool = false,
        timeoutMillis: Int? = nil,
        isolation: Isolation = .invocation,
        environment: [String: String] = [:],
        requestID: String? = nil
    ) throws {
        self.init(
            languageID: languageID, sourceCode: sourceCode, functionName: functionName, dependencies: dependencies,
            jsEvalAsModule: jsEvalAsModule, timeoutMillis: timeoutMillis, isolation: isolation,
            environment: environment, requestID: requestID)
        self.event = Array(try JSONEncoder().encode(event))
    }

    func function(among languages: [Language]) throws -> Function {
        Function(
            id: try FunctionID("inline"), revision: "inline",
            definition: FunctionDefinition(
                language: try Language(id: languageID, among: languages), sourceCode: sourceCode,
                functionName: functionName,
                sourceName: sourceName,
                jsEvalAsModule: jsEvalAsModule, dependencies: dependencies, environment: environment, prime: prime,
                isolation: isolation, learnImports: learnImports,
                limits: limits))
    }
}

/// What a handler returned.
public struct InvocationResult: Sendable {
    /// The result as JSON text in UTF-8, exactly as the guest's engine wrote it.
    public let json: [UInt8]
    /// What the function wrote, in order.
    public let logs: [LogLine]

    /// The result as a value. null if the handler returned nothing.
    ///
    /// - Throws: ``JSONError`` if it is nested deeper than ``JSONValue/maximumDepth``; the bytes in ``json`` are good
    ///   all the same.
    public var value: JSONValue {
        get throws { try JSONValue(json: json) }
    }

    /// The result decoded as `Output`.
    ///
    /// - Throws: `DecodingError`.
    public func decoded<Output: Decodable>(as type: Output.Type) throws -> Output {
        try JSONDecoder().decode(type, from: Data(json))
    }
}
