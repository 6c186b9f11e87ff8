import TestSupport
import Testing

@testable import WorkerProtocol

private let load = LoadMessage(
    isolation: .process, memoryBytes: 1 << 27, logBytes: 1 << 18, functionID: "hello", revision: "0123",
    functionName: "handler",
    sourceName: "hello.js",
    source: "let x = 'é🎉\0'",
    dependencies: [.init(name: "greeter", source: "module.exports = 1"), .init(name: "empty", source: "")],
    environment: [.init(name: "GREETING", value: "Hello"), .init(name: "EMPTY", value: "")],
    prime: [#"{"a":"é"}"#, "null"],
    sourceFolder: "/layers/source",
    packageFolder: "/layers/packages",
    learningMillis: 2500, imports: ModuleNames(keeping: ["json", "xml.dom"]))

private let failure = Failure(
    .handlerError, name: "TypeError", message: "bad", stackTrace: ["at a (x.js:1:2)", "at b (x.js:3:4)"], line: 3,
    column: 4)

@Suite struct MessageTests {
    @Test func `A load message reads back as it was written`() throws {
        #expect(try load.encoded().withUnsafeBytes { try LoadMessage($0) } == load)
    }

    @Test(arguments: [false, true])
    func `Names of modules read back as they were written`(areComplete: Bool) throws {
        let names = ModuleNames(keeping: ["PIL", "PIL.PngImagePlugin", "_io", "a1.b2"], areComplete: areComplete)
        #expect(try names.encoded().withUnsafeBytes { try ModuleNames($0) } == names)
    }

    @Test(arguments: [
        "", ".", "a.", ".a", "a..b", "1a", "a.1", "a-b", "a/b", "a b", "é", "a\0", "a\n", "__import__('os')",
        String(repeating: "a", count: ModuleNames.longestName + 1),
    ])
    func `A name that is no dotted identifier is neither sent nor read`(name: String) throws {
        #expect(ModuleNames(keeping: ["a", name, "b"]).names == ["a", "b"])
        var bytes = ModuleNames(keeping: []).encoded()
        bytes[1] = 1
        bytes += withUnsafeBytes(of: UInt32(name.utf8.count).littleEndian) { Array($0) } + Array(name.utf8)
        #expect(throws: ProtocolError.invalidValue(field: "module name")) {
            try bytes.withUnsafeBytes { try ModuleNames($0) }
        }
    }

    @Test func `More names than there may be are cut when they are sent, and refused when they are read`() throws {
        let many = (0...ModuleNames.maximumCount).map { "m\($0)" }
        let kept = ModuleNames(keeping: many)
        #expect(kept.names == Array(many.dropLast()))
        let long = ModuleNames(keeping: many.map { "\($0)_" + String(repeating: "x", count: 150) })
        #expect(long.encoded().count <= ModuleNames.maximumLength && long.names.count > 500)
        var bytes = kept.encoded()
        bytes.replaceSubrange(1..<5, with: withUnsafeBytes(of: UInt32.max) { Array($0) })
        #expect(throws: ProtocolError.invalidValue(field: "number of modules")) {
            try bytes.withUnsafeBytes { try ModuleNames($0) }
        }
        let tooLong = [UInt8](repeating: 0, count: ModuleNames.maximumLength + 1)
        #expect(throws: ProtocolError.self) { try tooLong.withUnsafeBytes { try ModuleNames($0) } }
    }

    @Test func `A failure reads back as it was written`() throws {
        #expect(try failure.encoded().withUnsafeBytes { try Failure($0) } == failure)
    }

    @Test func `A log line reads back as it was written`() throws {
        let message = LogMessage(level: 2, text: "line with ü\nand a break")
        #expect(try message.encoded().withUnsafeBytes { try LogMessage($0) } == message)
    }

    @Test(arguments: [
        InvokeHeader(requestID: "r-1", deadline: 42),
        InvokeHeader(requestID: "r-1", deadline: 42, traceparent: "00-4bf9-00f0-01", tracestate: "a=b"),
    ])
    func `An invocation's event is what follows its header`(header: InvokeHeader) throws {
        let payload = header.encoded() + Array("{}".utf8)
        #expect(header.encoded().count == header.encodedLength)
        try payload.withUnsafeBytes { bytes in
            let (read, event) = try InvokeHeader.decode(bytes)
            #expect(read == header)
            #expect(Array(event) == Array("{}".utf8))
        }
    }

    @Test(arguments: [
        ZygoteReport.started(
            engine: "Engine 1", layers: [SandboxLayer(.files, .active, "x"), SandboxLayer(.signals, .degraded, "")]),
        .forked(worker: 7, pid: 1234), .forkFailed(worker: 8, reason: "no memory"),
        .exited(worker: 9, status: 11),
    ])
    func `A zygote's report reads back as it was written`(report: ZygoteReport) throws {
        let bytes = report.encoded()
        #expect(bytes.count <= ZygoteReport.maximumLength)
        #expect(try bytes.withUnsafeBytes { try ZygoteReport($0) } == report)
    }

    @Test func `A zygote's reason is cut to fit a report`() throws {
        let bytes = ZygoteReport.forkFailed(worker: 1, reason: String(repeating: "é", count: 100_000)).encoded()
        #expect(bytes.count <= ZygoteReport.maximumLength)
    }

    @Test func `A request to fork reads back as it was written`() throws {
        let request = ZygoteRequest.fork(worker: 5, isSpare: true, priority: 2)
        #expect(try request.encoded().withUnsafeBytes { try ZygoteRequest($0) } == request)
    }
}

@Suite struct HostileMessageTests {
    @Test func `Any number at any place of a message fails or decodes`() {
        let messages = [
            load.encoded(), failure.encoded(), LogMessage(level: 1, text: "text").encoded(),
            InvokeHeader(requestID: "r", deadline: 1).encoded(),
            ZygoteRequest.fork(
                worker: 1, isSpare: true, priority: 1
            ).encoded(),
            ZygoteReport.started(engine: "x", layers: [SandboxLayer(.files, .missing, "y")]).encoded(),
            ZygoteReport.forked(worker: 1, pid: 1).encoded(), ZygoteReport.exited(worker: 1, status: 1).encoded(),
            ZygoteReport.forkFailed(worker: 1, reason: "no").encoded(),
        ]
        var numbers: [[UInt8]] = []
        for size in [4, 8] {
            for (low, high): (UInt8, UInt8) in [(0, 0), (0xff, 0xff), (0xff, 0x7f), (0, 0x80)] {
                numbers.append([UInt8](repeating: low, count: size - 1) + [high])
            }
        }
        var decoded = 0
        for message in messages {
            for place in 0..<message.count {
                for number in numbers where place + number.count <= message.count {
                    var bytes = message
                    bytes.replaceSubrange(place..<place + number.count, with: number)
                    bytes.withUnsafeBytes { bytes in
                        let readers: [(UnsafeRawBufferPointer) throws -> Void] = [
                            { _ = try LoadMessage($0) }, { _ = try Failure($0) },
                            { _ = try Failure(cut: $0, length: .max) },
                            { _ = try LogMessage($0) }, { _ = try InvokeHeader.decode($0) },
                            { _ = try ZygoteRequest($0) }, { _ = try ZygoteReport($0) },
                        ]
                        for read in readers where (try? read(bytes)) != nil { decoded += 1 }
                    }
                }
            }
        }
        #expect(decoded > 100)
    }

    @Test func `Every message that is cut short is refused`() {
        for bytes in [
            load.encoded(), failure.encoded(),
            ZygoteReport.started(engine: "x", layers: [SandboxLayer(.files, .missing, "y")]).encoded(),
        ] {
            for length in 0..<bytes.count {
                let cut = Array(bytes[..<length])
                #expect(throws: ProtocolError.self, "cut to \(length)") {
                    try cut.withUnsafeBytes { bytes in
                        switch bytes.first {
                        case 48: _ = try ZygoteReport(bytes)
                        case Failure.Kind.handlerError.rawValue: _ = try Failure(bytes)
                        default: _ = try LoadMessage(bytes)
                        }
                    }
                }
            }
        }
    }

    @Test func `Bytes after the end of a message are refused`() {
        let bytes = failure.encoded() + [0]
        #expect(throws: ProtocolError.trailingBytes(1)) { try bytes.withUnsafeBytes { try Failure($0) } }
    }

    @Test func `A length that points past the end is refused without being believed`() {
        // A string of 4 GiB in a message of a few bytes.
        let bytes: [UInt8] = [4, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 2]
        #expect(throws: ProtocolError.truncated(field: "error name")) { try bytes.withUnsafeBytes { try Failure($0) } }
    }

    @Test func `Text that is not UTF-8 is refused`() {
        #expect(throws: ProtocolError.invalidUTF8(field: "log line")) {
            try ([1, 0xff, 0xfe] as [UInt8]).withUnsafeBytes { try LogMessage($0) }
        }
    }

    @Test func `A log level that does not exist is refused`() {
        #expect(throws: ProtocolError.invalidValue(field: "log level")) {
            try ([4, 65] as [UInt8]).withUnsafeBytes { try LogMessage($0) }
        }
    }

    @Test func `A stack of more frames than anybody reads is refused`() {
        var bytes = Failure(.handlerError, message: "m").encoded()
        let count = UInt32(Failure.maximumStackTraceCount + 1)
        bytes.replaceSubrange(
            bytes.count - 4..<bytes.count, with: withUnsafeBytes(of: count.littleEndian) { Array($0) })
        #expect(throws: ProtocolError.invalidValue(field: "stack length")) {
            try bytes.withUnsafeBytes { try Failure($0) }
        }
    }

    /// Whatever the bytes, the answer is a value or an error. The seed is fixed, so a failure repeats.
    @Test func `Random and damaged bytes never do anything but fail or decode`() {
        var random = SeededGenerator(seed: 20_261_124)
        let valid = [
            load.encoded(), failure.encoded(), LogMessage(level: 1, text: "x").encoded(),
            ZygoteReport.exited(worker: 1, status: 2).encoded(),
        ]
        var decoded = 0
        for round in 0..<20_000 {
            var bytes: [UInt8]
            if round.isMultiple(of: 2) {
                bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
            } else {
                bytes = valid[Int.random(in: 0..<valid.count, using: &random)]
                for _ in 0...Int.random(in: 0...3, using: &random) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
            }
            bytes.withUnsafeBytes { bytes in
                if (try? LoadMessage(bytes)) != nil { decoded += 1 }
                if (try? Failure(bytes)) != nil { decoded += 1 }
                if (try? LogMessage(bytes)) != nil { decoded += 1 }
                if (try? InvokeHeader.decode(bytes)) != nil { decoded += 1 }
                if (try? ZygoteReport(bytes)) != nil { decoded += 1 }
                if (try? ZygoteRequest(bytes)) != nil { decoded += 1 }
                if bytes.count >= Frame.headerLength, (try? Frame.Header(bytes)) != nil { decoded += 1 }
            }
        }
        // Both ends of the range are reached, or the test says nothing.
        #expect(decoded > 1000)
    }
}
