import FunctionModel
import JSON
import Testing

@Suite struct JSONCheckTests {
    private func check(_ bytes: some Sequence<UInt8>) -> Bool { Array(bytes).withUnsafeBufferPointer { isJSON($0) } }

    @Test(arguments: [
        "null", " true ", "false\n", "0", "-0", "-1.5e+10", "1E5", "1e999", "12345678901234567890123", "\"\"",
        #""a\"b""#,
        #""\u00e9\ud800\n\/""#, "\"é🙂\"", "[]", "[ ]", "{}", "{ }", "[1,[2,{\"a\":[]}],{}]",
        #"{"a":1,"a":{"b":[null]}}"#,
    ])
    func `Documents are recognised`(text: String) { #expect(check(text.utf8)) }

    @Test(arguments: [
        "", " ", "nul", "nulll", "True", "NaN", "Infinity", "-", "+1", "01", "1.", ".5", "1e", "1e+", "--1", "0x1",
        "\"",
        "\"a", #""\"#, "\"\\x\"", #""\u12g4""#, #""\u123"#, "\"\t\"", "\"\u{0}\"", "[", "]", "[1", "[1,", "[1,]",
        "[,1]",
        "[1 2]",
        "{", "}", "{]", "[}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:1}", "{,}", "[1}", "{\"a\":1]", "1 2",
        "null,", "// x\n1",
        "\u{feff}1", "'a'", "[1],", "{} []", ",", ":", "<html>",
    ])
    func `Everything else is not`(text: String) { #expect(!check(text.utf8)) }

    @Test func `Text that is not UTF-8 is not JSON`() {
        for bytes in [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf5, 0x80, 0x80, 0x80]] as [[UInt8]] {
            #expect(!check([0x22] + bytes + [0x22]))
        }
    }

    @Test(arguments: [1, 63, 64, 65, 127, 128, 129, 1000, 100_000])
    func `Depth has no limit, and each end is that of what is open`(depth: Int) {
        let kinds = (0..<depth).map { $0 % 3 == 0 }
        func document(_ ends: [Bool]) -> String {
            kinds.map { $0 ? "{\"a\":" : "[" }.joined() + "1" + ends.map { $0 ? "}" : "]" }.joined()
        }
        #expect(check(document(kinds.reversed()).utf8))
        var wrong = Array(kinds.reversed())
        wrong[depth / 2].toggle()
        #expect(!check(document(wrong).utf8))
        #expect(!check(document(kinds.reversed() + [false]).utf8))
        #expect(!check(document(kinds.reversed().dropLast()).utf8))
    }

    @Test func `A number that the reader has no room for is JSON`() { #expect(check("[1e400]".utf8)) }

    @Test func `It agrees with the reader on documents that have been damaged`() {
        let document = Array(#"{"a":[1,-2.5e3,"x\u00e9\n",true,null],"b":{"c":"é🙂","d":[[],{}]}} "#.utf8)
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = document
            for _ in 0..<Int.random(in: 1...2, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.insert(document.randomElement() ?? 0, at: place)
                }
            }
            let error = JSONError.first(in: bytes)
            // The reader stops at a number that it has no room for, and does not see what comes after it.
            if error?.description.contains("number is too large") == true { continue }
            #expect(check(bytes) == (error == nil), "\(bytes)")
        }
    }
}
