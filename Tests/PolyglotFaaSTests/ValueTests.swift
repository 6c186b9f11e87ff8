import FunctionModel
import PolyglotFaaS
import Testing

/// What docs/values.md says, checked in both languages.
@Suite struct ValueTests {
    private static let echoes: [InvocationRequest] = [.js("exports.handler = event => event"), .python("def handler(event): return event")]

    @Test(arguments: echoes)
    func `JSON values cross both ways unchanged`(echo: InvocationRequest) async throws {
        let texts = [
            "null", "true", "0", "-1", "1.5", "\"\"", "[]", "{}", "9007199254740991", "-9007199254740991", "\"é🎉\"", "\"\\u0000\\u001f\"",
            "{\"a\":{\"b\":[1,null,{\"c\":\"d\"}]}}", "\"\\ud800\"", "[\"\\udfff x\"]", "{\"__proto__\":1,\"constructor\":2,\"then\":3,\"toJSON\":4}",
            "\"\u{2028}\u{2029}\u{feff}\"",
        ]
        try await withRuntime { runtime in
            for text in texts {
                var request = echo
                request.event = Array(text.utf8)
                let answer = try await runtime.text(request)
                #expect(try JSONValue(json: answer) == JSONValue(json: text), "\(echo.languageID): \(text) became \(answer)")
                if text.contains("\\ud") { #expect(answer.contains("\\ud")) }
            }
        }
    }

    @Test(arguments: echoes)
    func `An event of 10 MB and one nested 5,000 levels deep survive`(echo: InvocationRequest) async throws {
        try await withRuntime { $0.maximumResultBytes = 63 << 20 } _: { runtime in
            for text in ["\"" + String(repeating: "x", count: 10_000_000) + "\"", String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)] {
                var request = echo
                request.event = Array(text.utf8)
                let answer = try await runtime.invoke(request).json
                #expect(answer == request.event)
            }
        }
    }

    @Test(arguments: echoes)
    func `What is no JSON is refused with its place`(echo: InvocationRequest) async throws {
        try await withRuntime { runtime in
            for (bytes, message) in [
                (Array("{\"a\":1".utf8), "The event is not JSON: line 1, column 7:"), (Array("[1,\n 2,,]".utf8), "The event is not JSON: line 2, column 4:"),
                (Array("NaN".utf8), "The event is not JSON: line 1, column 1:"), (Array("{\"a\":1}".utf8) + [0], "The event is not JSON: line 1, column 8:"),
                ([0x22, 0xff, 0x22], "The event is not JSON: line 1, column 2:"), (Array(" ".utf8), "The event is not JSON: line 1, column 2:"),
            ] as [([UInt8], String)] {
                var request = echo
                request.event = bytes
                let error = try await #require(throws: InvalidEvent.self) { try await runtime.invoke(request) }
                #expect(error.message.hasPrefix(message), "\(error.message)")
            }
        }
    }

    @Test func `An event that is JSON but deeper than Python takes is refused in Python's words`() async throws {
        try await withRuntime { runtime in
            var request = InvocationRequest.python("def handler(event): pass")
            request.event = Array((String(repeating: "[", count: 13_000) + String(repeating: "]", count: 13_000)).utf8)
            let error = try await #require(throws: InvalidEvent.self) { try await runtime.invoke(request) }
            #expect(error.message.hasPrefix("The event cannot be read: maximum recursion depth exceeded"), "\(error.message)")
        }
    }

    @Test func `A Python result that needs a second look may be as deep as any other`() async throws {
        try await withRuntime { runtime in
            let source = "def handler(event):\n  value = [float('nan'), '\\ud800', {(1,): 1}]\n  for _ in range(3000): value = [value]\n  return value"
            let text = try await runtime.text(.python(source))
            let brackets = String(repeating: "[", count: 3000)
            #expect(text.hasPrefix(brackets + "[null,\"\\ud800\",{\"(1,)\":1}]"))
        }
    }

    @Test func `An event larger than a frame is refused before it is sent`() async throws {
        try await withRuntime { runtime in
            var request = InvocationRequest.js("exports.handler = () => 1")
            request.event = [UInt8](repeating: UInt8(ascii: " "), count: FunctionRuntime.maximumEventBytes + 1)
            await #expect(throws: PayloadTooLarge(limit: FunctionRuntime.maximumEventBytes)) { try await runtime.invoke(request) }
        }
    }

    @Test(arguments: echoes)
    func `No event at all is an empty object`(echo: InvocationRequest) async throws {
        try await withRuntime { runtime in
            var request = echo
            request.event = []
            try await #expect(runtime.text(request) == "{}")
        }
    }

    @Test(arguments: [
        ("undefined", "null"), ("null", "null"), ("NaN", "null"), ("[Infinity, -Infinity]", "[null,null]"), ("-0", "0"), ("1e21", "1e+21"),
        ("2n ** 70n", "1180591620717411303424"), ("new Date(0)", "\"1970-01-01T00:00:00.000Z\""), ("new Date(NaN)", "null"),
        ("new Map([['a', new Map([[1, 2]])]])", "{\"a\":{\"1\":2}}"), ("new Set([1, [2]])", "[1,[2]]"), ("new Uint8Array([1, 2, 255])", "\"AQL/\""),
        ("new Uint8Array([1]).buffer", "\"AQ==\""), ("new Float64Array([1.5, 2])", "[1.5,2]"), ("/a+/gi", "\"/a+/gi\""),
        ("new TypeError('bad')", "\"TypeError: bad\""), ("Symbol('x')", "null"), ("[Symbol('x'), undefined]", "[null,null]"),
        ("({ a: undefined, b: Symbol('x') })", "{}"), ("new (class A { constructor() { this.x = 1 } get y() { return 2 } z() {} })", "{\"x\":1}"),
        ("Object.create(null, { a: { value: 1, enumerable: true } })", "{\"a\":1}"), ("({ toJSON() { return 'own' } })", "\"own\""),
        ("new WeakMap", "\"[object WeakMap]\""), ("new String('s')", "\"s\""), ("[1, , 3]", "[1,null,3]"), ("(function* () { yield 1; yield [2] })()", "[1,[2]]"), ("new Map([[1, 2]]).values()", "[2]"), ("(function () { return arguments })(1, 2)", "{\"0\":1,\"1\":2}"),
        ("new DataView(new ArrayBuffer(1))", "\"AA==\""), ("new BigInt64Array([1n, -2n])", "[1,-2]"), ("new WeakSet", "\"[object WeakSet]\""),
        ("new WeakRef({})", "\"[object WeakRef]\""), ("[Promise.resolve(1)]", "[\"[object Promise]\"]"), ("Promise.resolve({ a: 1 })", "{\"a\":1}"),
        ("'\\ud800'", "\"\\ud800\""), ("({ get a() { return [1] } })", "{\"a\":[1]}"), ("true", "true"), ("'é'", "\"é\""), ("1.0", "1"),
        ("new URL('http://a/?b')", "\"http://a/?b\""), ("new Headers({ a: '1' })", "{}"), ("new Map([[1, 'a'], ['b', 2]])", "{\"1\":\"a\",\"b\":2}"),
    ])
    func `A JavaScript value becomes this JSON`(expression: String, json: String) async throws {
        try await withRuntime { runtime in try await #expect(runtime.text(.js("exports.handler = () => (\(expression))")) == json) }
    }

    @Test(arguments: [
        ("None", "null"), ("float('nan')", "null"), ("[float('inf'), -float('inf')]", "[null,null]"), ("-0.0", "-0.0"), ("1.0", "1.0"), ("2 ** 70", "1180591620717411303424"),
        ("(1, 2)", "[1,2]"), ("{1}", "[1]"), ("frozenset([1])", "[1]"), ("b'\\x01\\x02\\xff'", "\"AQL/\""), ("bytearray(b'\\x01')", "\"AQ==\""),
        ("datetime.date(2020, 1, 2)", "\"2020-01-02\""), ("datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc)", "\"2020-01-02T00:00:00+00:00\""),
        ("decimal.Decimal('1.10')", "\"1.10\""), ("fractions.Fraction(1, 3)", "\"1/3\""), ("uuid.UUID(int=1)", "\"00000000-0000-0000-0000-000000000001\""),
        ("Point(1, [Point(2, None)])", "{\"x\":1,\"y\":[{\"x\":2,\"y\":null}]}"), ("Color.RED", "\"red\""), ("(n for n in range(3))", "[0,1,2]"), ("range(3)", "[0,1,2]"),
        ("{1: 'a', 2.5: 'b', None: 'c', True: 'd', (1, 2): 'e'}", "{\"1\":\"d\",\"2.5\":\"b\",\"null\":\"c\",\"(1, 2)\":\"e\"}"), ("{'a': 1}.keys()", "[\"a\"]"),
        ("1 + 2j", "\"(1+2j)\""), ("pathlib.PurePosixPath('/a')", "\"/a\""), ("array.array('d', [1.5])", "[1.5]"), ("collections.OrderedDict(a=1)", "{\"a\":1}"),
        ("collections.deque([1])", "[1]"), ("Plain()", "\"plain!\""), ("types.MappingProxyType({'a': float('nan')})", "{\"a\":null}"), ("'\\ud800é'", "\"\\ud800\\u00e9\""),
    ])
    func `A Python value becomes this JSON`(expression: String, json: String) async throws {
        let source = """
            import array, collections, dataclasses, datetime, decimal, enum, fractions, pathlib, types, uuid
            @dataclasses.dataclass
            class Point:
              x: object
              y: object
            class Color(enum.Enum):
              RED = "red"
            class Plain:
              def __str__(self): return "plain!"
            def handler(event): return \(expression)
            """
        try await withRuntime { runtime in try await #expect(runtime.text(.python(source)) == json) }
    }

    @Test(arguments: [
        InvocationRequest.js("exports.handler = () => { const a = []; a.push(a); return a }"), .js("exports.handler = () => exports.handler"),
        .js("exports.handler = () => ({ nested: [class A {}] })"), .js("exports.handler = () => ({ toJSON() { throw new Error('no') } })"),
        .js("exports.handler = () => ({ get a() { throw new Error('no') } })"),
        .js("exports.handler = () => { let a = []; for (let i = 0; i < 1e6; i++) a = [a]; return a }"),
        .python("def handler(e):\n  a = []\n  a.append(a)\n  return a"), .python("def handler(e): return handler"), .python("def handler(e): return [int]"),
        .python("def handler(e):\n  a = {'x': float('nan')}\n  a['self'] = a\n  return a"),
        .python("def handler(e):\n  a = []\n  for i in range(1_000_000): a = [a]\n  return a"),
        .python("class E:\n  def __str__(self): raise ValueError\ndef handler(e): return E()"),
    ])
    func `A result without a JSON form is a clear error`(request: InvocationRequest) async throws {
        try await withRuntime { runtime in
            let error = try await #require(throws: ResultNotSerializable.self) { try await runtime.invoke(request) }
            #expect(error.message.hasPrefix("The result cannot be encoded as JSON: "), "\(error.message)")
        }
    }

    @Test func `Encodable events and Decodable results cross as themselves`() async throws {
        struct Order: Codable, Equatable {
            var name: String
            var amount: Int
            var tags: [String]?
        }
        try await withRuntime { runtime in
            let order = Order(name: "é", amount: 3, tags: nil)
            let request = try InvocationRequest(
                languageID: "python", sourceCode: "def handler(event): return {**event, 'amount': event['amount'] * 2}", encoding: order)
            let answer = try await runtime.invoke(request, as: Order.self)
            #expect(answer == Order(name: "é", amount: 6, tags: nil))
        }
    }
}
