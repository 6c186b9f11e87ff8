import FunctionModel
import Testing

@Suite struct FunctionReferenceTests {
    @Test(
        arguments: [
            ("hello", nil), ("a.b-c_1@3", .number(3)), ("hello@live", .alias("live")), ("hello@v-1_x", .alias("v-1_x")),
            ("hello@9223372036854775807", .number(.max)),
        ] as [(String, FunctionQualifier?)])
    func `A reference has an id, and perhaps a version or an alias`(text: String, version: FunctionQualifier?) throws {
        let reference = try FunctionReference(text)
        #expect(reference.version == version)
        #expect(reference.description == text)
    }

    @Test(arguments: [
        "", "@1", "hello@", "hello@0", "hello@-1", "hello@+1", "hello@1.0", "hello@ 1", "hello@1@2", "hello@_a", "h@é",
        "hello@9223372036854775808", "hello@a/b", "hello@1x", "hel lo@1", "hello@" + String(repeating: "a", count: 65),
    ])
    func `Anything else is refused`(text: String) {
        #expect(throws: InvalidRequest.self) { try FunctionReference(text) }
    }
}
