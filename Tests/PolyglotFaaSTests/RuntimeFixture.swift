import FaaSTesting
import Foundation
import FunctionModel
import PolyglotFaaS
import TestSupport

/// Runs a test with a runtime of its own, on the real workers, and ends it afterwards. No spares: dozens of these run
/// at a time.
@discardableResult
func withRuntime<Result>(
    _ configure: (inout FunctionRuntime.Configuration) -> Void = { _ in },
    _ body: (FunctionRuntime) async throws -> Result
) async throws -> Result {
    var configuration = FunctionRuntime.Configuration()
    configuration.workerDirectory = Binaries.directory.path
    configuration.spareWorkersPerLanguage = 0
    configure(&configuration)
    let runtime = FunctionRuntime(configuration: configuration)
    do {
        let result = try await body(runtime)
        await runtime.shutDown()
        return result
    } catch {
        await runtime.shutDown(gracePeriod: .zero)
        throw error
    }
}

/// The same with ``FakeWorkers`` in place of Python.
@discardableResult
func withFakeWorkers<Result>(
    deadSpares: Int = 0, neverReads: Bool = false, reportDelay: Double = 0,
    _ configure: (inout FunctionRuntime.Configuration) -> Void = { _ in },
    _ body: (FunctionRuntime) async throws -> Result
) async throws -> Result {
    try await TemporaryDirectory.with { directory in
        try FakeWorkers.install(
            in: directory.path, deadSpares: deadSpares, neverReads: neverReads, reportDelay: reportDelay)
        return try await withRuntime {
            ($0.workerDirectory, $0.sandbox) = (directory.path, .off)
            configure(&$0)
        } _: {
            try await body($0)
        }
    }
}

extension InvocationRequest {
    static func js(
        _ source: String, _ event: JSONValue = [:], dependencies: [String: String] = [:], timeoutMillis: Int? = nil
    ) -> InvocationRequest {
        InvocationRequest(
            languageID: "js", sourceCode: source, event: event, dependencies: dependencies, timeoutMillis: timeoutMillis
        )
    }

    static func python(
        _ source: String, _ event: JSONValue = [:], dependencies: [String: String] = [:], timeoutMillis: Int? = nil
    )
        -> InvocationRequest
    {
        InvocationRequest(
            languageID: "python", sourceCode: source, event: event, dependencies: dependencies,
            timeoutMillis: timeoutMillis)
    }
}

extension FunctionRuntime {
    func value(_ request: InvocationRequest) async throws -> JSONValue { try await invoke(request).value }

    /// `result`, or the name of the error.
    func outcome(of request: InvocationRequest) async -> String {
        do {
            _ = try await invoke(request)
            return "result"
        } catch {
            return (error as? any FunctionError)?.errorType ?? "\(error)"
        }
    }

    func text(_ request: InvocationRequest) async throws -> String {
        String(decoding: try await invoke(request).json, as: UTF8.self)
    }
}

/// Whether the process exists and has not ended.
func processIsAlive(_ pid: Int64) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
        let state = status.split(separator: ")").last
    else {
        return false
    }
    return !state.hasPrefix(" Z") && !state.hasPrefix(" X")
}
