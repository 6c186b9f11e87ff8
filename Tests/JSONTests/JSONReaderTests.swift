import FunctionModel
import JSON
import Testing

@Suite("Reading JSON")
struct JSONReaderTests {
    @Test("Every kind of value is read as itself")
    func kinds() throws {
        let value = try JSONValue(json: #" {"a": [null, true, false, 1, -2.5, "x"], "b": {}, "c": []} "#)
        #expect(value == ["a": [nil, true, false, 1, -2.5, "x"], "b": [:], "c": []])
    }

    @Test(
        "A whole number that fits 64 bits is an integer; any other number is the nearest double",
        arguments: [
            ("0", .integer(0)), ("-1", .integer(-1)),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .number(9_223_372_036_854_775_808)),
            ("1.0", .number(1)), ("1e2", .number(100)), ("1E+2", .number(100)), ("25e-1", .number(2.5)),
            ("1e-400", .number(0)),
        ] as [(String, JSONValue)])
    func numbers(text: String, expected: JSONValue) throws {
        #expect(try JSONValue(json: text) == expected)
    }

    @Test("-0 keeps its sign, as a double")
    func negativeZero() throws {
        let expected = Double(sign: .minus, exponent: 0, significand: 0)
        guard case .number(let zero) = try JSONValue(json: "-0") else {
            Issue.record("not a double")
            return
        }
        #expect(zero.bitPattern == expected.bitPattern)
    }

    @Test(
        "Escapes become what they stand for",
        arguments: [
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (#""\u003d\u00E9é""#, "=éé"),
            (#""\ud83d\ude00!""#, "😀!"),
            (#""\u0000""#, "\0"),
        ])
    func escapes(text: String, expected: String) throws {
        #expect(try JSONValue(json: text) == .string(expected))
    }

    @Test(
        "Half a surrogate pair becomes U+FFFD, and what follows is kept",
        arguments: [
            (#""\ud83d""#, "\u{fffd}"), (#""\ude00x""#, "\u{fffd}x"), (#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (#""\ud83d\u0041""#, "\u{fffd}A"), (#""\ud83d\n""#, "\u{fffd}\n"),
        ])
    func loneSurrogates(text: String, expected: String) throws {
        #expect(try JSONValue(json: text) == .string(expected))
    }

    @Test("Of members with the same name the last counts")
    func duplicates() throws {
        #expect(try JSONValue(json: #"{"a": 1, "a": 2}"#) == ["a": 2])
    }

    @Test(
        "An error says what is wrong, and at which line and column",
        arguments: [
            ("", "line 1, column 1: expected a value, but the document ends here"),
            ("{\n  \"id\": 1\n  \"x\": 2}", "line 3, column 3: expected ',' or '}' after the member \"id\""),
            ("[1 2]", "line 1, column 4: expected ',' or ']' after the element"),
            ("[1,\r\n 2", "line 2, column 3: expected ',' or ']' after the element, but the document ends here"),
            ("[1,\r 2,]", "line 2, column 4: a comma is not allowed before ']'"),
            ("{\"a\":1,}", "line 1, column 8: a comma is not allowed before '}'"),
            ("[,]", "line 1, column 2: expected a value"),
            ("{a: 1}", "line 1, column 2: expected the name of a member in double quotes"),
            ("{\"a\" 1}", "line 1, column 6: expected ':' after the name \"a\""),
            ("[\"é😀\", x]", "line 1, column 8: expected a value"),
            ("[\"é😀\", é]", "line 1, column 8: expected a value"),
            ("nul", "line 1, column 1: expected a value"),
            ("1 2", "line 1, column 3: expected nothing more after the value"),
            ("01", "line 1, column 1: a number must not begin with 0"),
            ("-", "line 1, column 2: expected a digit after '-', but the document ends here"),
            ("1.x", "line 1, column 3: expected a digit after the decimal point"),
            ("1e+", "line 1, column 4: expected a digit in the exponent, but the document ends here"),
            ("[1e999]", "line 1, column 2: the number is too large"),
            ("[\"abc", "line 1, column 2: the closing quote is missing"),
            ("\"a\nb\"", "line 1, column 3: control characters in text must be escaped"),
            ("\"\\x\"", "line 1, column 2: unknown escape: use one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u"),
            ("\"\\u12g4\"", "line 1, column 2: expected four hexadecimal digits after \\u"),
            ("\"\\", "line 1, column 2: unknown escape: use one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u"),
            ("1 // one", "line 1, column 3: comments are not allowed"),
            ("\u{feff}1", "line 1, column 1: a byte order mark is not allowed"),
        ])
    func errors(text: String, expected: String) {
        let error = #expect(throws: JSONError.self) { try JSONValue(json: text) }
        #expect(error?.description == expected)
    }

    @Test(
        "Bytes that are not UTF-8 are refused where they are",
        arguments: [
            ([0x22, 0x61, 0xff, 0x22], 3),
            ([0x22, 0xc3, 0xa9, 0xc0, 0xaf, 0x22], 3),
            ([0x22, 0xed, 0xa0, 0x80, 0x22], 2),
            ([0x22, 0xe2, 0x82, 0x22], 2),
            ([0x5b, 0x80], 2),
        ] as [([UInt8], Int)])
    func invalidUTF8(bytes: [UInt8], column: Int) {
        let expected = JSONError(message: "the text is not valid UTF-8", line: 1, column: column)
        #expect(throws: expected) { try JSONValue(json: bytes) }
    }

    @Test("As many arrays inside each other as allowed are read; one more is an error, however many follow")
    func depth() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSONValue(json: nested(JSONValue.maximumDepth))
        for bomb in [
            nested(JSONValue.maximumDepth + 1), nested(1_000_000), String(repeating: "{\"a\":[", count: 500_000),
        ] {
            let error = #expect(throws: JSONError.self) { try JSONValue(json: bomb) }
            #expect(error?.message == "more than 500 arrays and objects inside each other")
        }
    }

    @Test("A million digits end in an answer")
    func longNumbers() throws {
        let digits = String(repeating: "1", count: 1_000_000)
        #expect(throws: JSONError.self) { try JSONValue(json: digits) }
        #expect(try JSONValue(json: "0." + digits) == .number(1.0 / 9))
    }
}

@Suite("Reading JSON with comments")
struct JSONWithCommentsTests {
    @Test("Comments, commas before an end, and a byte order mark are skipped")
    func accepted() throws {
        let text = """
            \u{feff}// first
            {
              "a": /* in /* between */ 1, // "b": 2,
              "c": [1, 2, /**/], /***/
            } // last
            """
        #expect(try JSONValue(json: text, syntax: .withComments) == ["a": 1, "c": [1, 2]])
    }

    @Test("What looks like a comment in text is text")
    func commentInText() throws {
        #expect(try JSONValue(json: #"["// a", "/* b */"]"#, syntax: .withComments) == ["// a", "/* b */"])
    }

    @Test(
        "What is wrong in strict JSON is still wrong",
        arguments: [
            ("[,]", "line 1, column 2: expected a value"),
            ("[1,,]", "line 1, column 4: expected a value"),
            ("{,}", "line 1, column 2: expected the name of a member in double quotes"),
            ("[1,", "line 1, column 4: expected a value, but the document ends here"),
            ("1,", "line 1, column 2: expected nothing more after the value"),
            ("// only this", "line 1, column 13: expected a value, but the document ends here"),
            ("1 /* x\n", "line 1, column 3: the end of the comment, '*/', is missing"),
            ("1 /*/", "line 1, column 3: the end of the comment, '*/', is missing"),
            ("/ 1", "line 1, column 1: expected a comment: '//' or '/*'"),
            ("\u{feff}x", "line 1, column 1: expected a value"),
            ("1 \u{feff}", "line 1, column 3: expected nothing more after the value"),
        ])
    func refused(text: String, expected: String) {
        let error = #expect(throws: JSONError.self) { try JSONValue(json: text, syntax: .withComments) }
        #expect(error?.description == expected)
    }

    @Test("A comment that is not UTF-8 is refused where it is wrong")
    func invalidUTF8() {
        let bytes = Array("1 // é".utf8) + [0xff]
        #expect(throws: JSONError(message: "the text is not valid UTF-8", line: 1, column: 7)) {
            try JSONValue(json: bytes, syntax: .withComments)
        }
    }
}
