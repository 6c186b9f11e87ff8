import FunctionModel
import PolyglotFaaS
import Testing

/// The globals that handlers know from browsers and from Node.
@Suite struct WebGlobalTests {
    /// Each is an expression, perhaps awaited, and what it must be.
    private static let expressions: [(String, JSONValue)] = [
        ("new URL('../b?x=1#y', 'HTTP://Ex.com:80/a/c').href", "http://ex.com/b?x=1#y"),
        ("new URL('http://bücher.example/').hostname", "xn--bcher-kva.example"),
        ("new URL('http://a/?q=1&q=2').searchParams.getAll('q')", ["1", "2"]),
        ("JSON.stringify({ url: new URL('http://a/b') })", #"{"url":"http://a/b"}"#),
        ("[...new URLSearchParams({ a: '1 2', b: 'ü&' })].map(String)", ["a,1 2", "b,ü&"]),
        ("String(new URLSearchParams([['a', '1 2'], ['b', 'ü&']]))", "a=1+2&b=%C3%BC%26"),
        (
            "(() => { const u = new URL('http://a/?x=1'); u.searchParams.append('y', '2'); "
                + "u.searchParams.delete('x'); return u.search })()",
            "?y=2"
        ),
        ("URL.canParse('nothing')", false),
        ("[...new TextEncoder().encode('aü€😀')]", [97, 195, 188, 226, 130, 172, 240, 159, 152, 128]),
        ("new TextEncoder().encodeInto('a€', new Uint8Array(2))", ["read": 1, "written": 1]),
        ("new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 97, 0xff, 0xe2, 0x82]))", "a\u{fffd}\u{fffd}"),
        (
            "(() => { try { new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([255])) } catch (e) { "
                + "return e.name } })()",
            "TypeError"
        ),
        (
            "(() => { const d = new TextDecoder(); return [0xf0, 0x9f, 0x98, 0x80].map(b => d.decode(new "
                + "Uint8Array([b]), { stream: true })).join('|') + d.decode() })()",
            "|||😀"
        ),
        ("new TextDecoder('latin1').decode(new Uint8Array([0xe4, 0x80]))", "ä€"),
        ("new TextDecoder('utf-16le').decode(new Uint8Array([0x3d, 0xd8, 0x00, 0xde]))", "😀"),
        ("[btoa('hello'), atob('aGVs bG8'), atob('')]", ["aGVsbG8=", "hello", ""]),
        (
            "(() => { try { atob('a') } catch (e) { return [e.name, e.code, e instanceof Error, e instanceof "
                + "DOMException] } })()",
            ["InvalidCharacterError", 5, true, true]
        ),
        ("/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID())", true),
        (
            "crypto.randomUUID() !== crypto.randomUUID() && crypto.getRandomValues(new Uint32Array(8)).some(x => x > "
                + "0)",
            true
        ),
        ("hex(await crypto.subtle.digest('SHA-1', bytes('abc')))", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "hex(await crypto.subtle.digest('SHA-256', bytes('abc')))",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        ),
        (
            "hex(await crypto.subtle.digest({ name: 'sha-384' }, bytes('abc')))",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
        ),
        (
            "hex(await crypto.subtle.digest('SHA-512', bytes('abc')))",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        ("crypto.subtle.digest('MD5', bytes('')).catch(e => e.name)", "NotSupportedError"),
        (
            "typeof performance.now() === 'number' && performance.now() >= 0 && Math.abs(performance.timeOrigin + "
                + "performance.now() - Date.now()) < 60000",
            true
        ),
        (
            "(() => { const c = new AbortController(); let seen = []; c.signal.addEventListener('abort', e => "
                + "seen.push(e.type, e.target === c.signal)); c.abort(); c.abort(); return [...seen, "
                + "c.signal.aborted, c.signal.reason.name] })()",
            ["abort", true, true, "AbortError"]
        ),
        (
            "new Promise(resolve => { const s = AbortSignal.timeout(5); s.onabort = () => resolve(s.reason.name) })",
            "TimeoutError"
        ),
        ("AbortSignal.any([AbortSignal.abort('why')]).reason", "why"),
        (
            "(() => { const t = new EventTarget(); let n = 0; t.addEventListener('x', () => n++, { once: true }); "
                + "t.addEventListener('x', { handleEvent(e) { e.preventDefault(); n += 10 } }); const first = "
                + "t.dispatchEvent(new Event('x', { cancelable: true })); t.dispatchEvent(new CustomEvent('x', { "
                + "detail: 1 })); return [n, first] })()",
            [21, false]
        ),
        (
            "[...new Headers([['B', '2'], ['a', ' 1 '], ['b', '3'], ['set-cookie', 'x'], ['Set-Cookie', "
                + "'y']])].map(String)",
            ["a,1", "b,2, 3", "set-cookie,x", "set-cookie,y"]
        ),
        ("new Headers({ 'Content-Type': 'text/plain' }).get('content-type')", "text/plain"),
        ("(() => { try { new Headers({ 'a b': '1' }) } catch (e) { return e.name } })()", "TypeError"),
        (
            "(async () => { const b = new Blob(['ab', new Uint8Array([99]), new Blob(['d'])], { type: 'Text/Plain' "
                + "}); return [b.size, b.type, await b.text(), await b.slice(1, -1).text(), (await "
                + "b.arrayBuffer()).byteLength] })()",
            [4, "text/plain", "abcd", "bc", 4]
        ),
        (
            "(() => { const a = { d: new Date(5), m: new Map([[1, { x: 1 }]]), s: new Set([1]), r: /a/gi, u: new "
                + "Uint16Array([1, 2]), e: new RangeError('no'), n: [1, , 3] }; a.self = a; const c = "
                + "structuredClone(a); return [c !== a, c.self === c, c.d.getTime(), c.m.get(1).x, c.s.has(1), "
                + "String(c.r), c.u[1], c.e instanceof RangeError, c.e.message, c.n.length, 1 in c.n] })()",
            [true, true, 5, 1, true, "/a/gi", 2, true, "no", 3, false]
        ),
        (
            "(() => { try { structuredClone(() => 1) } catch (e) { return [e.name, e.code] } })()",
            ["DataCloneError", 25]
        ),
        (
            "(() => { const b = new ArrayBuffer(4); const c = structuredClone(b, { transfer: [b] }); return "
                + "[b.byteLength, c.byteLength] })()",
            [0, 4]
        ),
        (
            "[typeof queueMicrotask, typeof setImmediate, typeof fetch, typeof Buffer]",
            ["function", "function", "undefined", "undefined"]
        ),
    ]

    @Test func `Each global does what the web says`() async throws {
        try await withRuntime { runtime in
            for (expression, expected) in Self.expressions {
                let source = """
                    const hex = buffer => [...new Uint8Array(buffer)].map(byte => byte.toString(16).padStart(2, '0')).join('');
                    const bytes = text => new TextEncoder().encode(text);
                    async function handler() { return await (\(expression)); }
                    """
                do {
                    let value = try await runtime.value(.js(source))
                    #expect(value == expected, "\(expression)")
                } catch {
                    Issue.record(error, "\(expression)")
                }
            }
        }
    }

    @Test func `They are there before and after the snapshot, and a function may replace them`() async throws {
        try await withRuntime { runtime in
            let source = """
                function atob() { return 'mine' }
                globalThis.Headers = class Mine {};
                let before = Object.keys(globalThis).includes('URL');
                function handler() { return [atob('x'), new Headers().constructor.name, before, new URL('http://a').href, btoa('a'), typeof crypto.subtle] }
                """
            for _ in 0..<8 {
                try await #expect(runtime.value(.js(source)) == ["mine", "Mine", false, "http://a/", "YQ==", "object"])
            }
        }
    }

    @Test func `Random numbers differ from call to call`() async throws {
        try await withRuntime { runtime in
            var seen: Set<JSONValue> = []
            for _ in 0..<8 {
                seen.insert(try await runtime.value(.js("function handler() { return crypto.randomUUID() }")))
            }
            #expect(seen.count == 8)
        }
    }

    @Test func `console formats as Node does`() async throws {
        let source = """
            function handler() {
              console.table([{ a: 1, b: 'x' }, { a: 2, c: true }]);
              console.table(['p']);
              console.group('outer');
              console.log({ a: [1, , 'x'], get g() { return 1 }, f() {}, n: null }, -0, 5n, Symbol('s'));
              console.groupEnd();
              console.log('%s is %d years and %i, %j %o %%', 'Ada', 36.5, 36.9, { a: 1 }, [1]);
              console.log(new Map([['k', { v: 1 }]]), new Set([1]), new Error('boom').message, [undefined]);
              console.assert(1 === 2, 'no %s', 'way');
              console.count('x'); console.count('x'); console.countReset('x'); console.count('x');
              console.dir({ a: { b: { c: { d: 1 } } } });
            }
            """
        try await withRuntime { runtime in
            let lines = try await runtime.invoke(.js(source)).logs.map(\.text)
            #expect(
                lines == [
                    """
                    ┌─────────┬───┬─────┬──────┐
                    │ (index) │ a │ b   │ c    │
                    ├─────────┼───┼─────┼──────┤
                    │ 0       │ 1 │ 'x' │      │
                    │ 1       │ 2 │     │ true │
                    └─────────┴───┴─────┴──────┘
                    """,
                    """
                    ┌─────────┬────────┐
                    │ (index) │ Values │
                    ├─────────┼────────┤
                    │ 0       │ 'p'    │
                    └─────────┴────────┘
                    """,
                    "outer",
                    "  {\n    a: [ 1, <1 empty item>, 'x' ],\n    g: [Getter],\n    f: [Function: f],\n    n: null\n  "
                        + "} -0 5n Symbol(s)",
                    "Ada is 36.5 years and 36, {\"a\":1} [ 1, [length]: 1 ] %",
                    "Map(1) { 'k' => { v: 1 } } Set(1) { 1 } boom [ undefined ]",
                    "Assertion failed: no way", "x: 1", "x: 2", "x: 1",
                    "{ a: { b: { c: [Object] } } }",
                ])
        }
    }

    @Test func `console shows what Node's util shows`() async throws {
        let source = """
            const util = require('util');
            const around = { name: 'x' };
            around.self = around;
            class Point { x = 1; [util.inspect.custom](depth, options) { return `point ${depth} ${options.compact}` } }
            const values = [
              Buffer.from('hi'), around, new Point, [new Point], Object.assign(new Error('outer', { cause: new TypeError('inner') }), { code: 7 }),
              ['it\\'s', 'a\\\\b\\n\\x07'], new Map([[{ a: 1 }, new Set('ab')]]), Array.from({ length: 120 }, (_, i) => i), ['x\\n'.repeat(60)], [, 1],
              Object(1n), Object.create(null), async () => {}, new Uint8Array(2).buffer,
            ];
            exports.handler = () => {
              for (const value of values) console.log(value);
              console.log('%s|%o|%O', around, [1], new Point);
              return values.map(value => util.inspect(value)).concat(util.format('%s|%o|%O', around, [1], new Point));
            };
            """
        try await withRuntime { runtime in
            for _ in 0..<3 {
                let result = try await runtime.invoke(.js(source))
                let shown = result.logs.map(\.text)
                #expect(try result.value == .array(shown.map { .string($0) }))
                #expect(shown.count == 15)
                #expect(
                    shown[..<4] == [
                        "<Buffer 68 69>", "<ref *1> { name: 'x', self: [Circular *1] }", "point 2 3", "[ point 1 3 ]",
                    ])
                #expect(
                    shown[4].hasPrefix("Error: outer\n    at ")
                        && shown[4].contains(" {\n  code: 7,\n  [cause]: TypeError: inner\n      at "))
                #expect(shown[5] == #"[ "it's", 'a\\b\n\x07' ]"#)
                #expect(shown.last == "<ref *1> { name: 'x', self: [Circular *1] }|[ 1, [length]: 1 ]|point 2 3")
            }
        }
    }

    @Test func `console shows the same when the language's own functions are replaced`() async throws {
        let values = """
            const values = [{ a: [1, 'b', { c: new Map([['k', new Set([1])]]) }] }, [, 2, 3, 4, 5, 6, 7, 8], /x/g, new Date(0), Object('s'), new Uint8Array(2),
              () => 1, '\\u0007', new TypeError('e', { cause: [1] }), 2n, Symbol('s')];
            exports.handler = () => {
              for (let i = 0; i < values.length; i++) console.log(values[i], '%s');
              console.log('%s %d %j %o', values[0], '4', { a: [1] }, [values]);
              console.table([[1, { b: 2 }]]);
              console.dir(values);
            };
            """
        let replace = """
            const { getOwnPropertyNames, getOwnPropertyDescriptor, defineProperty, getPrototypeOf } = Object;
            const replaced = { value() { throw 'replaced' } };
            for (const object of [Array, String, RegExp, Map, Set, Number, Date, Error, Function, Symbol, BigInt, getPrototypeOf(Uint8Array)].map(type => type.prototype).concat(Object, Reflect, JSON, Math, Array)) {
              for (const name of getOwnPropertyNames(object)) {
                if (name !== 'constructor' && typeof getOwnPropertyDescriptor(object, name).value === 'function') defineProperty(object, name, replaced);
              }
            }
            defineProperty(Array.prototype, Symbol.iterator, replaced);
            defineProperty(Object.prototype, 0, { set() { throw 'replaced' } });
            """
        try await withRuntime { runtime in
            let expected = try await runtime.invoke(.js(values)).logs.map(\.text)
            #expect(expected.count == 14)
            // In the first call the formatter is evaluated when everything is replaced already, in the later ones
            // before.
            for _ in 0..<3 {
                let result = try await runtime.invoke(.js("\(values)\n\(replace)"))
                #expect(try result.value == nil)
                #expect(result.logs.map(\.text) == expected)
            }
        }
    }

    @Test func `A function that replaces what the language has built in changes its own answers only`() async throws {
        let source = """
            const define = Object.defineProperty, nothing = () => { throw new Error('replaced') };
            const sabotage = () => {
              JSON.stringify = () => '"from the guest"';
              JSON.parse = nothing;
              for (const [prototype, names] of [
                [String.prototype, ['split', 'slice', 'indexOf', 'replaceAll', 'charCodeAt', 'toWellFormed', 'startsWith']],
                [Map.prototype, ['get', 'set', 'has', 'delete', 'forEach']], [Promise.prototype, ['then', 'catch', 'finally']],
                [Array.prototype, ['push', 'map', 'join', 'forEach']], [Function.prototype, ['call', 'apply', 'bind']],
                [Error.prototype, ['toString']], [Object.prototype, ['toString', 'hasOwnProperty', 'valueOf']],
              ]) for (const name of names) prototype[name] = nothing;
              String.prototype[Symbol.split] = String.prototype[Symbol.replace] = nothing;
              Reflect.apply = Object.keys = Object.create = Math.floor = Math.max = nothing;
              for (const index of [0, 1, 2, 3]) define(Array.prototype, index, { __proto__: null, set: nothing, get: nothing, configurable: true });
              for (const name of ['get', 'set', 'value', 'writable', 'kind', 'callback', 'due', 'id', 'interval', 'name'])
                define(Object.prototype, name, { __proto__: null, set: nothing, get: nothing, configurable: true });
              Array.prototype[Symbol.iterator] = nothing;
            };
            async function handler(event) {
              sabotage();
              console.log('one', 2);
              console.log(new URL('http://a/b').href, new TextDecoder().decode(new TextEncoder().encode('é')));
              await new Promise(resolve => setTimeout(resolve, 2));
              if (event.fails) throw new TypeError('as it should');
              return { answer: 42 };
            }
            """
        try await withRuntime { runtime in
            for _ in 0..<6 {
                let result = try await runtime.invoke(.js(source))
                #expect(String(decoding: result.json, as: UTF8.self) == #"{"answer":42}"#)
                #expect(result.logs.map(\.text) == ["one 2", "http://a/b é"])
                let error = await #expect(throws: HandlerError.self) {
                    try await runtime.invoke(.js(source, ["fails": true]))
                }
                #expect(error?.errorType == "TypeError")
                #expect(error?.message == "as it should")
                #expect(error?.stackTrace.first?.contains("function.js:23:") == true, "\(error?.stackTrace ?? [])")
            }
        }
    }
}
