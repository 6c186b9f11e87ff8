import Testing

@testable import WorkerProtocol

@Suite struct FrameTests {
    @Test func `A header reads back as it was written`() throws {
        let header = Frame.Header(payloadLength: 123_456, kind: 19)
        var bytes = [UInt8](repeating: 0xff, count: Frame.headerLength)
        bytes.withUnsafeMutableBytes { header.write(to: $0) }
        #expect(bytes == [0x40, 0xe2, 0x01, 0x00, 19])
        #expect(try bytes.withUnsafeBytes { try Frame.Header($0) } == header)
    }

    @Test func `A length above the limit is refused before anything is read`() {
        let bytes: [UInt8] = [0xff, 0xff, 0xff, 0xff, 19]
        #expect(throws: ProtocolError.frameTooLong(0xffff_ffff, limit: Frame.maximumPayloadLength)) {
            try bytes.withUnsafeBytes { try Frame.Header($0) }
        }
        #expect(throws: ProtocolError.self) { try Frame.Header(lengthField: 65, kind: 1, limit: 64) }
        #expect(throws: Never.self) { try Frame.Header(lengthField: 64, kind: 1, limit: 64) }
    }

    @Test func `A whole frame is its header and its payload`() {
        #expect(Frame.encode(kind: 16) == [0, 0, 0, 0, 16])
        #expect(Frame.encode(kind: 1, payload: [7, 8]) == [2, 0, 0, 0, 1, 7, 8])
    }
}
