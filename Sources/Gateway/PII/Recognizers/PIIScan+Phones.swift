extension PIIScan {
    /// Telephone numbers: international ones by their plus, national ones by how they are written (ITU-T E.123 and national customs), bare ones by their cue.
    mutating func phone(_ run: DigitRun, _ index: Int, _ cue: WordMeaning) {
        guard self.categories.contains(.phone) else { return }
        var start = run.start
        let before = self.byte(start - 1)
        var isInternational = false, isBracketed = false
        if before == 0x2B, self.isFree(before: start - 1) {
            isInternational = true
            start -= 1
            if self.byte(start - 1) == 0x28 { start -= 1 }
        } else if before == 0x28, run.groups > 1, run.signs[1] == 0x29 {
            isBracketed = true
            start -= 1
            if self.byte(start - 1) == 0x2B { (isInternational, start) = (true, start - 1) }
        } else if before == 0x2E || before == 0x2F || before == 0x2D || before == 0x23 {
            // The tail of something else.
            if Self.isAlphanumeric(self.byte(start - 2)) { return }
        }
        var groups = run.groups
        while groups > 0 {
            let end = run.end(groups - 1)
            if self.isFree(after: end) || self.isExtension(end) {
                let score = self.phoneScore(run, groups, cue, isInternational: isInternational, isBracketed: isBracketed)
                if score > 0 { return self.add(start..<self.endOfExtension(end), .phone, cue.contains(.phone) ? min(97, score + 8) : score) }
            }
            groups -= 1
        }
    }

    /// 0: these groups are no telephone number.
    private func phoneScore(_ run: DigitRun, _ groups: Int, _ cue: WordMeaning, isInternational: Bool, isBracketed: Bool) -> UInt8 {
        let total = run.total(groups - 1)
        guard total >= 5, total <= 15, run.size(0) <= 12 else { return 0 }
        if isInternational { return total >= 8 ? 87 : 0 }
        let first = run.digits[0]
        let isPhone = cue.contains(.phone)
        if isPhone {
            if total >= 7, groups > 1 || total >= 8 { return 86 }
            if total >= 5, isBracketed || groups > 1 { return 78 }
        }
        // Words that explain the number otherwise.
        if !cue.isDisjoint(with: [.reference, .version, .account, .routing, .passport, .license, .driving, .nationalID, .medical, .tax, .socialSecurity, .card]) { return 0 }
        // An area code's leading zero, and as many digits as national numbers have.
        if groups == 1 { return cue.isEmpty && first == 0 && (total == 10 || total == 11) && !self.isFraction(run.start) ? 64 : 0 }
        if isBracketed { return total >= 7 && total <= 12 ? 82 : 0 }
        if self.isAmerican(run, groups, total) { return 83 }
        let signs = run.signs[groups - 1]
        if signs == 0x2E, run.size(groups - 1) < 2 { return 0 }
        if first == 0 {
            guard total >= 9, total <= 12, run.size(0) >= 2, run.size(groups - 1) >= 2 else { return 0 }
            // A date or a time never has as many digits.
            return 79
        }
        return self.isContinental(run, groups, total) ? 73 : 0
    }

    private func isFraction(_ start: Int) -> Bool { [0x2E, 0x2C, 0x23, 0x5F, 0x2D].contains(self.byte(start - 1)) }

    /// 3-3-4, also after a country code 1 or 001.
    private func isAmerican(_ run: DigitRun, _ groups: Int, _ total: Int) -> Bool {
        let lead = groups - 3
        guard lead == 0 || lead == 1, run.size(groups - 1) == 4, run.size(groups - 2) == 3, run.size(groups - 3) == 3 else { return false }
        if lead == 1, run.value(0) != 1 { return false }
        return run.digits[total - 10] >= 1 || total == 13
    }

    /// Nine digits of Spain and Portugal, mobile numbers of Italy, area codes of Brazil, in their usual groups.
    private func isContinental(_ run: DigitRun, _ groups: Int, _ total: Int) -> Bool {
        let first = run.digits[0], last = run.size(groups - 1)
        if total == 9, [2, 6, 7, 8, 9].contains(first), (groups == 3 && run.hasSizes(3, 3, 3)) || (groups == 4 && run.hasSizes(3, 2, 2, 2)) {
            return run.value(groups - 1) != 0
        }
        if total == 10, first == 3, groups >= 2, run.size(0) == 3, run.signs[1] != 0x2E { return true }
        if (total == 10 || total == 11), groups >= 3, run.size(0) == 2, last == 4, run.signs[groups - 1] == 0x2D { return true }
        if (total == 8 || total == 9), groups == 2, last == 4, run.signs[1] == 0x2D, run.size(0) >= 4 { return total == 9 && first == 9 }
        return false
    }

    private func isExtension(_ end: Int) -> Bool { (self.byte(end) | 0x20) == 0x78 && Self.isDigit(self.byte(end + 1)) }

    /// Behind an extension: `x123`, `ext. 123`.
    private func endOfExtension(_ end: Int) -> Int {
        var i = end
        if self.byte(i) == 0x20 { i += 1 }
        if self.matches(i, "ext") {
            i += 3
            if self.byte(i) == 0x2E { i += 1 }
            if self.byte(i) == 0x20 { i += 1 }
        } else if (self.byte(i) | 0x20) == 0x78 {
            i += 1
        } else {
            return end
        }
        let digits = i
        while Self.isDigit(self.byte(i)) { i += 1 }
        return i > digits && i - digits <= 6 ? i : end
    }
}
