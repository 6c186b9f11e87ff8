import FunctionModel
import PolyglotFaaS
import Testing

/// What the caller learns of an error in JavaScript.
@Suite struct JavaScriptErrorTests {
    private func failure(_ source: String, dependencies: [String: String] = [:]) async throws -> HandlerError {
        try await withRuntime { runtime in
            try await #require(throws: HandlerError.self) {
                try await runtime.invoke(.js(source, dependencies: dependencies))
            }
        }
    }

    @Test func `Causes follow the stack, without the frames that both have`() async throws {
        let source = """
            function inner() { throw new RangeError('deep'); }
            function handler() {
              try { inner(); } catch (error) {
                throw new TypeError('outer', { cause: new Error('middle', { cause: error }) });
              }
            }
            """
        let error = try await failure(source)
        #expect(error.errorType == "TypeError")
        let frames = error.stackTrace.map { $0.replacing(/:\d+\)$/, with: ")") }
        #expect(
            frames == [
                "at handler (function.js:4)", "Caused by: Error: middle", "at handler (function.js:4)",
                "Caused by: RangeError: deep",
                "at inner (function.js:1)", "at handler (function.js:3)",
            ], "\(error.stackTrace)")
    }

    @Test(arguments: [
        ("cause: 'a text'", "Caused by: 'a text'"), ("cause: null", "Caused by: null"),
        ("cause: { code: 1 }", "Caused by: { code: 1 }"),
    ])
    func `A cause that is no error is shown`(options: String, shown: String) async throws {
        let error = try await failure("function handler() { throw new Error('x', { \(options) }) }")
        #expect(error.stackTrace.last == shown)
    }

    @Test func `A cause that is the error itself comes to an end`() async throws {
        let error = try await failure("function handler() { const e = new Error('x'); e.cause = e; throw e }")
        #expect(error.message == "x")
        #expect(error.stackTrace.count < 20)
    }

    @Test func `Endless recursion is an error like any other`() async throws {
        let error = try await failure("function again() { return again() + 1 }\nfunction handler() { return again() }")
        #expect(error.errorType == "RangeError")
        #expect(error.message == "Maximum call stack size exceeded.")
        #expect(error.stackTrace.first?.contains("function.js:1") == true)
    }

    @Test func `A rejection that nobody listens to ends the call that waits`() async throws {
        let error = try await failure(
            "async function handler() { Promise.reject(new RangeError('unheard')); await new Promise(r => "
                + "setTimeout(r, 50)); return 1 }"
        )
        #expect(error.errorType == "RangeError")
        #expect(error.message == "unheard")
        #expect(error.stackTrace.first?.hasPrefix("at handler (function.js:1:") == true)
    }

    @Test func `A rejection that somebody listens to does not`() async throws {
        try await withRuntime { runtime in
            let source =
                "async function handler() { const p = Promise.reject(new Error('heard')); return await p.catch(e => "
                + "e.message) }"
            try await #expect(runtime.value(.js(source)) == "heard")
        }
    }

    @Test func `Where nothing is awaited it is logged`() async throws {
        try await withRuntime { runtime in
            let result = try await runtime.invoke(
                .js("function handler() { Promise.reject(new RangeError('unheard')); return 1 }"))
            #expect(try result.value == 1)
            #expect(result.logs.first?.text.hasPrefix("Unhandled promise rejection: RangeError: unheard") == true)
            // Also one that does not let itself be shown.
            let hidden = "{ [Symbol.for('nodejs.util.inspect.custom')]() { throw 1 } }"
            let lines = try await runtime.invoke(.js("function handler() { Promise.reject(\(hidden)) }")).logs.map(
                \.text)
            #expect(lines == ["Unhandled promise rejection: [a value that has no string form]"])
            #expect(result.logs.first?.level == .error)
        }
    }

    @Test func `A syntax error in a dependency names the dependency`() async throws {
        try await withRuntime { runtime in
            let request = InvocationRequest.js(
                "const lib = require('lib'); function handler() {}", dependencies: ["lib": "\nlet x = ;"])
            let error = try await #require(throws: LoadError.self) { try await runtime.invoke(request) }
            #expect(error.message == "The source does not load: SyntaxError: Unexpected token ';' at lib:2")
            #expect(error.line == 2)
        }
    }
}
