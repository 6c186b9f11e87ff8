/// Every way in which a function cannot answer. Each is a type of its own, so that callers catch what they can handle:
///
/// ```swift
/// do { … } catch let timeout as InvocationTimeout { … } catch let error as any FunctionError { print(error.message) }
/// ```
public protocol FunctionError: Error, CustomStringConvertible {
    /// The short name that clients switch on. For ``HandlerError`` it is the guest's own error name.
    var errorType: String { get }
    /// A whole sentence for people.
    var message: String { get }
    /// Who can do something about it. Each dialect of HTTP maps it to its own statuses.
    var kind: FunctionErrorKind { get }
    /// Who chose ``errorType``: a function may name its errors as the host names its own.
    var origin: FunctionErrorOrigin { get }
}

/// Who can do something about an error.
public enum FunctionErrorKind: String, Sendable, CaseIterable {
    /// The request is wrong: the same request fails again.
    case caller
    /// The function is wrong or took too much: the same request may fail again.
    case function
    /// The host is wrong, for example a file that cannot be read.
    case host
    /// The host or the function has too much to do. Try again later.
    case capacity

    /// Whether the same request may succeed later without anybody changing anything.
    public var isRetryable: Bool { self == .capacity }
}

/// Who chose an error's name.
public enum FunctionErrorOrigin: String, Sendable {
    case function
    case host
}

extension FunctionError {
    public var errorType: String { String(describing: Self.self) }
    public var description: String { message }
    public var kind: FunctionErrorKind { .function }
    public var origin: FunctionErrorOrigin { .host }
}

// MARK: What the caller did

/// An id, a path or a parameter that cannot be used.
public struct InvalidRequest: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .caller }
    public let message: String
    public init(_ message: String) { self.message = message }
}

/// The event is not JSON.
public struct InvalidEvent: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .caller }
    public let message: String
    public init(_ message: String) { self.message = message }
}

/// The manifest cannot be used: the file, what is wrong, and where.
public struct InvalidManifest: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .caller }
    public let message: String
    public init(_ message: String) { self.message = message }
}

/// No function of that name is stored.
public struct FunctionNotFound: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .caller }
    public let id: String
    public init(id: String) { self.id = id }
    public var message: String { "Function not found: \(id)" }
}

/// The function is stored, and has no such version or alias.
public struct VersionNotFound: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .caller }
    public let function: String
    public let version: FunctionQualifier
    public init(function: FunctionID, version: FunctionQualifier) {
        self.function = function.text
        self.version = version
    }
    public var message: String {
        switch version {
        case .number(let number): "Function '\(function)' has no version \(number)."
        case .alias(let name): "Function '\(function)' has no alias '\(name)'."
        }
    }
}

/// A function of this name is stored already.
public struct FunctionExists: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .caller }
    public let id: String
    public init(id: FunctionID) { self.id = id.text }
    public var message: String { "Function '\(id)' exists already. Replace it instead, or choose another id." }
}

/// The function has changed since the caller read it, so the caller's change was not made.
public struct PreconditionFailed: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .caller }
    public let id: String
    /// The revision that is stored now; nil: there is none, or it cannot be read.
    public let revision: String?
    public init(id: FunctionID, revision: String?) {
        self.id = id.text
        self.revision = revision
    }
    public var message: String {
        "Function '\(id)' is not in the state that the request expects: "
            + (revision.map { "its revision is \($0) now. " } ?? "it is not stored, or cannot be read. ")
            + "Read it again before you change it."
    }
}

/// The event is larger than this host accepts.
public struct PayloadTooLarge: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .caller }
    /// The limit, in bytes.
    public let limit: Int
    public init(limit: Int) { self.limit = limit }
    public var message: String { "The event is larger than the limit of \(limit) bytes." }
}

/// This host does not run the language.
public struct UnsupportedLanguage: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .caller }
    public let id: String
    /// The ids of the languages that this host runs.
    public let supported: [String]
    public init(id: String, supported: [String] = Language.all.map(\.id)) {
        self.id = id
        self.supported = supported
    }
    public var message: String {
        "Unsupported language \(quoted(id)): use one of \(supported.map { "'\($0)'" }.joined(separator: ", "))."
    }
}

// MARK: What the function did

/// The source has no function of that name.
public struct HandlerNotFound: FunctionError, Equatable {
    public let functionName: String
    public let languageID: String
    /// The functions that the source has instead, as text; empty: none, or not known.
    public let found: String
    public init(functionName: String, languageID: String, found: String = "") {
        self.functionName = functionName
        self.languageID = languageID
        self.found = found
    }
    public var message: String {
        "Function '\(functionName)' not found or not executable in language '\(languageID)'."
            + (found.isEmpty ? "" : " The source has: \(found).")
    }
}

/// The source does not load: a syntax error, a missing module, an error thrown at the top level, or too slow.
public struct LoadError: FunctionError, Equatable {
    public let message: String
    /// Where, counted from 1, if the engine says so.
    public let line: Int?
    public let column: Int?
    /// The guest's stack, innermost call first.
    public let stackTrace: [String]
    public init(_ message: String, line: Int? = nil, column: Int? = nil, stackTrace: [String] = []) {
        self.message = message
        self.line = line
        self.column = column
        self.stackTrace = stackTrace
    }
}

/// The handler threw, or its promise was rejected.
public struct HandlerError: FunctionError, Equatable {
    public var origin: FunctionErrorOrigin { .function }
    /// The guest's error name, for example `TypeError` or `KeyError`.
    public let errorType: String
    public let message: String
    /// The guest's stack, innermost call first.
    public let stackTrace: [String]
    public init(errorType: String, message: String, stackTrace: [String] = []) {
        self.errorType = errorType
        self.message = message
        self.stackTrace = stackTrace
    }
}

/// The handler returned something that has no JSON form: a cycle, a function, or more than fits a frame.
public struct ResultNotSerializable: FunctionError, Equatable {
    public let message: String
    public init(_ message: String) { self.message = message }
}

/// The function's return value is not a valid HTTP response.
public struct InvalidResponse: FunctionError, Equatable {
    public let message: String
    /// - Parameter problem: What is wrong, as the end of a sentence.
    public init(_ problem: String) { message = "The function's HTTP answer cannot be sent: \(problem)." }
}

/// The deadline passed. The guest has been killed.
public struct InvocationTimeout: FunctionError, Equatable {
    public let timeoutMillis: Int
    public init(timeoutMillis: Int) { self.timeoutMillis = timeoutMillis }
    public var message: String { "Invocation timed out after \(timeoutMillis)ms" }
}

/// The function needed more memory than it may have. Either the guest was refused memory and gave up, or it has been
/// killed.
public struct MemoryLimitExceeded: FunctionError, Equatable {
    public let limitMB: Int
    /// Whether the function had not loaded yet.
    public let whileLoading: Bool
    public init(limitMB: Int, whileLoading: Bool = false) {
        self.limitMB = limitMB
        self.whileLoading = whileLoading
    }
    public var message: String {
        "Memory limit of \(limitMB) MB exceeded"
            + (whileLoading ? " while the function loads. Its manifest can ask for more ('memoryMB')." : "")
    }
}

/// The function computed for longer than it may. It has been killed.
public struct CPULimitExceeded: FunctionError, Equatable {
    public let limitMillis: Int
    public init(limitMillis: Int) { self.limitMillis = limitMillis }
    public var message: String { "CPU time limit of \(limitMillis) ms exceeded" }
}

/// The function started more threads than it may have. It has been killed.
public struct TooManyThreads: FunctionError, Equatable {
    public let limit: Int
    public init(limit: Int) { self.limit = limit }
    public var message: String { "Limit of \(limit) threads exceeded" }
}

/// The function started more processes while it loaded than it may have. They have been killed with it.
public struct TooManyProcesses: FunctionError, Equatable {
    public let limit: Int
    public init(limit: Int) { self.limit = limit }
    public var message: String { "Limit of \(limit) processes exceeded" }
}

/// The function did what the sandbox answers by ending the process: a system call that no function makes by accident.
public struct SandboxViolation: FunctionError, Equatable {
    public init() {}
    public var message: String { "The sandbox ended the function: it made a system call that no function may make." }
}

/// The worker process ended before it answered.
public struct WorkerCrashed: FunctionError, Equatable {
    public let message: String
    public init(_ message: String) { self.message = message }
}

// MARK: What the host cannot do now

/// The function has as many invocations running and waiting as it may have. Try again later.
public struct TooManyRequests: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .capacity }
    public let limit: Int
    public init(limit: Int) { self.limit = limit }
    public var message: String { "The function already has \(limit) invocations waiting." }
}

/// The host has as many invocations waiting as it may have, or cannot make a worker. Try again later.
public struct Overloaded: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .capacity }
    public let message: String
    public init(_ message: String) { self.message = message }
}

extension Overloaded {
    /// The host cannot open a file, a socket or a process now.
    package static let noDescriptors = Overloaded(
        "The host has as many files and connections open as it may. Try again later.")
}

/// The function's workers have failed several times in a row, so the host waits before it starts the next one. Try
/// again later, or deploy a revision that works.
public struct BackedOff: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .capacity }
    /// In a row, without one answer between them.
    public let failures: Int
    /// When the next worker may start.
    public let retryAfterMillis: Int
    /// What the last worker failed with.
    public let lastFailure: String
    public init(failures: Int, retryAfterMillis: Int, lastFailure: String) {
        self.failures = failures
        self.retryAfterMillis = retryAfterMillis
        self.lastFailure = lastFailure
    }
    public var message: String {
        "The function has failed \(failures) times in a row; its next worker starts in \(retryAfterMillis) ms at the "
            + "earliest. "
            + "The last failure: \(lastFailure)"
    }
}

/// The host is stopping and accepts nothing new.
public struct ShuttingDown: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .capacity }
    public init() {}
    public var message: String { "The host is shutting down." }
}

/// The sandbox is required, and this machine does not offer all of it.
public struct SandboxUnavailable: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .host }
    /// The layers that are missing or less than they should be, one sentence each.
    public let weaknesses: [String]
    public init(weaknesses: [String]) { self.weaknesses = weaknesses }
    public var message: String {
        "The sandbox is required, and this machine does not offer all of it: \(weaknesses.joined(separator: "; ")). "
            + "'faas doctor' says what to do."
    }
}

/// The worker executable is not where the host looked.
public struct WorkerExecutableNotFound: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .host }
    public let name: String
    /// The directories searched, in order.
    public let searched: [String]
    public init(name: String, searched: [String]) {
        self.name = name
        self.searched = searched
    }
    public var message: String {
        "The worker executable '\(name)' was not found. Looked in: \(searched.joined(separator: ", ")). "
            + "Build it with 'swift build --product \(name)', or set FAAS_WORKER_DIR to the directory it is in."
    }
}
