/// A calendar time in UTC, without Foundation; nothing is later than 2554-07-21T23:34:33Z.
public struct Timestamp: Sendable {
    public let nanosecondsSinceEpoch: UInt64

    public init(nanosecondsSinceEpoch: UInt64) { self.nanosecondsSinceEpoch = nanosecondsSinceEpoch }

    /// - Parameter secondsSinceEpoch: negative ones count as 0.
    public init(secondsSinceEpoch: Int) { self.nanosecondsSinceEpoch = UInt64(min(max(0, secondsSinceEpoch), Timestamp.lastSecond)) * 1_000_000_000 }

    /// What still fits; credentials that never expire say 9999, and providers any number.
    private static let lastSecond = 18_446_744_073

    public var secondsSinceEpoch: Int { Int(self.nanosecondsSinceEpoch / 1_000_000_000) }

    /// Reads RFC 3339: `2026-11-22T17:33:01Z`, with or without a fraction, with `Z` or an offset such as `+01:00`; also a date alone. Nil for
    /// anything else.
    public init?(rfc3339 text: String) {
        var rest = Array(text.utf8)[...]
        func take(_ count: Int, in range: ClosedRange<Int>) -> Int? {
            guard rest.count >= count, let value = Int(String(decoding: rest.prefix(count), as: UTF8.self)), range.contains(value),
                rest.prefix(count).allSatisfy({ (0x30...0x39).contains($0) })
            else { return nil }
            rest = rest.dropFirst(count)
            return value
        }
        func skip(_ bytes: UInt8...) -> Bool {
            guard let first = rest.first, bytes.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        guard let year = take(4, in: 1970...9999), skip(0x2d), let month = take(2, in: 1...12), skip(0x2d), let day = take(2, in: 1...31) else { return nil }
        var seconds = Timestamp.days(year, month, day) * 86_400
        var fraction: UInt64 = 0
        if !rest.isEmpty {
            guard skip(0x54, 0x74, 0x20), let hour = take(2, in: 0...23), skip(0x3a), let minute = take(2, in: 0...59) else { return nil }
            seconds += hour * 3600 + minute * 60
            if skip(0x3a) {
                guard let second = take(2, in: 0...60) else { return nil }
                seconds += second
            }
            if skip(0x2e) {
                let digits = rest.prefix { (0x30...0x39).contains($0) }
                guard (1...9).contains(digits.count) else { return nil }
                fraction = UInt64(String(decoding: digits, as: UTF8.self) + String(repeating: "0", count: 9 - digits.count)) ?? 0
                rest = rest.dropFirst(digits.count)
            }
            if let sign = rest.first, sign == 0x2b || sign == 0x2d {
                rest = rest.dropFirst()
                guard let hours = take(2, in: 0...23), skip(0x3a), let minutes = take(2, in: 0...59) else { return nil }
                seconds += (sign == 0x2b ? -1 : 1) * (hours * 3600 + minutes * 60)
            } else if !skip(0x5a, 0x7a) {
                return nil
            }
        }
        guard rest.isEmpty, seconds >= 0 else { return nil }
        self.nanosecondsSinceEpoch = UInt64(min(seconds, Timestamp.lastSecond)) * 1_000_000_000 + (seconds < Timestamp.lastSecond ? fraction : 0)
    }

    /// Days since 1970-01-01 of the proleptic Gregorian calendar: the inverse of ``civil``.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// `2026-11-22T17:33:01.123Z` (RFC 3339, milliseconds).
    public var rfc3339: String {
        let (year, month, day, hour, minute, second) = self.civil
        func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
        let milliseconds = Int(self.nanosecondsSinceEpoch / 1_000_000 % 1000)
        let fraction = milliseconds < 10 ? "00\(milliseconds)" : milliseconds < 100 ? "0\(milliseconds)" : "\(milliseconds)"
        return "\(year)-\(two(month))-\(two(day))T\(two(hour)):\(two(minute)):\(two(second)).\(fraction)Z"
    }

    /// `20261122T173301Z` (ISO 8601, basic format), as AWS signs it.
    public var basic: String {
        let (year, month, day, hour, minute, second) = self.civil
        func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
        return "\(year)\(two(month))\(two(day))T\(two(hour))\(two(minute))\(two(second))Z"
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
