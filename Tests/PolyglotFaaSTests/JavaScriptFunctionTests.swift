import FunctionModel
import PolyglotFaaS
import Testing

@Suite struct JavaScriptFunctionTests {
    @Test(arguments: [
        "function handler(event) { return `Hello, ${event.name}!` }",
        "const handler = (event) => `Hello, ${event.name}!`",
        "let handler = async event => `Hello, ${event.name}!`",
        "globalThis.handler = event => `Hello, ${event.name}!`",
        "exports.handler = event => `Hello, ${event.name}!`",
        "module.exports = { handler: event => `Hello, ${event.name}!` }",
        "module.exports = event => `Hello, ${event.name}!`",
        "exports.default = { handler(event) { return `Hello, ${event.name}!` } }",
        "class Greeter { static handle(event) { return `Hello, ${event.name}!` } }\nvar handler = Greeter.handle",
        "#!/usr/bin/env node\nfunction handler(event) { return `Hello, ${event.name}!` }",
    ])
    func `The handler is found however it is declared`(source: String) async throws {
        try await withRuntime { runtime in
            try await #expect(runtime.value(.js(source, ["name": "World"])) == "Hello, World!")
        }
    }

    @Test func `Another name than handler can be called`() async throws {
        try await withRuntime { runtime in
            let request = InvocationRequest(
                languageID: "js", sourceCode: "function größe(e) { return e }", functionName: "größe", event: 3)
            try await #expect(runtime.value(request) == 3)
        }
    }

    @Test(arguments: ["let x = 1", "const handler = 5", "class toString {}"])
    func `A source without the handler says so`(source: String) async throws {
        try await withRuntime { runtime in
            await #expect(throws: HandlerNotFound(functionName: "handler", languageID: "js")) {
                try await runtime.invoke(.js(source))
            }
        }
    }

    @Test func `A source with other functions than the handler says which`() async throws {
        try await withRuntime { runtime in
            let source = "exports.limit = 5; exports.main = () => 1; exports['lambda_handler'] = () => 2"
            await #expect(
                throws: HandlerNotFound(functionName: "handler", languageID: "js", found: "main, lambda_handler")
            ) {
                try await runtime.invoke(.js(source))
            }
        }
    }

    @Test(arguments: [
        ("exports.handler = async function* (e) { for (let i = 0; i < e; i++) yield { i } }", #"[{"i":0},{"i":1}]"#),
        (
            "exports.handler = async e => (async function* () { yield e; yield await Promise.resolve(e + 1) })()",
            "[2,3]"
        ),
        ("exports.handler = () => ({ async *[Symbol.asyncIterator]() { yield 'x' } })", #"["x"]"#),
        ("exports.handler = async function* () {}", "[]"),
    ])
    func `An asynchronous generator is read to its end, as in Python`(source: String, json: String) async throws {
        try await withRuntime { runtime in
            try await #expect(runtime.value(.js(source, 2)) == JSONValue(json: Array(json.utf8)))
        }
    }

    @Test func `An asynchronous generator's error is the handler's, and one inside of a result has no JSON form`()
        async throws
    {
        try await withRuntime { runtime in
            let error = await #expect(throws: HandlerError.self) {
                try await runtime.invoke(
                    .js("exports.handler = async function* () { yield 1; throw new RangeError('no') }"))
            }
            #expect(error?.errorType == "RangeError")
            await #expect(throws: ResultNotSerializable.self) {
                try await runtime.invoke(.js("exports.handler = () => ({ items: (async function* () {})() })"))
            }
        }
    }

    @Test func `The global object has Node's name too`() async throws {
        try await withRuntime { runtime in
            let source = """
                global.shared = 1
                exports.handler = () => [global.shared, shared, global === globalThis, Object.keys(globalThis).includes('global')]
                """
            try await #expect(runtime.value(.js(source)) == [1, 1, true, false])
        }
    }

    @Test(arguments: ["toString", "x; while(true){}", "class", "a.b", ""])
    func `A name that is no function of the source's is never run as code`(name: String) async throws {
        try await withRuntime { runtime in
            let request = InvocationRequest(
                languageID: "js", sourceCode: "let x = 1", functionName: name, timeoutMillis: 20_000)
            await #expect(throws: HandlerNotFound(functionName: name, languageID: "js")) {
                try await runtime.invoke(request)
            }
        }
    }

    @Test func `Promises and thenables are awaited, timers included`() async throws {
        try await withRuntime { runtime in
            let source = """
                async function handler(event) {
                  const order = [];
                  clearTimeout(setTimeout(() => order.push('cleared'), 5));
                  setImmediate(() => { order.push('immediate'); setTimeout(() => order.push('late'), 5); });
                  queueMicrotask(() => order.push('microtask'));
                  let ticks = 0;
                  await new Promise(resolve => { const id = setInterval(() => { if (++ticks === 3) { clearInterval(id); resolve(); } }, 10); });
                  await new Promise(resolve => setTimeout(resolve, 10));
                  return { then(resolve) { resolve([ticks, ...order]) } };
                }
                """
            try await #expect(runtime.value(.js(source)) == [3, "microtask", "immediate", "late"])
        }
    }

    @Test func `A promise that nothing can settle is an error at once, not a hang`() async throws {
        try await withRuntime { runtime in
            let error = try await #require(throws: HandlerError.self) {
                try await runtime.invoke(.js("function handler() { return new Promise(() => {}) }"))
            }
            #expect(error.message.contains("never settled"))
        }
    }

    @Test func `Modules are required by name, once for each context, from each other and in cycles`() async throws {
        try await withRuntime { runtime in
            let dependencies = [
                "greeter":
                    "const { punctuate } = require('text/punctuation'); module.exports = { greet: name => "
                    + "punctuate(`Hello, ${name}`) }",
                "text/punctuation":
                    "#!/bin/sh\nglobalThis.evaluations = (globalThis.evaluations ?? 0) + 1; exports.punctuate = text "
                    + "=> text + '!'",
                "a": "exports.early = 1; const b = require('b'); exports.late = b.sawEarly + 1",
                "b": "const a = require('a'); exports.sawEarly = a.early; exports.sawLate = a.late",
            ]
            let source = """
                const { greet } = require('greeter');
                require('text/punctuation');
                const a = require('a'), b = require('b');
                exports.handler = event => [greet(event.name), evaluations, a.late, b.sawEarly, b.sawLate ?? null, this === globalThis];
                """
            let value = try await runtime.value(.js(source, ["name": "World"], dependencies: dependencies))
            #expect(value == ["Hello, World!", 1, 2, 1, nil, true])
        }
    }

    @Test func `A module that is not among the dependencies is not found, at the top and in the handler`() async throws
    {
        try await withRuntime { runtime in
            let load = try await #require(throws: LoadError.self) { try await runtime.invoke(.js("require('lib/a')")) }
            #expect(load.message == "The source does not load: Error: Module not found: lib/a at function.js:1:8")
            let call = try await #require(throws: HandlerError.self) {
                try await runtime.invoke(.js("function handler() { require('nope') }"))
            }
            #expect(call.message == "Module not found: nope")
        }
    }

    @Test func `An error in a dependency names the dependency's line`() async throws {
        try await withRuntime { runtime in
            let request = InvocationRequest.js(
                "const f = require('lib'); function handler() { f() }",
                dependencies: ["lib": "module.exports = () => {\n  null.x\n}"])
            let error = try await #require(throws: HandlerError.self) { try await runtime.invoke(request) }
            #expect(error.errorType == "TypeError")
            #expect(error.stackTrace.first?.contains("lib:2:") == true, "\(error.stackTrace)")
            #expect(error.stackTrace.last?.contains("function.js:1:") == true)
            #expect(!error.stackTrace.contains { $0.contains("faas:") })
        }
    }

    @Test func `A source that does not parse says where`() async throws {
        try await withRuntime { runtime in
            let error = try await #require(throws: LoadError.self) {
                try await runtime.invoke(.js("function handler() {\n  let x = ;\n}"))
            }
            #expect(error.line == 2)
            #expect(error.message == "The source does not load: SyntaxError: Unexpected token ';' at function.js:2")
        }
    }

    @Test(arguments: [
        ("throw 42", "Error", "A value that is not an Error was thrown: 42"),
        ("throw undefined", "Error", "A value that is not an Error was thrown: undefined"),
        ("throw Symbol('s')", "Error", "A value that is not an Error was thrown: Symbol(s)"),
        ("throw { code: 7 }", "Error", "A value that is not an Error was thrown: { code: 7 }"),
        ("return Promise.reject(new RangeError('far'))", "RangeError", "far"),
        ("class Mine extends Error { get name() { return 'Mine' } }; throw new Mine('own')", "Mine", "own"),
        ("function f() { f() } f()", "RangeError", "Maximum call stack size exceeded."),
        (
            "throw { get message() { throw 1 }, toString() { throw 2 } }", "Error",
            "A value that is not an Error was thrown: { message: [Getter], toString: [Function: toString] }"
        ),
        (
            "throw new Proxy(new Error('x'), { get() { throw 1 } })", "Error",
            "A value that is not an Error was thrown: [a value that has no string form]"
        ),
    ])
    func `Whatever is thrown becomes one clear error`(body: String, name: String, message: String) async throws {
        try await withRuntime { runtime in
            let error = try await #require(throws: HandlerError.self) {
                try await runtime.invoke(.js("function handler() { \(body) }"))
            }
            #expect(error.errorType == name)
            #expect(error.message == message)
        }
    }

    @Test func `The context says which call this is and how long it may still take`() async throws {
        try await withRuntime { runtime in
            var request = InvocationRequest.js(
                "exports.handler = (event, context) => [context, context.getRemainingTimeInMillis()]",
                timeoutMillis: 60_000)
            request.requestID = "call-1"
            let value = try await runtime.value(request)
            #expect(value[0]?["awsRequestId"] == "call-1")
            #expect(value[0]?["functionName"] == "inline")
            let remaining = try #require(value[1]?.integerValue)
            #expect(remaining > 30_000 && remaining <= 60_000)
        }
    }

    @Test func `What console writes becomes log lines, formatted, with their level`() async throws {
        try await withRuntime { runtime in
            let source = """
                console.log('loaded');
                function handler() {
                  console.log('plain', 1, true, null, undefined);
                  console.info('%s is %d and %j', 'x', 4.5, { a: 1 }, 'rest');
                  console.debug({ a: [1, 2, { deep: new Map([['k', new Set([1])]]) }], s: 'q' });
                  console.warn([1.5, -0, 10n, Symbol('y'), () => 1, class A {}]);
                  console.error(new TypeError('bad'));
                  const loop = {}; loop.self = loop; console.log(loop);
                  console.group('g'); console.log('inner\\nsecond'); console.groupEnd(); console.log('outer');
                  console.assert(true, 'no'); console.assert(false, 'yes');
                  console.count(); console.count();
                  console.log('\\ud800');
                }
                """
            let logs = try await runtime.invoke(.js(source)).logs
            #expect(
                logs.map { "\($0.level) \($0.text)" }.filter { !$0.hasPrefix("error TypeError") } == [
                    "info loaded", "info plain 1 true null undefined", "info x is 4.5 and {\"a\":1} rest",
                    "debug { a: [ 1, 2, { deep: [Map] } ], s: 'q' }",
                    "warning [ 1.5, -0, 10n, Symbol(y), [Function (anonymous)], [class A] ]",
                    "info <ref *1> { self: [Circular *1] }", "info g", "info   inner\n  second", "info outer",
                    "error Assertion failed: yes",
                    "info default: 1", "info default: 2", "info \u{fffd}",
                ])
            #expect(
                logs.contains {
                    $0.level == .error && $0.text.hasPrefix("TypeError: bad\n    at handler (function.js:")
                })
        }
    }

    @Test func `A guest that replaces the language's own functions changes only its own answer`() async throws {
        try await withRuntime { runtime in
            let source = """
                JSON.stringify = () => 'forged'; JSON.parse = () => 'forged';
                Promise.prototype.then = function () { throw 1 };
                Array.prototype.push = Array.prototype.map = () => { throw 2 };
                Object.defineProperty(Object.prototype, 'toJSON', { value: undefined });
                Object.defineProperty(Object.prototype, 'then', { get() { return undefined } });
                Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => { throw 3 };
                String.prototype.split = RegExp.prototype.exec = () => { throw 4 };
                Array.prototype[Symbol.iterator] = () => { throw 5 };
                Map.prototype.get = Map.prototype.set = () => { throw 6 };
                Error.prototype.toString = () => { throw 7 };
                console.log('still');
                exports.handler = async event => { console.log('works', event); await null; return { got: event.name } };
                """
            let result = try await runtime.invoke(.js(source, ["name": "World"]))
            let value = try result.value
            #expect(value == ["got": "World"])
            #expect(result.logs.map(\.text) == ["still", "works { name: 'World' }"])
        }
    }

}
