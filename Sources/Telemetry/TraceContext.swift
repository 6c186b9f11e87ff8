/// The trace that a call belongs to, as W3C Trace Context says it (`traceparent`, `tracestate`).
public struct TraceContext: Hashable, Sendable {
    /// `00-<32 hexadecimal digits>-<16>-<2>`: the span that a receiver's spans are children of.
    public let traceparent: String
    /// What tracing systems have added, unchanged; nil: nothing.
    public let tracestate: String?

    /// The longest `tracestate` that is passed on. The standard asks for at least 512 bytes.
    static let longestState = 1024

    /// - Returns: nil if `traceparent` is not valid. Then the request has no trace.
    public init?(traceparent: String, tracestate: String? = nil) {
        guard let form = Self.normalised(traceparent) else { return nil }
        self.traceparent = form
        let isUsable = tracestate.map { state in
            (1...Self.longestState).contains(state.utf8.count) && state.utf8.allSatisfy { (0x20...0x7e).contains($0) }
        }
        self.tracestate = isUsable == true ? tracestate : nil
    }

    /// 32 hexadecimal digits.
    public var traceID: String { String(traceparent.dropFirst(3).prefix(32)) }

    /// Whether a span of this trace should be recorded.
    public var isSampled: Bool { traceparent.utf8.last.map { $0 & 1 == 1 } ?? false }

    /// Of a version that is newer than this code, the part that this code knows, as version 00.
    private static func normalised(_ text: String) -> String? {
        let bytes = Array(text.utf8.prefix(56))
        guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
            isHex(bytes[0..<2]), isHex(bytes[3..<35]), isHex(bytes[36..<52]), isHex(bytes[53..<55]),
            !isZero(bytes[3..<35]), !isZero(bytes[36..<52])
        else { return nil }
        switch (bytes[0], bytes[1]) {
        case (UInt8(ascii: "f"), UInt8(ascii: "f")): return nil
        case (UInt8(ascii: "0"), UInt8(ascii: "0")): return text.utf8.count == 55 ? text : nil
        default:
            guard bytes.count == 55 || bytes[55] == dash else { return nil }
            return "00" + String(decoding: bytes[2..<55], as: UTF8.self)
        }
    }

    private static let dash = UInt8(ascii: "-")

    private static func isHex(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    private static func isZero(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.allSatisfy { $0 == 0x30 } }
}
