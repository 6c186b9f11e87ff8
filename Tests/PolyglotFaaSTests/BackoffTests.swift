import FunctionModel
import PolyglotFaaS
import TestSupport
import Testing

@Suite struct BackoffTests {
    @Test(arguments: Language.all)
    func `A function that never loads is held back, and the answer says since when and why`(language: Language)
        async throws
    {
        // Longer than a slow machine takes for the calls of this test.
        try await withRuntime {
            $0.maximumBackoffMillis = 600_000
        } _: { runtime in
            let broken: InvocationRequest =
                language == .python ? .python("raise ValueError('no')") : .js("throw new Error('no')")
            var held: BackedOff?
            for call in 0..<100 where held == nil {
                do {
                    _ = try await runtime.invoke(broken)
                    Issue.record("it loads")
                } catch let error as BackedOff {
                    held = error
                    #expect(call >= 5, "the first failures have no consequence")
                } catch is LoadError {
                }
            }
            let error = try #require(held)
            #expect(error.failures >= 5)
            #expect(error.retryAfterMillis > 0)
            #expect(
                error.message.contains("times in a row") && error.lastFailure.contains("The source does not load"),
                "\(error)")
            // Another function, or another revision of this one, is not.
            try await #expect(runtime.value(.js("exports.handler = () => 1")) == 1)
        }
    }

    @Test func `Crashes between answers hold nobody back`() async throws {
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            let source = "import os\ndef handler(event):\n  if event: os._exit(1)\n  return 'fine'"
            for _ in 0..<10 {
                try await #expect(runtime.value(.python(source, false)) == "fine")
                try await #expect(runtime.value(.python(source, false)) == "fine")
                await #expect(throws: WorkerCrashed.self) { try await runtime.invoke(.python(source, true)) }
            }
        }
    }

    @Test(arguments: [1, 32], Isolation.allCases)
    func `A function whose calls end their process is held back`(callers: Int, isolation: Isolation) async throws {
        try await withRuntime {
            $0.maximumBackoffMillis = 600_000
        } _: { runtime in
            var request = InvocationRequest.python("import os\ndef handler(event): os._exit(3)")
            request.isolation = isolation
            var outcomes: [String: Int] = [:]
            for _ in 0..<64 / callers {
                await withTaskGroup(of: String.self) { [request] group in
                    for _ in 0..<callers {
                        group.addTask { await runtime.outcome(of: request) }
                    }
                    for await outcome in group { outcomes[outcome, default: 0] += 1 }
                }
            }
            #expect(outcomes["WorkerCrashed", default: 0] <= 10, "\(outcomes)")
            #expect(outcomes["BackedOff", default: 0] > 20, "\(outcomes)")
        }
    }
}
