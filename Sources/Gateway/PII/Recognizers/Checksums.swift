/// Check digits of numbers people and accounts are known by. Each function takes digits 0 to 9 unless it says otherwise.
struct Digits {
    let run: DigitRun
    let count: Int
    subscript(index: Int) -> Int { Int(self.run.digits[index]) }

    func weighted(_ weights: Int...) -> Int {
        var sum = 0
        for (index, weight) in weights.enumerated() { sum += weight * self[index] }
        return sum
    }

    func number(_ range: Range<Int>) -> Int { range.reduce(0) { $0 * 10 + self[$1] } }
    var isUniform: Bool { !(1..<self.count).contains { self[$0] != self[0] } }

    /// ISO/IEC 7812-1 annex B (Luhn).
    var isLuhn: Bool {
        var sum = 0
        for index in 0..<self.count {
            var digit = self[self.count - 1 - index]
            if index % 2 == 1 { digit = digit > 4 ? digit * 2 - 9 : digit * 2 }
            sum += digit
        }
        return sum % 10 == 0
    }

    /// Issuer ranges of ISO/IEC 7812 cards, by prefix and length.
    var isCardIssuer: Bool {
        let two = self.number(0..<2), three = self.number(0..<3), four = self.number(0..<4)
        switch self.count {
        case 13: return self[0] == 4 || [50, 56, 57, 58].contains(two)
        case 14: return two == 36 || two == 38 || two == 39 || (300...305).contains(three)
        case 15: return two == 34 || two == 37 || four == 2131 || four == 1800
        case 16:
            return self[0] == 4 || (51...55).contains(two) || (2221...2720).contains(four) || four == 6011 || two == 65 || (644...649).contains(three)
                || (3528...3589).contains(four) || two == 62 || [50, 56, 57, 58, 63, 67].contains(two)
        case 17...19: return two == 62 || [50, 56, 57, 58, 63, 67].contains(two) || (self.count == 19 && self[0] == 4) || four == 6011
        case 12: return [50, 56, 57, 58, 63, 67].contains(two)
        default: return false
        }
    }

    /// Spanish NIF: the remainder picks the letter. https://www.interior.gob.es/opencms/es/servicios-al-ciudadano/tramites-y-gestiones/dni/calculo-del-digito-de-control-del-nif-nie/
    static let spanishLetters: StaticString = "TRWAGMYFPDXBNJZSQVHLCKE"

    /// Brazilian CPF (11 digits): two check digits modulo 11.
    var isCPF: Bool {
        guard self.count == 11, !self.isUniform else { return false }
        for length in 9...10 {
            var sum = 0
            for index in 0..<length { sum += (length + 1 - index) * self[index] }
            if sum * 10 % 11 % 10 != self[length] { return false }
        }
        return true
    }

    /// Brazilian CNPJ (14 digits).
    var isCNPJ: Bool {
        guard self.count == 14, !self.isUniform else { return false }
        let first = self.weighted(5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2) % 11
        guard (first < 2 ? 0 : 11 - first) == self[12] else { return false }
        let second = self.weighted(6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2) % 11
        return (second < 2 ? 0 : 11 - second) == self[13]
    }

    /// Portuguese NIF (9 digits).
    var isPortugueseNIF: Bool {
        guard self.count == 9, [1, 2, 3, 5, 6, 8, 9].contains(self[0]) else { return false }
        let rest = self.weighted(9, 8, 7, 6, 5, 4, 3, 2) % 11
        return (rest < 2 ? 0 : 11 - rest) == self[8]
    }

    /// Turkish identity number (11 digits).
    var isTurkishID: Bool {
        guard self.count == 11, self[0] != 0 else { return false }
        let odd = self[0] + self[2] + self[4] + self[6] + self[8], even = self[1] + self[3] + self[5] + self[7]
        guard (odd * 7 - even + 100) % 10 == self[9] else { return false }
        return (odd + even + self[9]) % 10 == self[10]
    }

    /// German tax identification number (11 digits): ISO 7064 modulo 11, 10; one digit occurs twice or thrice in the first ten.
    var isGermanTaxID: Bool {
        guard self.count == 11, self[0] != 0 else { return false }
        var product = 10
        var seen = InlineArray<10, Int>(repeating: 0)
        for index in 0..<10 {
            seen[self[index]] += 1
            var sum = (self[index] + product) % 10
            if sum == 0 { sum = 10 }
            product = sum * 2 % 11
        }
        var most = 0
        for digit in 0..<10 { most = max(most, seen[digit]) }
        return (11 - product) % 10 == self[10] && (most == 2 || most == 3)
    }

    /// French social security number (15 digits): the key is 97 less the rest modulo 97.
    var isFrenchNIR: Bool {
        guard self.count == 15, [1, 2, 3, 4, 7, 8].contains(self[0]), (1...12).contains(self.number(3..<5)) || self.number(3..<5) >= 20 else { return false }
        return 97 - self.number(0..<13) % 97 == self.number(13..<15)
    }

    /// Korean resident registration number (13 digits); numbers given out since October 2020 have no check digit.
    var isKoreanRRN: Bool {
        guard self.count == 13, (1...12).contains(self.number(2..<4)), (1...31).contains(self.number(4..<6)), (1...8).contains(self[6]) else { return false }
        return true
    }

    /// Japanese individual number (12 digits).
    var isMyNumber: Bool {
        guard self.count == 12, !self.isUniform else { return false }
        let rest = self.weighted(6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2) % 11
        return (rest <= 1 ? 0 : 11 - rest) == self[11]
    }

    /// NHS number (10 digits).
    var isNHS: Bool {
        guard self.count == 10, !self.isUniform else { return false }
        let check = 11 - self.weighted(10, 9, 8, 7, 6, 5, 4, 3, 2) % 11
        return check != 10 && check % 11 == self[9]
    }

    /// Australian business number (11 digits).
    var isABN: Bool {
        guard self.count == 11, self[0] > 0 else { return false }
        return (self.weighted(10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19) - 10) % 89 == 0
    }

    /// Routing number of the American Bankers Association (9 digits).
    var isABA: Bool {
        guard self.count == 9 else { return false }
        let two = self.number(0..<2)
        guard (0...12).contains(two) || (21...32).contains(two) || (61...72).contains(two) || two == 80 else { return false }
        return self.weighted(3, 7, 1, 3, 7, 1, 3, 7, 1) % 10 == 0
    }

    /// Aadhaar (12 digits): Verhoeff's check.
    var isAadhaar: Bool {
        guard self.count == 12, self[0] >= 2 else { return false }
        var check = 0
        for index in 0..<12 {
            let digit = Self.verhoeffPermutation[(index % 8) * 10 + self[11 - index]]
            check = Self.verhoeffProduct[check * 10 + digit]
        }
        return check == 0
    }

    private static let verhoeffProduct: [Int] = {
        // The dihedral group of order ten.
        (0..<100).map { cell in
            let a = cell / 10, b = cell % 10
            if a < 5 { return b < 5 ? (a + b) % 5 : 5 + (a + b - 5) % 5 }
            return b < 5 ? 5 + (a - 5 - b + 5) % 5 : (a - b + 10) % 5
        }
    }()

    private static let verhoeffPermutation: [Int] = {
        var rows: [[Int]] = [Array(0...9), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
        while rows.count < 8 { rows.append((0..<10).map { rows[1][rows[rows.count - 1][$0]] }) }
        return rows.flatMap { $0 }
    }()

    /// PESEL (11 digits).
    var isPESEL: Bool {
        guard self.count == 11, (1...31).contains(self.number(4..<6)), (1...12).contains(self.number(2..<4) % 20) else { return false }
        return (10 - self.weighted(1, 3, 7, 9, 1, 3, 7, 9, 1, 3) % 10) % 10 == self[10]
    }
}
