import FunctionModel
import PolyglotFaaS
import Testing

/// One row of the differential test: a function, its events, and whether its answers repeat.
///
/// The function is written so that anything that an earlier call left behind would change its answer.
struct Handler: Sendable, CustomTestStringConvertible {
    enum Answers { case same, different }

    let language: Language
    let name: String
    let source: String
    /// JSON texts.
    let events: [String]
    let answers: Answers
    /// The cost of a call compared with `hello`, as a power of two. By default, the function is called that much less
    /// often.
    let weight: Int
    let dependencies: [String: String]
    /// How the right answer is found: `process` where the function can be forked, otherwise the first call of a new
    /// worker.
    let reference: Isolation
    /// Whether libraries that the first call imports may be there in later ones. A function that looks for them answers
    /// differently then.
    var learnsImports = true

    static func python(
        _ name: String, _ source: String, events: [String] = [#"{"n":1}"#, #"{"n":2}"#], answers: Answers = .same,
        weight: Int = 0,
        dependencies: [String: String] = [:],
        reference: Isolation = .process, learnsImports: Bool = true
    ) -> Handler {
        Handler(
            language: .python, name: "Python, \(name)", source: source, events: events, answers: answers,
            weight: weight,
            dependencies: dependencies, reference: reference, learnsImports: learnsImports)
    }

    static func js(
        _ name: String, _ source: String, events: [String] = [#"{"n":1}"#, #"{"n":2}"#], answers: Answers = .same,
        weight: Int = 0,
        dependencies: [String: String] = [:],
        reference: Isolation = .process
    ) -> Handler {
        Handler(
            language: .javaScript, name: "JavaScript, \(name)", source: source, events: events, answers: answers,
            weight: weight,
            dependencies: dependencies, reference: reference)
    }

    /// Handlers that the sandbox makes fail. They test the rewind only with the sandbox off.
    private static let refused: Set<String> = [
        "a child left behind", "a file in /tmp, written and removed", "a pool of processes",
        "a priority that was changed",
        "a resource limit that was changed", "a subprocess", "a subprocess without vfork", "an asyncio subprocess",
        "faulthandler",
        "files it opens and does not close", "fork and wait", "the working directory and the umask",
    ]

    var isRefusedBySandbox: Bool { Self.refused.contains(String(name.trimmingPrefix("Python, "))) }

    /// A request that is served by a process without earlier calls.
    func referenceRequest(event: String) -> InvocationRequest {
        var request = request(event: event, isolation: reference)
        if reference != .process { request.sourceCode += (language == .python ? "\n# " : "\n// ") + event }
        return request
    }

    func request(event: String, isolation: Isolation) -> InvocationRequest {
        var request = InvocationRequest(
            languageID: language.id, sourceCode: source, dependencies: dependencies, timeoutMillis: 60_000,
            isolation: isolation)
        request.event = Array(event.utf8)
        request.learnImports = learnsImports
        return request
    }

    var testDescription: String { name }
}

/// What a caller can observe: a value or an error with all its fields, and the log.
enum Outcome: Hashable, Sendable, CustomStringConvertible {
    case value(String, logs: [String])
    case failure(type: String, message: String, stackTrace: [String])

    var description: String {
        switch self {
        case .value(let json, let logs): "\(json.prefix(2000))" + (logs.isEmpty ? "" : " with the log \(logs)")
        case .failure(let type, let message, let stackTrace): "\(type): \(message) \(stackTrace)"
        }
    }
}

extension FunctionRuntime {
    func outcome(_ request: InvocationRequest) async -> Outcome {
        do {
            let result = try await invoke(request)
            return .value(
                String(decoding: result.json, as: UTF8.self),
                // The host says once of some functions that they cost a worker for each call.
                logs: result.logs.map { "\($0.level): \($0.text)" }.filter { !$0.hasPrefix("warning: [slow: ") })
        } catch let error as HandlerError {
            return .failure(type: error.errorType, message: error.message, stackTrace: error.stackTrace)
        } catch let error as any FunctionError {
            return .failure(type: error.errorType, message: error.message, stackTrace: [])
        } catch {
            return .failure(type: "\(type(of: error))", message: "\(error)", stackTrace: [])
        }
    }
}
