import FunctionModel
import PolyglotFaaS
import Testing

/// Values on their way through, in both languages, beyond what the tables of docs/values.md say (``ValueTableTests``).
@Suite struct ValueTests {
    private static let echoes: [InvocationRequest] = [
        .js("exports.handler = event => event"), .python("def handler(event): return event"),
    ]

    @Test(arguments: echoes)
    func `JSON values cross both ways unchanged`(echo: InvocationRequest) async throws {
        let texts = [
            "null", "true", "0", "-1", "1.5", "\"\"", "[]", "{}", "9007199254740991", "-9007199254740991", "\"é🎉\"",
            "\"\\u0000\\u001f\"",
            "{\"a\":{\"b\":[1,null,{\"c\":\"d\"}]}}", "\"\\ud800\"", "[\"\\udfff x\"]",
            "{\"__proto__\":1,\"constructor\":2,\"then\":3,\"toJSON\":4}",
            "\"\u{2028}\u{2029}\u{feff}\"",
        ]
        try await withRuntime { runtime in
            for text in texts {
                var request = echo
                request.event = Array(text.utf8)
                let answer = try await runtime.text(request)
                #expect(
                    try JSONValue(json: answer) == JSONValue(json: text), "\(echo.languageID): \(text) became \(answer)"
                )
                if text.contains("\\ud") { #expect(answer.contains("\\ud")) }
            }
        }
    }

    @Test(arguments: echoes)
    func `An event of 10 MB and one nested 5,000 levels deep survive`(echo: InvocationRequest) async throws {
        try await withRuntime {
            $0.maximumResultBytes = 63 << 20
        } _: { runtime in
            for text in [
                "\"" + String(repeating: "x", count: 10_000_000) + "\"",
                String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000),
            ] {
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
                (Array("{\"a\":1".utf8), "The event is not JSON: line 1, column 7:"),
                (Array("[1,\n 2,,]".utf8), "The event is not JSON: line 2, column 4:"),
                (Array("NaN".utf8), "The event is not JSON: line 1, column 1:"),
                (Array("{\"a\":1}".utf8) + [0], "The event is not JSON: line 1, column 8:"),
                ([0x22, 0xff, 0x22], "The event is not JSON: line 1, column 2:"),
                (Array(" ".utf8), "The event is not JSON: line 1, column 2:"),
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
            #expect(
                error.message.hasPrefix("The event cannot be read: maximum recursion depth exceeded"),
                "\(error.message)")
        }
    }

    @Test func `A Python result that needs a second look may be as deep as any other`() async throws {
        try await withRuntime { runtime in
            let source =
                "def handler(event):\n  value = [float('nan'), '\\ud800', {(1,): 1}]\n  for _ in range(3000): value = "
                + "[value]\n  return value"
            let text = try await runtime.text(.python(source))
            let brackets = String(repeating: "[", count: 3000)
            #expect(text.hasPrefix(brackets + "[null,\"\\ud800\",{\"(1,)\":1}]"))
        }
    }

    @Test func `An event larger than a frame is refused before it is sent`() async throws {
        try await withRuntime { runtime in
            var request = InvocationRequest.js("exports.handler = () => 1")
            request.event = [UInt8](repeating: UInt8(ascii: " "), count: FunctionRuntime.maximumEventBytes + 1)
            await #expect(throws: PayloadTooLarge(limit: FunctionRuntime.maximumEventBytes)) {
                try await runtime.invoke(request)
            }
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
        InvocationRequest.js("exports.handler = () => { const a = []; a.push(a); return a }"),
        .js("exports.handler = () => exports.handler"),
        .js("exports.handler = () => ({ nested: [class A {}] })"),
        .js("exports.handler = () => ({ toJSON() { throw new Error('no') } })"),
        .js("exports.handler = () => ({ get a() { throw new Error('no') } })"),
        .js("exports.handler = () => { let a = []; for (let i = 0; i < 1e6; i++) a = [a]; return a }"),
        .python("def handler(e):\n  a = []\n  a.append(a)\n  return a"), .python("def handler(e): return handler"),
        .python("def handler(e): return [int]"),
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
                languageID: "python", sourceCode: "def handler(event): return {**event, 'amount': event['amount'] * 2}",
                encoding: order)
            let answer = try await runtime.invoke(request, as: Order.self)
            #expect(answer == Order(name: "é", amount: 6, tags: nil))
        }
    }
}
