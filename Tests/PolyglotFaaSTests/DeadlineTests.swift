import FunctionModel
import PolyglotFaaS
import Testing

@testable import FunctionExecution

@Suite(.serialized) struct DeadlineTests {
    @Test(arguments: [
        InvocationRequest.js("function handler() { while (true) {} }"),
        .js("function handler() { for (;;) { try { while (true) {} } finally { continue } } }"),
        .js("function handler() { /^(a+)+$/.test('a'.repeat(40) + 'b') }"),
        .js("async function handler() { for (;;) await null }"),
        .js("async function handler() { await new Promise(resolve => setTimeout(resolve, 60000)) }"),
        .js("function handler() { return { get a() { while (true) {} } } }"),
        .js(
            "function handler() { throw { get message() { return 1 }, [Symbol.toPrimitive]() { while (true) {} }, "
                + "toString() { while (true) {} } } }",
            timeoutMillis: nil),
        .python("def handler(e):\n  while True: pass"), .python("import time\ndef handler(e): time.sleep(60)"),
        .python("import re\ndef handler(e): re.match('^(a+)+$', 'a' * 40 + 'b')"),
        .python("def handler(e): return 10**10**8"),
        .python(
            "import signal\ndef handler(e):\n  for s in range(1, 32):\n    try: signal.signal(s, signal.SIG_IGN)\n    "
                + "except (OSError, ValueError): pass\n  while True: pass"
        ),
    ])
    func `Whatever the guest does, it ends at its deadline and the next call answers`(request: InvocationRequest)
        async throws
    {
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            var warm = request
            warm.sourceCode = request.languageID == "js" ? "exports.handler = () => 1" : "def handler(e): return 1"
            try await #expect(runtime.value(warm) == 1)
            var request = request
            request.timeoutMillis = 300
            let start = ContinuousClock.now
            do {
                _ = try await runtime.invoke(request)
                // The one that throws an object with a hostile toString is described without calling it.
                Issue.record("it answered")
            } catch is HandlerError where request.sourceCode.contains("toPrimitive") {
            } catch {
                #expect(error as? InvocationTimeout == InvocationTimeout(timeoutMillis: 300))
                let late = (ContinuousClock.now - start) - .milliseconds(300)
                #expect(late >= .zero)
                // The promise is 50 ms, on a machine that has a core to spare. Beside all other tests there is none:
                // this bound only tells an answer at the deadline from one at the end of what the guest does.
                #expect(late < .seconds(8), "\(late) late")
            }
            try await #expect(runtime.value(warm) == 1)
        }
    }

    @Test func `A deadline counts the time an invocation waits for a worker`() async throws {
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            let source = "exports.handler = ms => new Promise(resolve => setTimeout(() => resolve(ms), ms))"
            async let long = runtime.value(.js(source, 1500))
            var waiting = InvocationRequest.js(source, 1)
            waiting.timeoutMillis = 200
            // Whichever comes first gets the only worker; the other has to wait for it.
            try await Task.sleep(for: .milliseconds(300))
            await #expect(throws: InvocationTimeout(timeoutMillis: 200)) { try await runtime.invoke(waiting) }
            let answer = try await long
            #expect(answer == 1500)
        }
    }

    @Test(arguments: [nil, 0, -5])
    func `Without a deadline an invocation takes the time it takes`(timeout: Int?) async throws {
        try await withRuntime { runtime in
            let source = "exports.handler = () => new Promise(resolve => setTimeout(() => resolve('done'), 50))"
            try await #expect(runtime.value(.js(source, timeoutMillis: timeout)) == "done")
        }
    }

    @Test func `A source that never finishes loading is ended by the load timeout`() async throws {
        try await withRuntime {
            $0.loadTimeoutMillis = 300
        } _: { runtime in
            for request in [InvocationRequest.js("while (true) {}"), .python("while True: pass")] {
                await #expect(throws: LoadError("The source did not load within 300ms.")) {
                    try await runtime.invoke(request)
                }
            }
        }
    }

    @Test func `Cancelling the task ends the guest`() async throws {
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            let source =
                "import time\ndef handler(event):\n  if event: print('started'); time.sleep(600)\n  return 'answer'"
            try await #expect(runtime.value(.python(source, false)) == "answer")
            let task = Task { try await runtime.invoke(.python(source, true)) }
            try await Task.sleep(for: .milliseconds(100))
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            // The only worker was busy with it; this one has a new worker.
            try await #expect(runtime.value(.python(source, false)) == "answer")
        }
    }

    @Test func `A guest that answers soon after its caller has gone keeps its worker`() async throws {
        let (lines, said) = AsyncStream.makeStream(of: String.self)
        try await withRuntime {
            ($0.maximumWorkersPerFunction, $0.graceMillis) = (1, 60_000)
            $0.onLogLine = { said.yield($0.text) }
        } _: { runtime in
            let source =
                "import time\ncalls = 0\ndef handler(event):\n  global calls\n  calls += 1\n  print('started')\n  "
                + "time.sleep(event)\n  return calls"
            var request = InvocationRequest.python(source, 0.2)
            request.isolation = .instance
            let task = Task { [request] in try await runtime.invoke(request) }
            for await line in lines where line == "started" { break }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            try await #expect(runtime.value(request) == 2)
        }
    }
}
