/// Dates as credentials have them, in UTC, without a calendar library: https://howardhinnant.github.io/date_algorithms.html
enum Instant {
    /// `yyyyMMdd'T'HHmmss'Z'`, 16 bytes.
    static func basic(_ seconds: Int) -> [UInt8] {
        let (year, month, day) = self.date(days: seconds / 86_400)
        let time = seconds % 86_400
        var text: [UInt8] = []
        text.reserveCapacity(16)
        self.append(year, digits: 4, to: &text)
        self.append(month, digits: 2, to: &text)
        self.append(day, digits: 2, to: &text)
        text.append(UInt8(ascii: "T"))
        self.append(time / 3600, digits: 2, to: &text)
        self.append(time / 60 % 60, digits: 2, to: &text)
        self.append(time % 60, digits: 2, to: &text)
        text.append(UInt8(ascii: "Z"))
        return text
    }

    /// Seconds since 1970 of `yyyy-MM-dd'T'HH:mm:ss[.fff]Z` (RFC 3339 in UTC), or nil.
    static func seconds(iso text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == 0x2d, bytes[7] == 0x2d, bytes[10] == 0x54, bytes[13] == 0x3a, bytes[16] == 0x3a, bytes.last == 0x5a else { return nil }
        func number(_ range: Range<Int>) -> Int? { Int(String(decoding: bytes[range], as: UTF8.self)) }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13), let minute = number(14..<16),
            let second = number(17..<19), 1...12 ~= month, 1...31 ~= day, 0...23 ~= hour, 0...59 ~= minute, 0...60 ~= second
        else { return nil }
        return self.days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
    }

    private static func append(_ value: Int, digits: Int, to text: inout [UInt8]) {
        var divisor = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            text.append(UInt8(0x30 + value / divisor % 10))
            divisor /= 10
        }
    }

    private static func date(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthIndex + 2) / 5 + 1)
    }

    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
