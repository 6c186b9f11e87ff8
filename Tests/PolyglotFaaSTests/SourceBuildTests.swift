import FunctionModel
import PolyglotFaaS
import TestSupport
import Testing

/// What `import PolyglotFaaS` alone builds.
@Suite struct SourceBuildTests {
    @Test func `An ES module and TypeScript run from the library, with its configuration as it is`() async throws {
        try await withRuntime { runtime in
            let module = try await runtime.text(
                .js(
                    "import { double } from './lib.js'; export const handler = event => double(event.n);", ["n": 4],
                    dependencies: ["./lib.js": "export const double = n => 2 * n"]))
            #expect(module == "8")
            var typed = InvocationRequest.js(
                "export const handler = (event: { n: number }): number => event.n + 1", ["n": 4])
            typed.sourceName = "handler.ts"
            try await #expect(runtime.text(typed) == "5")
        }
    }
}
