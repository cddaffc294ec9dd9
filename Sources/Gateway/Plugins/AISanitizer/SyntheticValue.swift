import GatewayPII

/// Values that look like what they stand for and are nobody's: reserved addresses and domains, numbers of the same form, names from short lists.
///
/// Kong's service replaces custom patterns by `CUSTOM1` and credentials by as many `#`; so does this, with one more `#` where two would be the same and could not be
/// told apart when they come back.
enum SyntheticValue {
    /// - Parameters:
    ///   - index: number of the value in its request, from 1.
    ///   - attempt: counts up while the value is taken.
    static func make(_ category: PIICategory, _ original: [UInt8], index: Int, attempt: Int, seed: UInt64) -> [UInt8] {
        var random = Generator(state: original.reduce(seed &+ UInt64(attempt) &* 0x9E37_79B9_7F4A_7C15) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 })
        let number = index + attempt
        switch category {
        case .person: return self.person(original, &random)
        case .location: return self.pick(original, &random, latin: self.cities, han: self.hanCities, hangul: self.hangulCities)
        case .organization: return self.pick(original, &random, latin: self.companies, han: self.hanCompanies, hangul: self.hangulCompanies)
        case .nrp: return self.pick(original, &random, latin: self.peoples, han: ["火星人", "金星人"], hangul: ["화성인", "금성인"])
        case .email: return Array("user\(random.below(9_000) + 1_000).\(number)@example.com".utf8)
        case .domain: return Array("site\(number).example".utf8)
        case .url: return Array("https://site\(number).example/".utf8)
        case .ip: return original.contains(0x3A) ? Array("2001:db8::\(String(random.below(0xFFFF) + 1, radix: 16))".utf8) : Array("\(["192.0.2", "198.51.100", "203.0.113"][random.below(3)]).\(random.below(254) + 1)".utf8)
        case .date: return self.date(original, &random)
        case .creditCard: return self.card(original, &random)
        case .bank: return self.account(original, &random)
        case .custom: return Array("CUSTOM\(number)".utf8)
        case .credentials: return [UInt8](repeating: 0x23, count: max(1, self.characters(original)) + attempt)
        case .phone: return self.scrambled(original, &random, keep: original.first == 0x2B ? 3 : 1)
        case .crypto, .ssn, .medical, .driverLicense, .passport, .nationalID: return self.scrambled(original, &random, keep: 0)
        }
    }

    struct Generator {
        var state: UInt64
        /// SplitMix64 (https://prng.di.unimi.it/splitmix64.c).
        mutating func next() -> UInt64 {
            self.state &+= 0x9E37_79B9_7F4A_7C15
            var z = self.state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        mutating func below(_ bound: Int) -> Int { Int(self.next() % UInt64(bound)) }
    }

    private static func characters(_ bytes: [UInt8]) -> Int { bytes.reduce(0) { $0 + ($1 & 0xC0 != 0x80 ? 1 : 0) } }

    // MARK: Words

    private static let given = ["Alex", "Robin", "Kim", "Sam", "Jules", "Noa", "Luca", "Mika", "Dana", "Toni", "Sascha", "Andrea", "Nicola", "Remy", "Charlie", "Deniz", "Valeri", "Renée", "Morgan", "Taylor"]
    private static let family = ["Arden", "Bellweather", "Castellan", "Dunmore", "Eastlake", "Fairhurst", "Grimsby", "Hollowell", "Inverness", "Kestrel", "Lindqvist", "Marlowe", "Nightingale", "Orsini", "Pennington", "Quillon", "Ravensworth", "Silvano", "Thornbury", "Winterbourne"]
    private static let hanFamily = ["秋元", "三枝", "八木", "白石", "黒川", "西園", "東条", "南雲"], hanGiven = ["一樹", "和美", "光", "薫", "真琴", "千里", "晶", "歩"]
    private static let hangulNames = ["남지우", "도하늘", "표은수", "라온유", "모아름", "봉시원", "석가람", "옥누리"]
    private static let cities = ["Ashford", "Brookhaven", "Castelnuovo", "Dunwich", "Elmstadt", "Fontaine", "Greyport", "Hillsborough", "Ivrea", "Juniper", "Kingsmere", "Lindau"]
    private static let hanCities = ["桜丘市", "青葉市", "緑川市", "白浜町", "若草市"], hangulCities = ["푸른시", "새솔시", "한별군", "가온시"]
    private static let companies = ["Blue Harbor Partners", "Northfield Works", "Oakline Group", "Silverlane Labs", "Westbrook Trading", "Yellowstone Foundry"]
    private static let hanCompanies = ["青空株式会社", "若葉商事株式会社", "緑風株式会社"], hangulCompanies = ["푸른솔 주식회사", "한빛누리 주식회사"]
    private static let peoples = ["Atlantean", "Lilliputian", "Utopian", "Ruritanian", "Elbonian"]

    private enum Script { case latin, han, hangul }

    private static func script(_ bytes: [UInt8]) -> Script {
        for byte in bytes {
            if byte >= 0xEA, byte <= 0xED { return .hangul }
            if byte >= 0xE3, byte <= 0xE9 { return .han }
        }
        return .latin
    }

    private static func pick(_ original: [UInt8], _ random: inout Generator, latin: [String], han: [String], hangul: [String]) -> [UInt8] {
        let list =
            switch self.script(original) {
            case .latin: latin
            case .han: han
            case .hangul: hangul
            }
        return Array(list[random.below(list.count)].utf8)
    }

    /// As many words as the original has, up to three.
    private static func person(_ original: [UInt8], _ random: inout Generator) -> [UInt8] {
        switch self.script(original) {
        case .hangul: return Array(self.hangulNames[random.below(self.hangulNames.count)].utf8)
        case .han:
            let family = self.hanFamily[random.below(self.hanFamily.count)]
            return Array((original.count <= 6 ? family : family + (original.contains(0x20) ? " " : "") + self.hanGiven[random.below(self.hanGiven.count)]).utf8)
        case .latin:
            let words = original.split(separator: 0x20).count
            let given = self.given[random.below(self.given.count)], family = self.family[random.below(self.family.count)]
            if words == 1 { return Array((random.below(2) == 0 ? given : family).utf8) }
            return Array((words == 2 ? "\(given) \(family)" : "\(given) \(self.given[random.below(self.given.count)]) \(family)").utf8)
        }
    }

    // MARK: Numbers and codes

    /// Digits for digits, letters for letters of the same case, signs as they are.
    private static func scrambled(_ original: [UInt8], _ random: inout Generator, keep: Int) -> [UInt8] {
        var kept = 0
        return original.map { byte in
            let isDigit = byte &- 0x30 < 10
            if kept < keep, isDigit || byte == 0x2B {
                kept += 1
                return byte
            }
            if isDigit { return 0x30 + UInt8(random.below(10)) }
            if byte &- 0x41 < 26 { return 0x41 + UInt8(random.below(26)) }
            if byte &- 0x61 < 26 { return 0x61 + UInt8(random.below(26)) }
            return byte
        }
    }

    /// A card number of the same issuer and form whose last digit checks (ISO/IEC 7812-1 annex B).
    private static func card(_ original: [UInt8], _ random: inout Generator) -> [UInt8] {
        var card = self.scrambled(original, &random, keep: 2)
        let places = card.indices.filter { card[$0] &- 0x30 < 10 }
        var sum = 0
        for (position, place) in places.dropLast().reversed().enumerated() {
            var digit = Int(card[place] - 0x30)
            if position % 2 == 0 { digit = digit > 4 ? digit * 2 - 9 : digit * 2 }
            sum += digit
        }
        if let last = places.last { card[last] = 0x30 + UInt8((10 - sum % 10) % 10) }
        return card
    }

    /// An account number of the same form; an IBAN keeps its country and gets check digits that check (ISO 13616).
    private static func account(_ original: [UInt8], _ random: inout Generator) -> [UInt8] {
        guard original.count >= 15, original[0] &- 0x41 < 26, original[1] &- 0x41 < 26, original[2] &- 0x30 < 10, original[3] &- 0x30 < 10 else {
            return self.scrambled(original, &random, keep: 0)
        }
        var account = Array(original[..<4]) + self.scrambled(Array(original[4...]), &random, keep: 0)
        account[2] = 0x30
        account[3] = 0x30
        let signs = account.filter { $0 &- 0x30 < 10 || $0 &- 0x41 < 26 }
        var rest = 0
        for byte in signs[4...] + signs[..<4] { rest = byte < 0x41 ? (rest * 10 + Int(byte - 0x30)) % 97 : (rest * 100 + Int(byte - 0x37)) % 97 }
        let check = 98 - rest
        account[2] = 0x30 + UInt8(check / 10)
        account[3] = 0x30 + UInt8(check % 10)
        return account
    }

    /// Another date of the same form: years move by up to nine, days and months stay within what they can be.
    private static func date(_ original: [UInt8], _ random: inout Generator) -> [UInt8] {
        var output: [UInt8] = [], i = 0
        while i < original.count {
            var end = i
            while end < original.count, original[end] &- 0x30 < 10 { end += 1 }
            guard end > i, end - i <= 4 else {
                output.append(original[i])
                i += 1
                continue
            }
            let value = original[i..<end].reduce(0) { $0 * 10 + Int($1 - 0x30) }
            let moved = end - i == 4 ? value - 1 - random.below(9) : value <= 12 ? random.below(end - i == 1 ? 9 : 12) + 1 : 13 + random.below(16)
            let digits = Array(String(moved).utf8)
            output += [UInt8](repeating: 0x30, count: max(0, end - i - digits.count)) + digits
            i = end
        }
        return output
    }
}
