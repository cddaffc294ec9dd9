extension PIIScan {
    /// Codes of letters and digits: accounts, tax and identity numbers, passports, licences, wallets.
    mutating func recognizeCodes() {
        var covered = 0
        for index in self.tokens.indices {
            let token = self.tokens[index]
            let start = Int(token.start), end = Int(token.end)
            guard start >= covered, token.kind == .mixed || token.kind == .word || token.kind == .number else { continue }
            if token.kind == .mixed {
                if let iban = self.iban(start) {
                    self.add(start..<iban, .bank, 98)
                    covered = iban
                    continue
                }
                self.longCode(start..<end, index)
                self.identityCode(start..<end, index)
            } else if token.kind == .word {
                if token.count >= 26, token.count <= 110 { self.longCode(start..<end, index) }
                if token.count == 8 || token.count == 11, token.shape.contains(.allCapital), self.cue(index).contains(.swift) { self.add(start..<end, .bank, 86) }
                if token.count <= 3, token.shape.contains(.capital) { self.lettersFirst(start..<end, index) }
            } else {
                self.digitsFirst(start..<end, index)
            }
        }
    }

    /// The code's capitals and digits; other bytes count as 0.
    private func upper(_ offset: Int) -> UInt8 {
        let byte = self.byte(offset)
        return byte &- 0x61 < 26 ? byte & 0xDF : byte
    }

    /// Whether bytes follow a pattern: `A` letter, `9` digit, `X` either.
    private func fits(_ start: Int, _ pattern: StaticString) -> Bool {
        for index in 0..<pattern.utf8CodeUnitCount {
            let byte = self.byte(start + index)
            switch pattern.utf8Start[index] {
            case 0x41: if !Self.isLetter(byte) { return false }
            case 0x39: if !Self.isDigit(byte) { return false }
            case 0x58: if !Self.isAlphanumeric(byte) { return false }
            default: if byte != pattern.utf8Start[index] { return false }
            }
        }
        return true
    }

    private func fitsWhole(_ range: Range<Int>, _ pattern: StaticString) -> Bool { range.count == pattern.utf8CodeUnitCount && self.fits(range.lowerBound, pattern) }

    private func digit(_ offset: Int) -> Int { Int(self.byte(offset) &- 0x30) }

    // MARK: Accounts

    /// Lengths of ISO 13616 account numbers by country. https://www.swift.com/standards/data-standards/iban-international-bank-account-number
    private static let ibanLengths: [UInt16: Int] = {
        let text = """
            AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26
            IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23
            TN24 TR26 UA29 VA22 VG24 XK20
            """
        var lengths: [UInt16: Int] = [:]
        for entry in text.split(whereSeparator: { $0.isWhitespace }) {
            let bytes = Array(entry.utf8)
            lengths[UInt16(bytes[0]) << 8 | UInt16(bytes[1])] = Int(entry.dropFirst(2)) ?? 0
        }
        return lengths
    }()

    /// The end of an IBAN that begins here, its check digits right; blanks and hyphens may part its groups.
    private func iban(_ start: Int) -> Int? {
        guard Self.isLetter(self.byte(start)), Self.isLetter(self.byte(start + 1)), Self.isDigit(self.byte(start + 2)), Self.isDigit(self.byte(start + 3)),
            let length = Self.ibanLengths[UInt16(self.upper(start)) << 8 | UInt16(self.upper(start + 1))]
        else { return nil }
        var i = start, read = 0, rest = 0
        var head = InlineArray<4, UInt8>(repeating: 0)
        while read < length {
            var byte = self.upper(i)
            if (byte == 0x20 || byte == 0x2D), read >= 4 {
                i += 1
                byte = self.upper(i)
            }
            guard Self.isAlphanumeric(byte) else { return nil }
            if read < 4 { head[read] = byte } else { rest = Self.extend(rest, byte) }
            read += 1
            i += 1
        }
        for index in 0..<4 { rest = Self.extend(rest, head[index]) }
        return rest == 1 && self.isFree(after: i) ? i : nil
    }

    /// One character of ISO 7064 modulo 97, letters standing for 10 to 35.
    private static func extend(_ rest: Int, _ byte: UInt8) -> Int {
        self.isDigit(byte) ? (rest * 10 + Int(byte - 0x30)) % 97 : (rest * 100 + Int(byte - 0x37)) % 97
    }

    // MARK: Codes by their form

    /// Wallets and other codes of 26 characters and more.
    private mutating func longCode(_ range: Range<Int>, _ index: Int) {
        guard range.count >= 26, range.count <= 110 else { return }
        if self.byte(range.lowerBound) == 0x30, self.byte(range.lowerBound + 1) | 0x20 == 0x78 {
            if range.count == 42, self.isHex(range.dropFirst(2)) { self.add(range, .crypto, 96) }
            return
        }
        let bytes = UnsafeBufferPointer(start: self.p + range.lowerBound, count: range.count)
        if WalletChecks.isBase58Check(bytes) || WalletChecks.isBech32(bytes) { return self.add(range, .crypto, 97) }
        if range.count == 95, bytes[0] == 0x34 || bytes[0] == 0x38, WalletChecks.isBase58(bytes) { return self.add(range, .crypto, 92) }
        if self.cue(index).contains(.crypto), WalletChecks.isBase58(bytes) { self.add(range, .crypto, 84) }
    }

    private func isHex(_ range: Range<Int>) -> Bool {
        range.allSatisfy { Self.isDigit(self.p[$0]) || ((self.p[$0] | 0x20) >= 0x61 && (self.p[$0] | 0x20) <= 0x66) }
    }

    /// Codes whose form or check character tells what they are, else what the cue says.
    private mutating func identityCode(_ range: Range<Int>, _ index: Int) {
        let start = range.lowerBound
        switch range.count {
        case 9:
            if self.isSpanish(start) || self.isBritishInsurance(start, gap: 0) { return self.add(range, .ssn, 93) }
            if self.fits(start, "AA9999999"), self.isDEA(start) { return self.add(range, .medical, self.cue(index).isDisjoint(with: [.medical, .license]) ? 76 : 94) }
            if self.fits(start, "A9999999A"), [0x53, 0x54, 0x46, 0x47, 0x4D].contains(self.upper(start)) { self.add(range, .nationalID, 78) }
        case 10:
            if self.fits(start, "A999999999"), !self.cue(index).isDisjoint(with: [.medical, .insurance]) { return self.add(range, .medical, 92) }
            if self.fits(start, "AAAAA9999A"), self.cue(index).contains(.tax) || self.cue(index).contains(.nationalID) { return self.add(range, .nationalID, 92) }
        case 11 where self.fits(start, "9A"): if self.isMedicare(range), !self.cue(index).isDisjoint(with: [.medical, .insurance]) { return self.add(range, .medical, 92) }
        case 16:
            if self.isFiscalCode(start) { return self.add(range, .nationalID, 97) }
            if self.isBritishLicense(start) { return self.add(range, .driverLicense, 92) }
        case 18: if self.fits(start, "AAAA999999AAAAAAX9"), [0x48, 0x4D].contains(self.upper(start + 10)) { return self.add(range, .nationalID, 95) }
        case 15: if self.fits(start, "999992A99999999") || self.fits(start, "999992B99999999") { return self.add(range, .nationalID, 86) }
        default: break
        }
        if self.vat(range, index) { return }
        self.codeByCue(range, index)
    }

    /// A code only the words around it explain: letters and at least three digits; groups behind hyphens belong to it.
    private mutating func codeByCue(_ range: Range<Int>, _ index: Int) {
        let cue = self.cue(index)
        guard let (category, lengths) = Self.category(cue) else { return }
        var end = range.upperBound, next = index + 1
        while next + 1 < self.tokens.count, next - index < 10, self.tokens[next].kind == .sign, self.tokens[next].sign == 0x2D, Int(self.tokens[next].start) == end,
            [.mixed, .number].contains(self.tokens[next + 1].kind), Int(self.tokens[next + 1].start) == Int(self.tokens[next].end) {
            end = Int(self.tokens[next + 1].end)
            next += 2
        }
        let whole = range.lowerBound..<end
        var digits = 0, characters = 0
        for offset in whole {
            if Self.isDigit(self.p[offset]) { digits += 1 }
            if Self.isAlphanumeric(self.p[offset]) { characters += 1 }
        }
        if digits >= 3, lengths.contains(characters), characters * 2 <= digits * 5 { self.add(whole, category, 82) }
    }

    /// VAT numbers of the European Union, Britain and Switzerland by prefix and length; https://ec.europa.eu/taxation_customs/vies/
    private mutating func vat(_ range: Range<Int>, _ index: Int) -> Bool {
        let start = range.lowerBound
        let prefix = UInt16(self.upper(start)) << 8 | UInt16(self.upper(start + 1))
        guard Self.isUpper(self.byte(start)), Self.isUpper(self.byte(start + 1)) else { return false }
        let isForm: Bool
        switch prefix {
        case 0x4445: isForm = self.fitsWhole(range, "AA999999999")  // DE
        case 0x4954: isForm = self.fitsWhole(range, "AA99999999999")  // IT
        case 0x4652: isForm = self.fitsWhole(range, "AAXX999999999")  // FR
        case 0x4553: isForm = self.fitsWhole(range, "AAX9999999X")  // ES
        case 0x5054: isForm = self.fitsWhole(range, "AA999999999")  // PT
        case 0x4742: isForm = self.fitsWhole(range, "AA999999999") || self.fitsWhole(range, "AA999999999999")  // GB
        case 0x4154: isForm = self.fitsWhole(range, "AAA99999999")  // AT
        case 0x4E4C: isForm = self.fitsWhole(range, "AA999999999A99")  // NL
        default: isForm = false
        }
        let cue = self.cue(index)
        guard isForm, cue.isDisjoint(with: [.passport, .driving, .license]) else { return false }
        self.add(range, .bank, cue.isDisjoint(with: [.tax, .business]) ? 76 : 93)
        return true
    }

    /// Codes that begin with one to three letters and go on behind a blank or hyphen.
    private mutating func lettersFirst(_ range: Range<Int>, _ index: Int) {
        let start = range.lowerBound, sign = self.byte(range.upperBound)
        if range.count == 2, sign == 0x20, let iban = self.iban(start) { return self.add(start..<iban, .bank, 97) }
        guard sign == 0x20 || sign == 0x2D, index + 1 < self.tokens.count else { return }
        if range.count == 2, self.isBritishInsurance(start, gap: 1) { return self.add(start..<(start + 13), .ssn, 92) }
        // X-1234567-L
        if range.count == 1, sign == 0x2D, self.fits(start + 2, "9999999-A") {
            let letter = [0x58: 0, 0x59: 1, 0x5A: 2][Int(self.upper(start))]
            let number = (0..<7).reduce(letter ?? -1) { $0 * 10 + self.digit(start + 2 + $1) }
            if let letter, letter >= 0, Digits.spanishLetters.utf8Start[number % 23] == self.upper(start + 10) { return self.add(start..<(start + 11), .ssn, 93) }
        }
        let next = sign == 0x2D ? index + 2 : index + 1
        guard next < self.tokens.count, self.tokens[next].kind == .number, self.tokens[next].count >= 5, Int(self.tokens[next].start) == range.upperBound + 1,
            let (category, lengths) = Self.category(self.cue(index)), lengths.contains(range.count + self.tokens[next].count), range.count <= 2,
            category == .passport || category == .driverLicense || category == .nationalID, range.allSatisfy({ Self.isUpper(self.p[$0]) })
        else { return }
        self.add(start..<Int(self.tokens[next].end), category, 83)
    }

    /// Codes that begin with digits and go on with letters behind a hyphen or blank.
    private mutating func digitsFirst(_ range: Range<Int>, _ index: Int) {
        let start = range.lowerBound
        if range.count == 8, self.byte(range.upperBound) == 0x2D, Self.isLetter(self.byte(range.upperBound + 1)), self.isFree(after: range.upperBound + 2) {
            let number = (0..<8).reduce(0) { $0 * 10 + self.digit(start + $1) }
            if Digits.spanishLetters.utf8Start[number % 23] == self.upper(range.upperBound + 1) { self.add(start..<(range.upperBound + 2), .ssn, 93) }
        }
        // Chilean RUT: 12.345.678-5, the last a digit or K.
        if range.count <= 2, self.byte(range.upperBound) == 0x2E, self.fits(range.upperBound, ".999.999-X"), self.isFree(after: range.upperBound + 10), self.isFree(before: start) {
            self.add(start..<(range.upperBound + 10), .nationalID, 94)
        }
    }

    // MARK: Check characters

    /// Spanish NIF and NIE.
    private func isSpanish(_ start: Int) -> Bool {
        var number = 0
        switch self.upper(start) {
        case 0x30...0x39: number = self.digit(start)
        case 0x58: number = 0
        case 0x59: number = 1
        case 0x5A: number = 2
        default: return false
        }
        guard self.fits(start + 1, "9999999A") else { return false }
        for index in 1...7 { number = number * 10 + self.digit(start + index) }
        return Digits.spanishLetters.utf8Start[number % 23] == self.upper(start + 8)
    }

    /// British national insurance number. https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110
    private func isBritishInsurance(_ start: Int, gap: Int) -> Bool {
        guard gap == 0 ? self.fits(start, "AA999999A") : self.fits(start + 2, " 99 99 99 A"), self.isFree(after: start + (gap == 0 ? 9 : 13)) else { return false }
        let first = self.upper(start), second = self.upper(start + 1), last = self.upper(start + (gap == 0 ? 8 : 12))
        return ![0x44, 0x46, 0x49, 0x51, 0x55, 0x56].contains(first) && ![0x44, 0x46, 0x49, 0x4F, 0x51, 0x55, 0x56].contains(second) && last >= 0x41 && last <= 0x44
    }

    /// Registration number of the Drug Enforcement Administration.
    private func isDEA(_ start: Int) -> Bool {
        let d = (0..<7).map { self.digit(start + 2 + $0) }
        return (d[0] + d[2] + d[4] + 2 * (d[1] + d[3] + d[5])) % 10 == d[6]
    }

    /// Medicare beneficiary identifier: letters and digits in fixed places. https://www.cms.gov/medicare/new-medicare-card/understanding-the-mbi.pdf
    private func isMedicare(_ range: Range<Int>) -> Bool { self.fitsWhole(range, "9AX9AX9AA99") }

    /// Italian fiscal code: 16 characters, the last a check letter.
    private func isFiscalCode(_ start: Int) -> Bool {
        guard self.fits(start, "AAAAAAXXAXXAXXXA") else { return false }
        let odd: StaticString = "BAKPLCQDREVOSFTGUHMINJWZYX"
        var sum = 0
        for index in 0..<15 {
            let byte = self.upper(start + index)
            let value = Self.isDigit(byte) ? Int(byte - 0x30) : Int(byte - 0x41)
            if index % 2 == 1 { sum += value; continue }
            // Places with odd numbers count by a table, here the inverse of the published one.
            for position in 0..<26 where Int(odd.utf8Start[position] - 0x41) == value { sum += position }
        }
        return UInt8(sum % 26) + 0x41 == self.upper(start + 15)
    }

    private func isBritishLicense(_ start: Int) -> Bool {
        for index in 0..<5 where !(Self.isLetter(self.byte(start + index)) || self.byte(start + index) == 0x39) { return false }
        guard self.fits(start + 5, "999999"), Self.isLetter(self.byte(start)) else { return false }
        let month = (self.digit(start + 6) * 10 + self.digit(start + 7)) % 50
        return (1...12).contains(month)
    }
}
