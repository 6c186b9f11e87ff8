import Foundation
import FunctionModel
import PolyglotFaaS

/// What `faas` does without a subcommand: one function in each language, and what they answer.
struct Demo {
    private struct Example {
        let language: Language
        let source: String
        let event: JSONValue
    }

    private static let examples = Language.all.compactMap { language in
        language.examples.demo.map { Example(language: language, source: $0.source, event: $0.event) }
    }

    func run() async throws {
        Output.line("--- PolyglotFaaS demo ---")
        let runtime = FunctionRuntime()
        do {
            let engines = try await runtime.start(Self.examples.map(\.language))
            for (example, engine) in zip(Self.examples, engines) { try await show(example, engine, runtime) }
            await runtime.shutDown()
        } catch {
            await runtime.shutDown()
            throw fail(error)
        }
        Output.line(
            """

            Next: faas init hello --language js, faas upload hello/function.jsonc, faas serve. See faas --help.
            """)
    }

    private func show(_ example: Example, _ engine: String, _ runtime: FunctionRuntime) async throws {
        let request = InvocationRequest(
            languageID: example.language.id, sourceCode: example.source, event: example.event, timeoutMillis: 5000)
        let first = ContinuousClock.now
        let result = try await runtime.invoke(request)
        let second = ContinuousClock.now
        _ = try await runtime.invoke(request)
        let end = ContinuousClock.now
        Output.line("\(example.language.name) handler result: \(String(decoding: result.json, as: UTF8.self))")
        Output.line(
            "    \(engine); first call \(milliseconds(second - first)), second call \(milliseconds(end - second))")
    }

    private func milliseconds(_ duration: Duration) -> String {
        String(
            format: "%.2f ms",
            Double(duration.components.seconds) * 1e3 + Double(duration.components.attoseconds) / 1e15)
    }
}
