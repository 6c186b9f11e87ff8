/// The function that a worker serves for the rest of its life.
public struct LoadMessage: Equatable, Sendable {
    public struct Module: Equatable, Sendable {
        public var name: String
        public var source: String

        public init(name: String, source: String) {
            self.name = name
            self.source = source
        }
    }

    /// A variable of the function's environment.
    public struct Variable: Equatable, Sendable {
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// How the worker returns to the state "function loaded, never called" before each invocation.
    public enum Isolation: UInt8, Sendable {
        case invocation = 0
        case process = 1
        /// The worker keeps its state.
        case instance = 2
    }

    public var isolation: Isolation
    /// How much private memory the worker may use after it starts to load the function, in bytes.
    public var memoryBytes: UInt64
    /// How much each call, and loading, may write to the log, in bytes: see ``LogAllowance``.
    public var logBytes: UInt64
    public var functionID: String
    public var revision: String
    public var functionName: String
    /// The file name that stack traces show.
    public var sourceName: String
    public var source: String
    public var dependencies: [Module]
    public var environment: [Variable]
    /// Events with which the worker calls the handler before the first invocation, as JSON.
    public var prime: [String]
    /// The folder that the source is in, and the folder of its packages; empty if there is none.
    public var sourceFolder: String
    public var packageFolder: String
    /// If `source` was built from other files: the positions of its lines in them. Empty otherwise. See ``BuiltScript``
    /// in FunctionModel.
    public var sourceMap: String
    /// How long the worker may try the imports of its first call before the snapshot, in milliseconds. 0: it learns
    /// none.
    public var learningMillis: UInt32
    /// Modules to import while loading: what earlier workers of this function have learned.
    public var imports: ModuleNames

    public init(
        isolation: Isolation, memoryBytes: UInt64, logBytes: UInt64, functionID: String, revision: String,
        functionName: String,
        sourceName: String, source: String,
        dependencies: [Module], environment: [Variable] = [], prime: [String] = [], sourceFolder: String = "",
        packageFolder: String = "",
        sourceMap: String = "",
        learningMillis: UInt32 = 0, imports: ModuleNames = ModuleNames(keeping: [])
    ) {
        self.isolation = isolation
        self.memoryBytes = memoryBytes
        self.logBytes = logBytes
        self.functionID = functionID
        self.revision = revision
        self.functionName = functionName
        self.sourceName = sourceName
        self.source = source
        self.dependencies = dependencies
        self.environment = environment
        self.prime = prime
        self.sourceFolder = sourceFolder
        self.packageFolder = packageFolder
        self.sourceMap = sourceMap
        self.learningMillis = learningMillis
        self.imports = imports
    }

    public init(_ payload: UnsafeRawBufferPointer) throws(ProtocolError) {
        var reader = ByteReader(payload)
        guard let isolation = Isolation(rawValue: try reader.readInteger("isolation")) else {
            throw .invalidValue(field: "isolation")
        }
        self.isolation = isolation
        memoryBytes = try reader.readInteger("memory")
        logBytes = try reader.readInteger("log limit")
        functionID = try reader.readString("function id")
        revision = try reader.readString("revision")
        functionName = try reader.readString("function name")
        sourceName = try reader.readString("source name")
        source = try reader.readString("source")
        sourceFolder = try reader.readString("source folder")
        packageFolder = try reader.readString("package folder")
        sourceMap = try reader.readString("source map")
        let count: UInt32 = try reader.readInteger("number of dependencies")
        dependencies = []
        for _ in 0..<count {
            let name = try reader.readString("dependency name")
            dependencies.append(Module(name: name, source: try reader.readString("dependency source")))
        }
        let variables: UInt32 = try reader.readInteger("number of variables")
        environment = []
        for _ in 0..<variables {
            let name = try reader.readString("variable name")
            environment.append(Variable(name: name, value: try reader.readString("variable value")))
        }
        let events: UInt32 = try reader.readInteger("number of priming events")
        prime = []
        for _ in 0..<events { prime.append(try reader.readString("priming event")) }
        learningMillis = try reader.readInteger("time to learn")
        imports = try ModuleNames(from: &reader)
        try reader.expectEnd()
    }

    public func encoded() -> [UInt8] {
        let fields = [functionID, revision, functionName, sourceName, source, sourceFolder, packageFolder, sourceMap]
        let modules = dependencies.flatMap { [$0.name, $0.source] }
        let variables = environment.flatMap { [$0.name, $0.value] }
        let texts = fields + modules + variables + prime
        var writer = ByteWriter(capacity: texts.reduce(33) { $0 + 4 + $1.utf8.count } + imports.encodedLength)
        writer.write(isolation.rawValue)
        writer.write(memoryBytes)
        writer.write(logBytes)
        for text in fields { writer.write(text) }
        writer.write(UInt32(dependencies.count))
        for text in modules { writer.write(text) }
        writer.write(UInt32(environment.count))
        for text in variables { writer.write(text) }
        writer.write(UInt32(prime.count))
        for text in prime { writer.write(text) }
        writer.write(learningMillis)
        imports.write(to: &writer)
        return writer.bytes
    }
}

/// The fields before the event in an `invoke` frame.
public struct InvokeHeader: Equatable, Sendable {
    public var requestID: String
    /// The deadline: nanoseconds of the machine's monotonic clock. 0: no deadline.
    public var deadline: Int64
    /// The trace of the caller, as W3C Trace Context writes it; empty: none.
    public var traceparent: String
    public var tracestate: String

    public init(requestID: String, deadline: Int64, traceparent: String = "", tracestate: String = "") {
        self.requestID = requestID
        self.deadline = deadline
        self.traceparent = traceparent
        self.tracestate = tracestate
    }

    /// - Returns: the header, and the event's bytes, which point into `payload`.
    public static func decode(
        _ payload: UnsafeRawBufferPointer
    ) throws(ProtocolError) -> (header: InvokeHeader, event: UnsafeRawBufferPointer) {
        var reader = ByteReader(payload)
        let deadline: Int64 = try reader.readInteger("deadline")
        let header = InvokeHeader(
            requestID: try reader.readString("request id"), deadline: deadline,
            traceparent: try reader.readString("traceparent"), tracestate: try reader.readString("tracestate"))
        return (header, reader.readRest())
    }

    public var encodedLength: Int { 20 + requestID.utf8.count + traceparent.utf8.count + tracestate.utf8.count }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: encodedLength)
        writer.write(deadline)
        writer.write(requestID)
        writer.write(traceparent)
        writer.write(tracestate)
        return writer.bytes
    }
}

/// Why an invocation has no result: the name and message of the guest's error, or the worker's own.
public struct Failure: Error, Equatable, Sendable {
    public enum Kind: UInt8, Sendable {
        /// The event is not JSON; `message` is the engine's error message.
        case invalidEvent = 1
        /// The source does not define the function.
        case handlerNotFound = 2
        /// The source could not be loaded.
        case loadError = 3
        /// The handler threw.
        case handlerError = 4
        /// The result cannot be written as JSON.
        case resultNotSerializable = 5
        /// The worker itself failed.
        case workerError = 6
        /// The process that ran the handler was killed because of a forbidden system call.
        case sandboxViolation = 7
    }

    public var kind: Kind
    /// The guest's error name, for example `TypeError`; may be empty.
    public var name: String
    public var message: String
    /// Innermost call first.
    public var stackTrace: [String]
    /// Counted from 1. 0 if unknown.
    public var line: UInt32
    public var column: UInt32

    public init(
        _ kind: Kind, name: String = "", message: String, stackTrace: [String] = [], line: UInt32 = 0,
        column: UInt32 = 0
    ) {
        self.kind = kind
        self.name = name
        self.message = message
        self.stackTrace = stackTrace
        self.line = line
        self.column = column
    }

    /// More than a person reads. It also bounds what a hostile worker can make the host allocate.
    public static let maximumStackTraceCount = 200

    public init(_ payload: UnsafeRawBufferPointer) throws(ProtocolError) {
        var reader = ByteReader(payload)
        guard let kind = Kind(rawValue: try reader.readInteger("failure kind")) else {
            throw .invalidValue(field: "failure kind")
        }
        self.kind = kind
        line = try reader.readInteger("line")
        column = try reader.readInteger("column")
        name = try reader.readString("error name")
        message = try reader.readString("error message")
        let count: UInt32 = try reader.readInteger("stack length")
        guard count <= Self.maximumStackTraceCount else { throw .invalidValue(field: "stack length") }
        stackTrace = []
        for _ in 0..<count { stackTrace.append(try reader.readString("stack line")) }
        try reader.expectEnd()
    }

    /// Reads the first `payload.count` bytes of a message of `length` bytes. One notice, at the end of the message or
    /// of the stack, says that the rest is missing.
    public init(cut payload: UnsafeRawBufferPointer, length: Int) throws(ProtocolError) {
        var reader = ByteReader(payload)
        guard let kind = Kind(rawValue: try reader.readInteger("failure kind")) else {
            throw .invalidValue(field: "failure kind")
        }
        self.kind = kind
        line = try reader.readInteger("line")
        column = try reader.readInteger("column")
        name = try reader.readStringOrStart("error name").text
        let notice = "[cut: the error was \(length) bytes; \(payload.count) are kept]"
        var (isWhole, message) = try reader.readStringOrStart("error message")
        stackTrace = []
        if isWhole {
            // An incomplete line is dropped.
            let count = min(
                (try? reader.readInteger("stack length") as UInt32) ?? 0, UInt32(Self.maximumStackTraceCount))
            while stackTrace.count < count, let line = try? reader.readString("stack line") { stackTrace.append(line) }
            stackTrace.append(notice)
        } else {
            message += " \(notice)"
        }
        self.message = message
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + message.utf8.count)
        writer.write(kind.rawValue)
        writer.write(line)
        writer.write(column)
        writer.write(name)
        writer.write(message)
        let shown = stackTrace.prefix(Self.maximumStackTraceCount)
        writer.write(UInt32(shown.count))
        for text in shown { writer.write(text) }
        return writer.bytes
    }
}

/// One line that the function wrote.
public struct LogMessage: Equatable, Sendable {
    /// 0 debug, 1 info, 2 warning, 3 error.
    public var level: UInt8
    public var text: String

    public init(level: UInt8, text: String) {
        self.level = level
        self.text = text
    }

    public init(_ payload: UnsafeRawBufferPointer) throws(ProtocolError) {
        var reader = ByteReader(payload)
        level = try reader.readInteger("log level")
        guard level <= 3 else { throw .invalidValue(field: "log level") }
        text = try decodeUTF8(reader.readRest(), "log line")
    }

    /// Reads the first bytes of a longer message: the beginning of the line.
    public init(cut payload: UnsafeRawBufferPointer) throws(ProtocolError) {
        var reader = ByteReader(payload)
        level = try reader.readInteger("log level")
        guard level <= 3 else { throw .invalidValue(field: "log level") }
        text = String(decoding: reader.readRest(), as: UTF8.self)
    }

    public func encoded() -> [UInt8] { [level] + Array(text.utf8) }

    /// The longest text that a worker sends, in bytes. It cuts a longer line.
    public static let longestText = 64 << 10
}
