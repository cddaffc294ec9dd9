extension PIIScan {
    /// Dates, cards, telephone and identity numbers: everything written in digits alone.
    mutating func recognizeNumbers() {
        for index in self.tokens.indices where self.tokens[index].kind == .number {
            let start = Int(self.tokens[index].start)
            // The fraction of a number, or the tail of one that a letter or underscore precedes, is no number of its own.
            if start > 0, self.p[start - 1] == 0x5F || (self.p[start - 1] == 0x2E && Self.isDigit(self.byte(start - 2)) && self.tokens[index].count < 3) { continue }
            let run = DigitRun(self, at: start)
            guard run.groups > 0 else { continue }
            if self.categories.contains(.date), self.numericDate(run, index) { continue }
            guard run.count >= 5 else { continue }
            let cue = self.cue(index)
            self.phone(run, index, cue)
            var groups = run.groups
            while groups > 0 {
                if self.isFree(after: run.end(groups - 1)) { self.number(run, groups, index, cue) }
                groups -= 1
            }
        }
    }

    /// Judges the first groups of a run as one number.
    private mutating func number(_ run: DigitRun, _ groups: Int, _ index: Int, _ cue: WordMeaning) {
        let total = run.total(groups - 1)
        guard total >= 5, total <= 20 else { return }
        let digits = Digits(run: run, count: total)
        let range = run.start..<run.end(groups - 1)
        let isPlain = groups == 1
        let isSpaced = run.isUniform(groups - 1, 0x20), isHyphened = run.isUniform(groups - 1, 0x2D)
        if isPlain || isSpaced || isHyphened { self.card(digits, range, isPlain: isPlain, cue) }
        switch total {
        case 9: self.nineDigits(run, digits, range, groups, cue)
        case 10: self.tenDigits(run, digits, range, groups, cue)
        case 11: self.elevenDigits(run, digits, range, groups, cue)
        case 12: self.twelveDigits(run, digits, range, groups, cue)
        case 13 where digits.isKoreanRRN && (isPlain ? cue.contains(.nationalID) : run.hasSizes(6, 7) && isHyphened): self.add(range, .nationalID, 96)
        case 14 where digits.isCNPJ && (isPlain ? !cue.isDisjoint(with: [.nationalID, .tax, .business]) : run.hasSizes(2, 3, 3, 4, 2)): self.add(range, .nationalID, 96)
        case 15 where digits.isFrenchNIR && (isPlain || isSpaced): self.add(range, .nationalID, 97)
        case 13 where isSpaced && groups >= 6 && run.hasSizes(1, 2, 2, 2, 3, 3): self.add(range, .nationalID, 84)
        default: break
        }
        if total == 12, isHyphened, run.hasSizes(2, 2, 6, 2), groups == 4 { self.add(range, .driverLicense, 88) }
        self.byCue(run, digits, range, groups, cue)
    }

    private mutating func card(_ digits: Digits, _ range: Range<Int>, isPlain: Bool, _ cue: WordMeaning) {
        guard digits.count >= 12, digits.count <= 19, digits.isCardIssuer, digits.isLuhn, !digits.isUniform else { return }
        if cue.contains(.card) { return self.add(range, .creditCard, 98) }
        if digits.count >= 14 || (digits.count == 13 && !cue.contains(.reference)) { self.add(range, .creditCard, 94) }
    }

    private mutating func nineDigits(_ run: DigitRun, _ digits: Digits, _ range: Range<Int>, _ groups: Int, _ cue: WordMeaning) {
        if groups == 3, run.hasSizes(3, 2, 4), run.isUniform(2, 0x2D) || run.isUniform(2, 0x20) || run.isUniform(2, 0x2E) {
            let area = run.value(0), group = run.value(1), serial = run.value(2)
            let isSSN = area != 0 && area != 666 && area < 900 && group != 0 && serial != 0
            let isITIN = area >= 900 && (50...99).contains(group)
            if isSSN || isITIN { self.add(range, .ssn, run.signs[1] == 0x2D ? 92 : cue.contains(.socialSecurity) ? 92 : 80) }
        }
        if cue.contains(.routing), digits.isABA { self.add(range, .bank, 93) }
        if groups == 1 || run.hasSizes(3, 3, 3) {
            if cue.contains(.socialSecurity) { self.add(range, .ssn, digits.isLuhn ? 92 : 86) }
            if digits.isPortugueseNIF, !cue.isDisjoint(with: [.nationalID, .tax]) { self.add(range, .nationalID, 91) }
        }
    }

    private mutating func tenDigits(_ run: DigitRun, _ digits: Digits, _ range: Range<Int>, _ groups: Int, _ cue: WordMeaning) {
        let isGrouped = run.hasSizes(3, 3, 4) && groups == 3
        if digits.isNHS, !cue.isDisjoint(with: [.medical, .insurance]), groups == 1 || isGrouped { self.add(range, .medical, 94) }
        if groups == 3, run.hasSizes(4, 5, 1), !cue.isDisjoint(with: [.medical, .insurance]) { self.add(range, .medical, 90) }
        // Korean business registration: 3-2-5.
        if groups == 3, run.hasSizes(3, 2, 5), run.isUniform(2, 0x2D) { self.add(range, .bank, cue.contains(.business) || cue.contains(.tax) ? 92 : 72) }
    }

    private mutating func elevenDigits(_ run: DigitRun, _ digits: Digits, _ range: Range<Int>, _ groups: Int, _ cue: WordMeaning) {
        let isIdentity = !cue.isDisjoint(with: [.nationalID, .tax, .socialSecurity])
        if digits.isCPF {
            if groups == 4, run.hasSizes(3, 3, 3, 2), run.signs[1] == 0x2E { return self.add(range, .nationalID, 97) }
            if groups == 1, isIdentity { return self.add(range, .nationalID, 93) }
        }
        if groups == 1, digits.isTurkishID, !cue.contains(.phone) { return self.add(range, .nationalID, isIdentity ? 95 : 76) }
        if digits.isGermanTaxID, groups == 1 || run.hasSizes(2, 3, 3, 3), !cue.contains(.phone) { return self.add(range, .nationalID, isIdentity ? 95 : groups == 4 ? 82 : 70) }
        if groups == 1, digits.isPESEL, isIdentity { return self.add(range, .nationalID, 94) }
        if digits.isABN, run.hasSizes(2, 3, 3, 3) || (groups == 1 && !cue.isDisjoint(with: [.business, .tax])) { self.add(range, .ssn, 84) }
    }

    private mutating func twelveDigits(_ run: DigitRun, _ digits: Digits, _ range: Range<Int>, _ groups: Int, _ cue: WordMeaning) {
        let isForm = groups == 1 || run.hasSizes(4, 4, 4)
        guard isForm, !cue.contains(.reference) else { return }
        if cue.contains(.nationalID), digits.isMyNumber || digits.isAadhaar { return self.add(range, .nationalID, 95) }
        if groups == 3, digits.isAadhaar, !cue.contains(.card), !cue.contains(.phone) { self.add(range, .nationalID, 80) }
    }

    /// A number that only the words around it explain.
    private mutating func byCue(_ run: DigitRun, _ digits: Digits, _ range: Range<Int>, _ groups: Int, _ cue: WordMeaning) {
        guard let (category, lengths) = Self.category(cue), lengths.contains(digits.count), !digits.isUniform else { return }
        if groups > 1, !(run.isUniform(groups - 1, 0x2D) || run.isUniform(groups - 1, 0x20) || run.isUniform(groups - 1, 0x2E)), run.signs[1] != 0x2F { return }
        // Blanks between numbers of one cue part them as often as they join them.
        if groups > 1, run.signs[1] == 0x20, run.size(groups - 1) > 6 { return }
        self.add(range, category, cue.contains(.phone) ? 70 : 81)
    }
}
