import Telemetry
import Testing

@Suite struct TimestampReadingTests {
    @Test func `what is written is read back, for every day of four centuries`() {
        for day in stride(from: 0, through: 146_097, by: 13) {
            let time = Timestamp(nanosecondsSinceEpoch: UInt64(day) * 86_400_000_000_000 + 45_296_789_000_000)
            #expect(Timestamp(rfc3339: time.rfc3339)?.nanosecondsSinceEpoch == time.nanosecondsSinceEpoch)
        }
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
