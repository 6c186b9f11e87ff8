import FunctionModel
import JSON
import Testing

@Suite("Writing JSON")
struct JSONWriterTests {
    @Test("A document has no space, and its members are sorted by name")
    func compact() {
        let value: JSONValue = ["b": [1, 2.5, nil, true], "a": "x", "é": [:], "Z": []]
        #expect(value.jsonText() == #"{"Z":[],"a":"x","b":[1,2.5,null,true],"é":{}}"#)
    }

    @Test("A pretty document has one line for each member and element")
    func pretty() {
        let value: JSONValue = ["b": [1, ["c": 2]], "a": [:], "d": []]
        #expect(
            value.jsonText(pretty: true) == """
                {
                  "a": {},
                  "b": [
                    1,
                    {
                      "c": 2
                    }
                  ],
                  "d": []
                }
                """)
    }

    @Test("Quotes, backslashes and all control characters are escaped; nothing else is")
    func escapes() throws {
        #expect(JSONValue.string("\"\\/\n\r\t\0\u{1f}é😀").jsonText() == #""\"\\/\n\r\t\u0000\u001fé😀""#)
        let all = JSONValue.string(String(String.UnicodeScalarView((0...0x2100).compactMap { Unicode.Scalar($0) })))
        #expect(try JSONValue(json: all.jsonBytes()) == all)
    }

    @Test(
        "A double reads back as the same double, and never as an integer",
        arguments: [
            0, -0.0, 1, -3, 0.1, 1e15, 1e16, 1e100, 1.5e-7, .leastNonzeroMagnitude, .greatestFiniteMagnitude,
            9_007_199_254_740_992,
        ])
    func doubles(number: Double) throws {
        guard case .number(let read) = try JSONValue(json: JSONValue.number(number).jsonText()) else {
            Issue.record("read back as an integer")
            return
        }
        #expect(read.bitPattern == number.bitPattern)
    }

    @Test("A whole double prints with a decimal point, an integer without")
    func wholeNumbers() {
        #expect(JSONValue.number(1).jsonText() == "1.0")
        #expect(JSONValue.integer(.min).jsonText() == "-9223372036854775808")
    }

    @Test("Infinities and NaN, which JSON does not have, are null", arguments: [Double.infinity, -.infinity, .nan])
    func nonFinite(number: Double) {
        #expect(JSONValue.array([.number(number)]).jsonText() == "[null]")
    }
}
