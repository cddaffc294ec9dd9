import Telemetry
import Testing

@Suite struct TimestampReadingTests {
    @Test func `what is written is read back, for every day of four centuries`() {
        for day in stride(from: 0, through: 146_097, by: 13) {
            let time = Timestamp(nanosecondsSinceEpoch: UInt64(day) * 86_400_000_000_000 + 45_296_789_000_000)
            #expect(Timestamp(rfc3339: time.rfc3339)?.nanosecondsSinceEpoch == time.nanosecondsSinceEpoch)
        }
    }

    @Test(arguments: [(0, "19700101T000000Z"), (951_782_400, "20000229T000000Z"), (1_700_000_000, "20231114T221320Z"), (4_102_444_799, "20991231T235959Z")])
    func `the basic format`(seconds: Int, text: String) {
        let time = Timestamp(secondsSinceEpoch: seconds)
        #expect(time.basic == text)
        #expect(Timestamp(rfc3339: time.rfc3339)?.secondsSinceEpoch == seconds)
    }

    @Test func `what is later than the last time is the last time`() {
        #expect(Timestamp(rfc3339: "9999-12-31T23:59:59.999999999Z")?.rfc3339 == "2554-07-21T23:34:33.000Z")
        #expect(Timestamp(secondsSinceEpoch: .max).rfc3339 == "2554-07-21T23:34:33.000Z")
    }

    @Test func `offsets, fractions and dates`() {
        func seconds(_ text: String) -> UInt64? { Timestamp(rfc3339: text).map { $0.nanosecondsSinceEpoch / 1_000_000_000 } }
        #expect(seconds("1970-01-01") == 0)
        #expect(seconds("1970-01-01T01:00:00+01:00") == 0)
        #expect(seconds("1970-01-01T00:00:00-00:30") == 1800)
        #expect(seconds("2026-11-25T22:00Z") == 1_795_644_000)
        #expect(Timestamp(rfc3339: "1970-01-01T00:00:00.5Z")?.nanosecondsSinceEpoch == 500_000_000)
        for text in ["", "yesterday", "2026-13-01", "2026-01-01T", "2026-01-01T00:00:00", "2026-01-01T00:00:00Zx", "2026-01-01T24:00Z", "1970-01-01T00:00:00+01:00"] {
            #expect(Timestamp(rfc3339: text) == nil, "\(text)")
        }
    }
}
