import FunctionModel
import PolyglotFaaS
import TestSupport
import Testing

/// AWS Lambda's older forms of handlers: a callback, and methods of the context.
@Suite struct CallbackHandlerTests {
    @Test(arguments: [
        "function handler(event, context, callback) { callback(null, event.n + 1) }",
        "function handler(event, context, callback) { callback(undefined, event.n + 1) }",
        "function handler(event, context, callback) { setTimeout(() => callback(null, event.n + 1), 2); return "
            + "'ignored' }",
        "exports.handler = (event, context, callback) => { Promise.resolve().then(() => callback(null, event.n + 1)) }",
        "async function handler(event, context, callback) { return event.n + 1 }",
        "async function handler(event, context, callback) { await new Promise(resolve => { callback(null, event.n + "
            + "1); setTimeout(resolve, 1) }); return 0 }",
        "function handler(event, context, callback) { callback(null, event.n + 1); callback(null, 0); throw new "
            + "Error('late') }",
        "function handler(event, context) { context.succeed(event.n + 1) }",
        "function handler(event, context) { setTimeout(context.succeed, 2, event.n + 1) }",
        "function handler(event, context) { context.done(null, event.n + 1); context.fail(new Error('late')) }",
        "const handler = (event, { succeed }) => { setTimeout(() => succeed(event.n + 1), 1) }",
        "export const handler = (event, context, callback) => callback(null, event.n + 1)",
    ])
    func `The answer is what the callback or the context is given first`(source: String) async throws {
        try await withRuntime { runtime in
            for _ in 0..<5 { try await #expect(runtime.value(.js(source, ["n": 1])) == 2) }
        }
    }

    @Test(arguments: [
        "function handler(event, context, callback) {\n  callback(new TypeError('no'))\n}",
        "function handler(event, context, callback) {\n  const error = new TypeError('no'); setTimeout(() => "
            + "callback(error), 1)\n}",
        "function handler(event, context) {\n  context.fail(new TypeError('no'))\n}",
        "function handler(event, context) {\n  context.done(new TypeError('no'), 1)\n}",
        "function handler(event, context, callback) {\n  throw new TypeError('no')\n}",
        "async function handler(event, context, callback) {\n  throw new TypeError('no')\n}",
    ])
    func `An error for the callback or the context is the handler's error`(source: String) async throws {
        try await withRuntime { runtime in
            let error = await #expect(throws: HandlerError.self) { try await runtime.invoke(.js(source)) }
            #expect(error?.errorType == "TypeError")
            #expect(error?.message == "no")
            #expect(
                error?.stackTrace.first?.hasPrefix("at handler (function.js:2:") == true, "\(error?.stackTrace ?? [])")
        }
    }

    @Test func `Who never answers has answered nothing, and a result that is no JSON is an error`() async throws {
        try await withRuntime { runtime in
            for source in [
                "function handler(event, context, callback) {}", "function handler(event, context) { context.done }",
                "function handler(event, context, callback) { setTimeout(() => {}, 2) }",
            ] {
                try await #expect(runtime.value(.js(source)) == .null)
            }
            await #expect(throws: ResultNotSerializable.self) {
                try await runtime.invoke(.js("function handler(event, context, callback) { callback(null, () => 1) }"))
            }
            let error = await #expect(throws: HandlerError.self) {
                try await runtime.invoke(.js("function handler(event, context, callback) { callback('no') }"))
            }
            #expect(error?.message.contains("'no'") == true)
        }
    }

    @Test func `Other handlers get two arguments and answer as before`() async throws {
        try await withRuntime { runtime in
            try await #expect(runtime.value(.js("function handler() { return arguments.length }")) == 2)
            try await #expect(
                runtime.value(
                    .js(
                        "function handler(event, context) { return [Object.keys(context).includes('done'), typeof "
                            + "context.done, JSON.stringify(context).includes('succeed')] }"
                    )) == [false, "function", false])
            try await #expect(runtime.value(.js("function handler(event, context) { context.done; return 1 }")) == 1)
            try await #expect(
                runtime.value(.js("function handler(event, context) { context.done = 5; return context.done }")) == 5)
        }
    }

    @Test func `A context that was kept cannot answer a later call`() async throws {
        let source = """
            let kept;
            function handler(event, context, callback) {
              if (kept) kept(null, 'of the call before');
              kept = callback;
              setTimeout(() => callback(null, event.n), 1);
            }
            """
        try await withRuntime { runtime in
            for isolation in [Isolation.instance, .invocation] {
                for n in 0..<4 {
                    var request = InvocationRequest.js(source, ["n": .integer(Int64(n))])
                    request.isolation = isolation
                    try await #expect(runtime.value(request) == .integer(Int64(n)))
                }
            }
        }
    }
}
