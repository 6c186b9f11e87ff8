import FunctionModel
import PolyglotFaaS
import Testing

/// One row of the differential test: a function, the events it is called with, and whether its answers repeat.
///
/// Each is written so that what an earlier call left behind would change its answer.
struct Handler: Sendable, CustomTestStringConvertible {
    enum Answers { case same, different }

    let language: Language
    let name: String
    let source: String
    /// JSON texts.
    let events: [String]
    let answers: Answers
    /// About how many times as much as `hello` a call costs, in powers of two: it is called that much less often by
    /// default.
    let weight: Int
    let dependencies: [String: String]
    /// How the right answer is had. `process`, where the function can be forked; else the first call of a new worker.
    let reference: Isolation

    static func python(
        _ name: String, _ source: String, events: [String] = [#"{"n":1}"#, #"{"n":2}"#], answers: Answers = .same,
        weight: Int = 0,
        dependencies: [String: String] = [:],
        reference: Isolation = .process
    ) -> Handler {
        Handler(
            language: .python, name: "Python, \(name)", source: source, events: events, answers: answers,
            weight: weight,
            dependencies: dependencies, reference: reference)
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

    /// What these do the sandbox refuses, so they say something about the rewind only without it.
    private static let refused: Set<String> = [
        "a child left behind", "a file in /tmp, written and removed", "a pool of processes",
        "a priority that was changed",
        "a resource limit that was changed", "a subprocess", "a subprocess without vfork", "an asyncio subprocess",
        "faulthandler",
        "files it opens and does not close", "fork and wait", "the working directory and the umask",
    ]

    var isRefusedBySandbox: Bool { Self.refused.contains(String(name.trimmingPrefix("Python, "))) }

    /// A call that no other has come before.
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
        return request
    }

    var testDescription: String { name }
}

/// What a caller gets: a value or an error, with all that it sees of either, and the log.
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
                String(decoding: result.json, as: UTF8.self), logs: result.logs.map { "\($0.level): \($0.text)" })
        } catch let error as HandlerError {
            return .failure(type: error.errorType, message: error.message, stackTrace: error.stackTrace)
        } catch let error as any FunctionError {
            return .failure(type: error.errorType, message: error.message, stackTrace: [])
        } catch {
            return .failure(type: "\(type(of: error))", message: "\(error)", stackTrace: [])
        }
    }
}
