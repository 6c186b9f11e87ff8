import FunctionModel
import Telemetry
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000Z"), (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
        (1_795_643_369_123_456, "2026-11-25T21:49:29.123456Z"), (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
    ])
    func `A time is written and read as ISO 8601`(microseconds: Int64, text: String) {
        let time = Timestamp(microseconds: microseconds)
        #expect(time.description == text)
        #expect(Timestamp(iso: text) == time)
    }

    @Test func `Each day of four centuries is read as it was written`() {
        for day in stride(from: Int64(0), to: 146_097, by: 1) {
            let time = Timestamp(microseconds: day * 86_400_000_000)
            if Timestamp(iso: String(time.description.prefix(10))) != time { Issue.record("\(time)") }
        }
    }

    @Test(arguments: [
        ("2026-11-30", "2026-11-30T00:00:00.000000Z"), ("2026-11-30T14:03", "2026-11-30T14:03:00.000000Z"),
        ("2026-11-30 14:03:07", "2026-11-30T14:03:07.000000Z"),
        ("2026-11-30t14:03:07.5z", "2026-11-30T14:03:07.500000Z"),
        ("2026-11-30T14:03:07.1234567+01:00", "2026-11-30T13:03:07.123456Z"),
        ("2026-11-30T14:03-0530", "2026-11-30T19:33:00.000000Z"),
        ("1m", "2026-11-30T14:02:00.000000Z"), ("90s", "2026-11-30T14:01:30.000000Z"),
        ("2h", "2026-11-30T12:03:00.000000Z"), ("7d", "2026-11-23T14:03:00.000000Z"),
        ("999999999d", "1970-01-01T00:00:00.000000Z"),
    ])
    func `A parameter is a time or a time before now`(text: String, expected: String) throws {
        let now = try #require(Timestamp(iso: "2026-11-30T14:03:00Z"))
        #expect(try Timestamp(text, now: now, parameter: "since").description == expected)
    }

    @Test(arguments: [
        "", "yesterday", "2026-13-01", "2026-02-29", "2026-11-31", "2026-11-30T24:00", "2026-11-30T14:60",
        "2026-11-30T14", "2026-11-30T14:03:07.", "2026-11-30T14:03+1", "2026-11-30T14:03Zx", "1969-12-31", "10", "-5m",
        "m", "99999999999d", "2026-11-3０",
    ])
    func `A parameter that is not a time is named`(text: String) {
        let error = #expect(throws: InvalidRequest.self) { try Timestamp(text, parameter: "since") }
        #expect(error?.message.contains("'since'") == true)
    }
}
