import FunctionModel
import Testing

/// Documents nobody thought of. To repeat a failure, use the seed it prints.
@Suite("Reading any bytes as JSON")
struct JSONFuzzTests {
    private static let seeds: [UInt64] = [1, 20_260_731, 0xfaa5]

    private static let documents = [
        #"{"id":"hello","list":[1,-2.5e3,true,false,null,"x"],"nested":{"a":{"b":[[],{}]}}}"#,
        #"["\u00e9\ud83d\ude00\n","é😀","\\\"\/",0,-0,1E+2,9223372036854775807,123456789012345678901234567890]"#,
        "// comment\n{\r\n  \"a\": 1, /* b */\r  \"c\": [1, 2,],\n}\n",
        "\u{feff} [ \"text\" , { \"k\" : \"v\" } ] // end",
    ].map { Array($0.utf8) }

    @Test("Changed documents end in a value or in an error with a place in the document", arguments: seeds)
    func mutations(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<5_000 {
            var bytes = Self.documents.randomElement(using: &random)!
            for _ in 0...Int.random(in: 0..<4, using: &random) { mutate(&bytes, using: &random) }
            try check(bytes, seed: seed)
        }
    }

    @Test("Random bytes do so too, and so do random pieces of JSON", arguments: seeds)
    func randomBytes(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let pieces =
            #"{ } [ ] , : "a" " 1 - 0.5 e9 true null // /* */ \u \ud800 é"#.split(separator: " ").map(String.init)
            + [" ", "\n"]
        for _ in 0..<3_000 {
            let count = Int.random(in: 0..<40, using: &random)
            try check((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }, seed: seed)
            try check((0..<count).flatMap { _ in Array(pieces.randomElement(using: &random)!.utf8) }, seed: seed)
        }
    }

    private func mutate(_ bytes: inout [UInt8], using random: inout SplitMix64) {
        guard !bytes.isEmpty else { return bytes.append(UInt8.random(in: 0...255, using: &random)) }
        let index = Int.random(in: 0..<bytes.count, using: &random)
        let end = min(bytes.count, index + Int.random(in: 1...8, using: &random))
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.removeSubrange(index..<end)
        case 3: bytes.insert(contentsOf: bytes[index..<end], at: Int.random(in: 0...bytes.count, using: &random))
        case 4: bytes.removeSubrange(index...)
        default: bytes.insert("{}[],:\"\\/*-.e0\n".utf8.randomElement(using: &random)!, at: index)
        }
    }

    private func check(_ bytes: [UInt8], seed: UInt64) throws {
        let strict = read(bytes, .strict, seed: seed)
        let lenient = read(bytes, .withComments, seed: seed)
        guard let strict else { return }
        #expect(strict == lenient, "seed \(seed): \(bytes)")
        for pretty in [false, true] {
            let written = strict.jsonBytes(pretty: pretty)
            #expect(try JSONValue(json: written) == strict, "seed \(seed): \(bytes)")
        }
    }

    private func read(_ bytes: [UInt8], _ syntax: JSONSyntax, seed: UInt64) -> JSONValue? {
        do throws(JSONError) {
            return try JSONValue(json: bytes, syntax: syntax)
        } catch {
            // The reader counts CR LF once, so these are at least as many; and there is no more than a column for each byte.
            let lines = 1 + bytes.count { $0 == 0x0a || $0 == 0x0d }
            let isInside = (1...lines).contains(error.line) && (1...bytes.count + 1).contains(error.column)
            #expect(isInside, "seed \(seed): \(error) in \(bytes)")
            return nil
        }
    }
}

/// A small generator of numbers that a seed repeats.
private struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
