import Telemetry
import Testing

/// The rules of W3C Trace Context.
@Suite struct TraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let valid = "00-\(trace)-00f067aa0ba902b7-01"

    @Test func `A valid header is passed on unchanged`() throws {
        let trace = try #require(TraceContext(traceparent: Self.valid, tracestate: "rojo=00f067aa0ba902b7,congo=t61"))
        #expect(trace.traceparent == Self.valid && trace.traceID == Self.trace && trace.isSampled)
        #expect(trace.tracestate == "rojo=00f067aa0ba902b7,congo=t61")
        #expect(TraceContext(traceparent: "00-\(Self.trace)-00f067aa0ba902b7-00")?.isSampled == false)
    }

    @Test(arguments: [
        "", "00", "00-\(trace)-00f067aa0ba902b7", "ff-\(trace)-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-\(trace)-0000000000000000-01",
        "00-\(trace.uppercased())-00f067aa0ba902b7-01", "00-\(trace)-00f067aa0ba902b7-01-extra",
        "00_\(trace)-00f067aa0ba902b7-01", "00-\(trace)-00f067aa0ba902bg-01", "0\u{e9}-\(trace)-00f067aa0ba902b7-01",
        "01-\(trace)-00f067aa0ba902b7-01x",
    ])
    func `A header that is not valid is no trace`(text: String) { #expect(TraceContext(traceparent: text) == nil) }

    @Test func `A newer version is passed on as the part that is known`() {
        let newer = "cc" + Self.valid.dropFirst(2)
        #expect(TraceContext(traceparent: newer)?.traceparent == Self.valid)
        #expect(TraceContext(traceparent: newer + "-what-the-future")?.traceparent == Self.valid)
    }

    @Test(arguments: ["", "a=b\r\nX: y", "a=\u{e9}", String(repeating: "a", count: 2000)])
    func `A state that cannot stand in a header is left out`(state: String) {
        let trace = TraceContext(traceparent: Self.valid, tracestate: state)
        #expect(trace != nil && trace?.tracestate == nil)
    }
}
