/// A calendar time in UTC, without Foundation.
public struct Timestamp: Sendable {
    public let nanosecondsSinceEpoch: UInt64

    public init(nanosecondsSinceEpoch: UInt64) { self.nanosecondsSinceEpoch = nanosecondsSinceEpoch }

    /// `2026-11-22T17:33:01.123Z` (RFC 3339, milliseconds).
    public var rfc3339: String {
        let (year, month, day, hour, minute, second) = self.civil
        func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
        let milliseconds = Int(self.nanosecondsSinceEpoch / 1_000_000 % 1000)
        let fraction = milliseconds < 10 ? "00\(milliseconds)" : milliseconds < 100 ? "0\(milliseconds)" : "\(milliseconds)"
        return "\(year)-\(two(month))-\(two(day))T\(two(hour)):\(two(minute)):\(two(second)).\(fraction)Z"
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT` (IMF-fixdate, RFC 9110 section 5.6.7).
    public var httpDate: String {
        let (year, month, day, hour, minute, second) = self.civil
        func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
        let days = Int(self.nanosecondsSinceEpoch / 86_400_000_000_000)
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][days % 7]
        let name = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][month - 1]
        return "\(weekday), \(two(day)) \(name) \(year) \(two(hour)):\(two(minute)):\(two(second)) GMT"
    }

    /// Days-to-civil arithmetic of the proleptic Gregorian calendar, eras of 400 years starting on 1 March.
    private var civil: (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
        let seconds = Int(self.nanosecondsSinceEpoch / 1_000_000_000)
        let z = seconds / 86_400 + 719_468
        let era = z / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let mp = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * mp + 2) / 5 + 1
        let month = mp < 10 ? mp + 3 : mp - 9
        let rest = seconds % 86_400
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day, rest / 3600, rest / 60 % 60, rest % 60)
    }
}
