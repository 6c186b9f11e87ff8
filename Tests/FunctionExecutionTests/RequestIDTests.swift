import Telemetry
import Testing

@Suite struct RequestIDTests {
    @Test func `A made request id is a UUID of version 7, and never the same twice`() throws {
        let form = try Regex("^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        var (one, other) = (RequestIDs(), RequestIDs())
        let ids = (0..<10_000).map { _ in one.next() } + (0..<1000).flatMap { _ in [other.next(), RequestIDs.make()] }
        for id in ids { #expect(id.wholeMatch(of: form) != nil, "\(id)") }
        #expect(Set(ids).count == ids.count)
        #expect(ids.first!.prefix(8) <= ids.last!.prefix(8))
    }
}
