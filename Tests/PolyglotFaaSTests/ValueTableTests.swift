import Foundation
import FunctionModel
import PolyglotFaaS
import TestSupport
import Testing

/// Each row of each table in docs/values.md, and a test that fails if the document has a row that is not here.
@Suite struct ValueTableTests {
    /// A row of the document, named after its first column.
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let checks: [Check]

        init(_ name: String, _ checks: Check...) { (self.name, self.checks) = (name, checks) }

        var testDescription: String { name }
    }

    /// What a handler in one language answers to an event.
    struct Check: Sendable {
        let language: String
        let event: String
        /// An expression in that language; the event is `event`.
        let value: String
        let answer: Answer

        static func js(_ value: String, _ json: String) -> Check {
            Check(language: "js", event: "null", value: value, answer: .json(json))
        }
        static func py(_ value: String, _ json: String) -> Check {
            Check(language: "python", event: "null", value: value, answer: .json(json))
        }
        static func js(_ value: String, refusedFor reason: String) -> Check {
            Check(language: "js", event: "null", value: value, answer: .refused(reason))
        }
        static func py(_ value: String, refusedFor reason: String) -> Check {
            Check(language: "python", event: "null", value: value, answer: .refused(reason))
        }
        static func both(_ event: String, js: String, py: String) -> [Check] {
            [
                Check(language: "js", event: event, value: "show(event)", answer: .json(js)),
                Check(language: "python", event: event, value: "ascii(event)", answer: .json(py)),
            ]
        }
    }

    enum Answer: Sendable {
        /// This text.
        case json(String)
        /// ``ResultNotSerializable``, with this in its message.
        case refused(String)
    }

    // MARK: The document

    @Test func `Every row of every table in docs/values.md has a test here`() throws {
        let tables = try Self.documentedRows()
        #expect(tables["Event: from JSON to the handler"] == Self.events.map(\.name))
        #expect(tables["JavaScript"] == Self.javaScript.map(\.name))
        #expect(tables["Python"] == Self.python.map(\.name))
        #expect(tables["Limits"] == Self.limits.map(\.name))
        #expect(tables.count == 4, "A table that no test knows: \(tables.keys.sorted())")
    }

    /// The first columns of each table, by the heading above it.
    private static func documentedRows() throws -> [String: [String]] {
        let text = try String(contentsOf: Binaries.repository.appendingPathComponent("docs/values.md"), encoding: .utf8)
        var (heading, isBody) = ("", false)
        var tables: [String: [String]] = [:]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("#") { heading = String(line.drop { $0 == "#" }).trimmingCharacters(in: .whitespaces) }
            guard line.hasPrefix("|") else {
                isBody = false
                continue
            }
            if line.hasPrefix("|---") {
                isBody = true
            } else if isBody {
                let cell = line.dropFirst().prefix { $0 != "|" }
                tables[heading, default: []].append(cell.replacing("`", with: "").trimmingCharacters(in: .whitespaces))
            }
        }
        return tables
    }

    // MARK: Events

    private static let events = [
        Row(
            event: "object",
            Check.both(#"{"a":{"b":1}}"#, js: #""[object Object] {\"a\":{\"b\":1}}""#, py: #""{'a': {'b': 1}}""#)),
        Row(event: "array", Check.both("[1,[]]", js: #""[object Array] [1,[]]""#, py: #""[1, []]""#)),
        Row(
            event: "text", Check.both(#""a\u0000é""#, js: #""[object String] \"a\\u0000é\"""#, py: #""'a\\x00\\xe9'""#)),
        Row(
            event: "true, false, null", Check.both("true", js: #""[object Boolean] true""#, py: #""True""#),
            Check.both("false", js: #""[object Boolean] false""#, py: #""False""#),
            Check.both("null", js: #""[object Null] null""#, py: #""None""#)),
        Row(event: "1", Check.both("1", js: #""[object Number] 1""#, py: #""1""#)),
        Row(
            event: "1.0, 1e2", Check.both("1.0", js: #""[object Number] 1""#, py: #""1.0""#),
            Check.both("1e2", js: #""[object Number] 100""#, py: #""100.0""#)),
        Row(event: "-0", Check.both("-0", js: #""[object Number] -0""#, py: #""0""#)),
        Row(
            event: "integer beyond 2^53",
            Check.both("9007199254740993", js: #""[object Number] 9007199254740992""#, py: #""9007199254740993""#),
            [
                Check(
                    language: "python", event: String(repeating: "9", count: 4300), value: "event % 1000",
                    answer: .json("999"))
            ]),
        Row(event: "1e400", Check.both("1e400", js: #""[object Number] Infinity""#, py: #""inf""#)),
        Row(
            event: "the same name twice",
            Check.both(#"{"a":1,"a":2,"b":3}"#, js: #""[object Object] {\"a\":2,\"b\":3}""#, py: #""{'a': 2, 'b': 3}""#)
        ),
        Row(
            event: #"half a surrogate pair, "\ud800""#,
            Check.both(#""\ud800x""#, js: #""[object String] \"\\ud800x\"""#, py: #""'\\ud800x'""#)),
        Row(event: "nothing at all", Check.both("", js: #""[object Object] {}""#, py: #""{}""#)),
    ]

    @Test(arguments: events) func `An event becomes what the document says, in both languages`(row: Row) async throws {
        try await run(row)
    }

    @Test func `What is not JSON as RFC 8259 has it is refused with its place`() async throws {
        try await withRuntime { runtime in
            for text in ["1 // one", "/* one */ 1", "[1,]", "{\"a\":1,}", "NaN", "\u{feff}1", " ", "'a'"] {
                for var request in [
                    InvocationRequest.js("exports.handler = event => event"),
                    .python("def handler(event): return event"),
                ] {
                    request.event = Array(text.utf8)
                    let error = await #expect(throws: InvalidEvent.self) { try await runtime.invoke(request) }
                    #expect(
                        error?.message.hasPrefix("The event is not JSON: line 1, column ") == true,
                        "\(text): \(error?.message ?? "")")
                }
            }
        }
    }

    // MARK: Results

    private static let javaScript = [
        Row(
            "object", .js("({ a: 1, b: { c: 'd' } })", #"{"a":1,"b":{"c":"d"}}"#),
            .js(
                "Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true }, hidden: { value: 3 } })",
                #"{"own":2}"#),
            .js("(function () { return arguments })(1, 2)", #"{"0":1,"1":2}"#)),
        Row("array", .js("[1, , [3]]", "[1,null,[3]]")),
        Row(
            "string, boolean, null", .js("'é\"'", #""é\"""#), .js("true", "true"), .js("null", "null"),
            .js("new String('s')", #""s""#)),
        Row("number", .js("1.0", "1"), .js("-0", "0"), .js("1.5", "1.5"), .js("1e21", "1e+21")),
        Row("NaN, Infinity", .js("NaN", "null"), .js("[Infinity, -Infinity]", "[null,null]")),
        Row(
            "undefined, a symbol", .js("undefined", "null"), .js("Symbol('x')", "null"),
            .js("[Symbol('x'), undefined]", "[null,null]"),
            .js("({ a: undefined, b: Symbol('x'), c: 1 })", #"{"c":1}"#)),
        Row("BigInt", .js("2n ** 70n", "1180591620717411303424"), .js("[-1n]", "[-1]")),
        Row("Date", .js("new Date(0)", #""1970-01-01T00:00:00.000Z""#), .js("new Date(NaN)", "null")),
        Row(
            "Map", .js("new Map([['a', new Map([[1, 2]])]])", #"{"a":{"1":2}}"#),
            .js("new Map([['b', 2], [1, 'a']])", #"{"1":"a","b":2}"#)),
        Row("Set", .js("new Set([1, [2]])", "[1,[2]]")),
        Row(
            "Uint8Array, ArrayBuffer, DataView", .js("new Uint8Array([1, 2, 255])", #""AQL/""#),
            .js("new Uint8Array([1]).buffer", #""AQ==""#),
            .js("new DataView(new ArrayBuffer(1))", #""AA==""#)),
        Row(
            "any other typed array", .js("new Float64Array([1.5, NaN])", "[1.5,null]"),
            .js("new BigInt64Array([1n, -2n])", "[1,-2]"),
            .js("new Uint8ClampedArray([300])", "[255]")),
        Row("RegExp", .js("/a+/gi", #""/a+/gi""#)),
        Row("Error", .js("new TypeError('boom')", #""TypeError: boom""#)),
        Row(
            "promise, thenable", .js("Promise.resolve({ a: 1 })", #"{"a":1}"#), .js("({ then(f) { f(5) } })", "5"),
            .js("[Promise.resolve(1)]", #"["[object Promise]"]"#)),
        Row(
            "WeakMap, WeakSet, WeakRef", .js("new WeakMap", #""[object WeakMap]""#),
            .js("new WeakSet", #""[object WeakSet]""#),
            .js("new WeakRef({})", #""[object WeakRef]""#)),
        Row(
            "object with toJSON", .js("({ toJSON() { return 'own' } })", #""own""#),
            .js("({ toJSON() { throw new Error('no way') } })", refusedFor: "no way")),
        Row(
            "class instance",
            .js("new (class A { constructor() { this.x = 1 } get y() { return 2 } z() {} })", #"{"x":1}"#)),
        Row(
            "generator, iterator", .js("(function* () { yield 1; yield [2] })()", "[1,[2]]"),
            .js("new Map([[1, 2]]).values()", "[2]"),
            .js("(() => { const g = (function* () { yield 1; yield 2 })(); g.next(); return g })()", "[2]")),
        Row(
            "URL", .js("new URL('http://a/?b')", #""http://a/?b""#), .js("new URLSearchParams('a=1')", "{}"),
            .js("new Headers({ a: '1' })", "{}"), .js("new Blob(['x'])", "{}")),
        Row(
            "a getter", .js("({ get a() { return [1] } })", #"{"a":[1]}"#),
            .js("({ get a() { throw new Error('no way') } })", refusedFor: "no way")),
        Row(
            "function, class", .js("() => 1", refusedFor: "function"),
            .js("({ nested: [class A {}] })", refusedFor: "function")),
        Row("a cycle", .js("(() => { const a = []; a.push(a); return a })()", refusedFor: "cycl")),
        Row("half a surrogate pair", .js(#"'\ud800é'"#, #""\ud800é""#)),
    ]

    private static let python = [
        Row(
            "dict, other mappings", .py("{'a': {'b': 1}}", #"{"a":{"b":1}}"#),
            .py("collections.OrderedDict(a=1)", #"{"a":1}"#),
            .py("collections.UserDict(a=1)", #"{"a":1}"#),
            .py("types.MappingProxyType({'a': float('nan')})", #"{"a":null}"#),
            // The keys, as the paragraph below the table has them.
            .py(
                "{1: 'a', 2.5: 'b', None: 'c', True: 'd', (1, 2): 'e', 's': 'f'}",
                #"{"1":"d","2.5":"b","null":"c","(1, 2)":"e","s":"f"}"#),
            .py("{True: 1}", #"{"true":1}"#)),
        Row(
            "list, tuple, named tuple, range, deque, other sequences", .py("[1, [2]]", "[1,[2]]"),
            .py("(1, 2)", "[1,2]"),
            .py("Pair(1, 2)", "[1,2]"), .py("range(3)", "[0,1,2]"), .py("collections.deque([1])", "[1]"),
            .py("collections.UserList([1])", "[1]")),
        Row(
            "str, bool, None", .py("'é\"'", #""é\"""#), .py("collections.UserString('s')", #""s""#),
            .py("True", "true"), .py("None", "null")),
        Row(
            "int", .py("2 ** 70", "1180591620717411303424"),
            .py("10 ** 4299", "1" + String(repeating: "0", count: 4299)),
            .py("10 ** 4300", refusedFor: "4300")),
        Row("float", .py("1.0", "1.0"), .py("-0.0", "-0.0"), .py("0.1", "0.1")),
        Row("nan, inf", .py("float('nan')", "null"), .py("[float('inf'), -float('inf')]", "[null,null]")),
        Row("set, frozenset", .py("{1}", "[1]"), .py("frozenset([1])", "[1]")),
        Row(
            "generator, iterator, dict view", .py("(n for n in range(3))", "[0,1,2]"), .py("[iter((1, 2))]", "[[1,2]]"),
            .py("{'a': 1}.keys()", #"["a"]"#),
            .py("{'a': 1}.values()", "[1]"), .py("{'a': 1}.items()", #"[["a",1]]"#), .py("stream()", "[1,2]")),
        Row(
            "bytes, bytearray, memoryview", .py(#"b'\x01\x02\xff'"#, #""AQL/""#),
            .py(#"bytearray(b'\x01')"#, #""AQ==""#),
            .py(#"memoryview(b'\x01')"#, #""AQ==""#)),
        Row(
            "datetime, date, time",
            .py("datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc)", #""2020-01-02T00:00:00+00:00""#),
            .py("datetime.date(2020, 1, 2)", #""2020-01-02""#), .py("datetime.time(1, 2)", #""01:02:00""#)),
        Row(
            "Decimal, Fraction, UUID, Path, timedelta", .py("decimal.Decimal('1.10')", #""1.10""#),
            .py("fractions.Fraction(1, 3)", #""1/3""#),
            .py("uuid.UUID(int=1)", #""00000000-0000-0000-0000-000000000001""#), .py("pathlib.Path('/a')", #""/a""#),
            .py("datetime.timedelta(hours=1)", #""1:00:00""#)),
        Row("dataclass", .py("Point(1, [Point(2, None)])", #"{"x":1,"y":[{"x":2,"y":null}]}"#)),
        // Stand-ins: the packages are not on every machine.
        Row(
            "model of pydantic, class of attrs or msgspec", .py("[Model()]", #"[{"x":1}]"#),
            .py("Attrs()", #"{"x":[1]}"#), .py("Struct()", #"{"x":"red"}"#)),
        Row("Enum", .py("Color.RED", #""red""#), .py("Number.ONE", "1")),
        Row(
            "array.array, other objects with tolist()", .py("array.array('d', [1.5])", "[1.5]"),
            .py("Table()", "[[1,2]]")),
        Row("exception", .py("ValueError('boom')", #""boom""#)),
        Row("any other object", .py("1 + 2j", #""(1+2j)""#), .py("Plain()", #""plain!""#)),
        Row(
            "function, method, class", .py("lambda: 1", refusedFor: "function or class"),
            .py("len", refusedFor: "function or class"),
            .py("[Plain().__str__]", refusedFor: "__str__"), .py("{'a': int}", refusedFor: "'int'")),
        Row("a cycle", .py("cycle()", refusedFor: "Circular"), .py("[float('nan'), cycle()]", refusedFor: "Circular")),
        Row("half a surrogate pair", .py(#"'\ud800é'"#, #""\ud800\u00e9""#), .py(#"{'\ud800': 1}"#, #"{"\ud800":1}"#)),
    ]

    @Test(arguments: javaScript) func `A JavaScript value becomes the JSON that the document says`(row: Row)
        async throws
    { try await run(row) }

    @Test(arguments: python) func `A Python value becomes the JSON that the document says`(row: Row) async throws {
        try await run(row)
    }

    // MARK: Limits

    private static let limits = [
        Row(
            "nesting of an event",
            Check(language: "js", event: nested(1_000_000), value: "'read'", answer: .json(#""read""#)),
            Check(language: "python", event: nested(11_900), value: "'read'", answer: .json(#""read""#))),
        Row(
            "nesting of a result", .js("deep(20_000).length", "1"),
            Check(language: "js", event: "null", value: "deep(20_000)", answer: .json(nested(20_001))),
            .js("deep(50_000)", refusedFor: "call stack"),
            Check(language: "python", event: "null", value: "deep(11_900)", answer: .json(nested(11_901))),
            .py("deep(12_100)", refusedFor: "recursion"), .py("len(deep(5_900, float('nan')))", "1"),
            Check(
                language: "python", event: "null", value: "deep(5_900, [float('nan')])",
                answer: .json(nested(5_901, "null"))),
            .py("deep(6_100, float('nan'))", refusedFor: "recursion")),
        Row(
            "length of a result", .js("'x'.repeat(64 << 20)", refusedFor: "the limit is 67108864 bytes"),
            .py("'x' * (64 << 20)", refusedFor: "the limit is 67108864 bytes"),
            .js("'x'.repeat(63 << 20)", refusedFor: "the limit is 66060288 bytes"),
            .py("'x' * (63 << 20)", refusedFor: "the limit is 66060288 bytes")
        ),
        Row(
            "length of an event",
            Check(
                language: "js", event: "\"" + String(repeating: "x", count: 8 << 20) + "\"", value: "event.length",
                answer: .json("8388608")),
            Check(
                language: "python", event: "\"" + String(repeating: "x", count: 8 << 20) + "\"", value: "len(event)",
                answer: .json("8388608"))),
    ]

    @Test(arguments: limits) func `A limit on values is where the document says`(row: Row) async throws {
        try await run(row)
    }

    private static func nested(_ depth: Int, _ core: String = "") -> String {
        String(repeating: "[", count: depth) + core + String(repeating: "]", count: depth)
    }

    // MARK: Running

    private func run(_ row: Row) async throws {
        try await withRuntime {
            $0.maximumResultBytes = 63 << 20
        } _: { runtime in
            for check in row.checks {
                var request =
                    check.language == "js"
                    ? InvocationRequest.js(Self.javaScriptSource(check.value)) : .python(Self.pythonSource(check.value))
                request.event = Array(check.event.utf8)
                request.limits.memoryMB = 1024
                switch check.answer {
                case .json(let json):
                    let answer = try await runtime.text(request)
                    #expect(answer == json, "\(check.language): \(check.value.prefix(100))")
                case .refused(let reason):
                    let error = await #expect(throws: ResultNotSerializable.self, "\(check.value)") {
                        try await runtime.invoke(request)
                    }
                    #expect(error?.message.contains(reason) == true, "\(check.value): \(error?.message ?? "")")
                }
            }
        }
    }

    private static func javaScriptSource(_ value: String) -> String {
        """
        const show = value => Object.prototype.toString.call(value) + ' ' + (typeof value === 'number' ? (Object.is(value, -0) ? '-0' : String(value)) : JSON.stringify(value));
        const deep = depth => { let value = []; for (let i = 0; i < depth; i++) value = [value]; return value };
        exports.handler = event => (\(value))
        """
    }

    private static func pythonSource(_ value: String) -> String {
        """
        import array, collections, dataclasses, datetime, decimal, enum, fractions, pathlib, types, uuid
        @dataclasses.dataclass
        class Point:
          x: object
          y: object
        class Color(enum.Enum):
          RED = "red"
        class Number(enum.IntEnum):
          ONE = 1
        class Model:
          def model_dump(self, mode): return {"x": 1} if mode == "json" else None
        class Attrs:
          __attrs_attrs__ = (types.SimpleNamespace(name="x"),)
          x = (1,)
        class Struct:
          __struct_fields__ = ("x",)
          x = Color.RED
        class Plain:
          def __str__(self): return "plain!"
        class Table:
          def tolist(self): return [[1, 2]]
        Pair = collections.namedtuple("Pair", "left right")
        async def stream():
          yield 1
          yield 2
        def cycle():
          value = []
          value.append(value)
          return value
        def deep(depth, value=()):
          value = list(value) if value == () else value
          for _ in range(depth): value = [value]
          return value
        def handler(event): return \(value)
        """
    }
}

extension ValueTableTests.Row {
    /// A row of the table of events, which says what becomes of the same text in both languages.
    init(event name: String, _ checks: [ValueTableTests.Check]...) {
        (self.name, self.checks) = (name, checks.flatMap { $0 })
    }
}
