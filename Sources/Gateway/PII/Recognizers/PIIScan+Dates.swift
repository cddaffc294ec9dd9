extension PIIScan {
    /// A date in digits at a run: year first, or year last, with one sign throughout; with the time behind it.
    ///
    /// - Returns: whether the run is a date, so that it is nothing else.
    mutating func numericDate(_ run: DigitRun, _ index: Int) -> Bool {
        guard run.groups >= 3, run.signs[1] == run.signs[2], [0x2D, 0x2F, 0x2E].contains(run.signs[1]) else { return false }
        let before = self.byte(run.start - 1)
        if before == 0x2D || before == 0x2F || before == 0x2E || before == 0x2B { return false }
        let a = run.value(0), b = run.value(1), c = run.value(2)
        let sizes = (run.size(0), run.size(1), run.size(2))
        let isYearFirst = sizes.0 == 4 && sizes.1 <= 2 && sizes.2 <= 2 && Self.isYear(a) && Self.isMonth(b) && Self.isDay(c)
        let isYearLast = sizes.0 <= 2 && sizes.1 <= 2 && (sizes.2 == 4 ? Self.isYear(c) : sizes.2 == 2)
            && ((Self.isDay(a) && Self.isMonth(b)) || (Self.isMonth(a) && Self.isDay(b)))
        guard isYearFirst || isYearLast else { return false }
        let end = run.end(2)
        // A fourth group behind the same sign makes it another number; behind a blank it may be a time.
        if run.groups > 3, run.signs[3] == run.signs[1] { return false }
        guard !Self.isLetter(self.byte(end)) || self.byte(end) == 0x54 else { return false }
        let isShort = sizes.2 == 2 && !isYearFirst
        if isShort, self.context(index, before: 3).contains(.version) { return false }
        self.add(run.start..<self.endOfTime(end), .date, isShort ? 84 : 93)
        return true
    }

    private static func isYear(_ value: Int) -> Bool { (1000...2199).contains(value) }
    private static func isMonth(_ value: Int) -> Bool { (1...12).contains(value) }
    private static func isDay(_ value: Int) -> Bool { (1...31).contains(value) }

    /// Behind a time of day that follows a date: `T10:20:30.5Z`, ` 10:20 PM`.
    private func endOfTime(_ end: Int) -> Int {
        var i = end
        if self.byte(i) == 0x2C { i += 1 }
        guard self.byte(i) == 0x54 || self.byte(i) == 0x20 else { return end }
        i += 1
        func digits(_ most: Int) -> Bool {
            let start = i
            while Self.isDigit(self.byte(i)), i - start < most { i += 1 }
            return i > start
        }
        guard digits(2), self.byte(i) == 0x3A else { return end }
        i += 1
        guard digits(2) else { return end }
        if self.byte(i) == 0x3A {
            i += 1
            if !digits(2) { return end }
            if self.byte(i) == 0x2E, Self.isDigit(self.byte(i + 1)) {
                i += 1
                _ = digits(9)
            }
        }
        if self.byte(i) == 0x5A { return i + 1 }
        if self.byte(i) == 0x2B || (self.byte(i) == 0x2D && Self.isDigit(self.byte(i + 1))) {
            let zone = i
            i += 1
            guard digits(2) else { return zone }
            if self.byte(i) == 0x3A { i += 1 }
            _ = digits(2)
            return i
        }
        let space = self.byte(i) == 0x20 ? i + 1 : i
        if (self.byte(space) | 0x20 == 0x61 || self.byte(space) | 0x20 == 0x70), self.byte(space + 1) | 0x20 == 0x6D, self.isFree(after: space + 2) { return space + 2 }
        return i
    }

    /// Dates with the month as a word, and East Asian ones with their units.
    mutating func recognizeWrittenDates() {
        for index in self.tokens.indices {
            let token = self.tokens[index]
            if token.meaning.contains(.month), token.kind == .word { self.monthDate(index) }
            if token.kind == .number, token.count == 4 || token.count == 2 || token.count == 1 { self.eastAsianDate(index) }
        }
    }

    private func number(_ index: Int) -> Int? {
        guard index >= 0, index < self.tokens.count, self.tokens[index].kind == .number, self.tokens[index].count <= 4 else { return nil }
        return self.tokens[index].range.reduce(0) { $0 * 10 + Int(self.p[$1] - 0x30) }
    }

    /// The day before or behind a month's name: a number, perhaps with an ordinal's ending (`3rd`, `1er`, `2.`).
    private func day(_ index: Int) -> Int? {
        guard index >= 0, index < self.tokens.count else { return nil }
        if let day = self.number(index) { return Self.isDay(day) ? day : nil }
        let token = self.tokens[index]
        guard token.kind == .mixed, token.count <= 4, Self.isDigit(self.p[Int(token.start)]) else { return nil }
        var day = 0, i = Int(token.start)
        while i < Int(token.end), Self.isDigit(self.p[i]) {
            day = day * 10 + Int(self.p[i] - 0x30)
            i += 1
        }
        let rest = Int(token.end) - i
        return Self.isDay(day) && rest <= 2 && ["st", "nd", "rd", "th", "er"].contains { self.matches(i, $0) } ? day : nil
    }

    private func isSign(_ index: Int, _ sign: UInt8) -> Bool { index >= 0 && index < self.tokens.count && self.tokens[index].kind == .sign && self.tokens[index].sign == sign }
    private func isParticle(_ index: Int) -> Bool { index >= 0 && index < self.tokens.count && self.tokens[index].kind == .word && self.tokens[index].meaning.contains(.particle) }

    private mutating func monthDate(_ index: Int) {
        var first = index, last = index
        var before = index - 1
        if self.isSign(before, 0x2E) || self.isSign(before, 0x2D) { before -= 1 }
        if self.isParticle(before) { before -= 1 }
        let hasDayBefore = self.day(before) != nil
        if hasDayBefore { first = before }
        var after = index + 1
        if self.isSign(after, 0x2E) || self.isSign(after, 0x2D) { after += 1 }
        if !hasDayBefore, self.day(after) != nil, self.number(after).map({ !Self.isYear($0) }) ?? true {
            last = after
            after += 1
            if self.isSign(after, 0x2C) { after += 1 }
        } else if hasDayBefore, self.isSign(after, 0x2C) {
            after += 1
        }
        var next = after
        if self.isParticle(next) { next += 1 }
        if let year = self.number(next), Self.isYear(year) { last = next }
        guard first != last, last - first <= 8 else { return }
        // "May 5" is a date, "may 5" is not; elsewhere months are written small.
        if !self.tokens[index].isCapital, self.tokens[index].meaning.contains(.common) { return }
        self.add(Int(self.tokens[first].start)..<self.endOfTime(Int(self.tokens[last].end)), .date, 91)
    }

    /// Year, month and day in Japanese and Korean, as bytes.
    private static let dateUnits: [[(UInt8, UInt8, UInt8)]] = [
        [(0xE5, 0xB9, 0xB4), (0xEB, 0x85, 0x84)], [(0xE6, 0x9C, 0x88), (0xEC, 0x9B, 0x94)], [(0xE6, 0x97, 0xA5), (0xEC, 0x9D, 0xBC)],
    ]

    /// 2020年3月12日, 2020년 3월 12일, 3月12日.
    private mutating func eastAsianDate(_ index: Int) {
        let start = Int(self.tokens[index].start)
        var i = start, parts = 0
        guard self.byte(Int(self.tokens[index].end)) >= 0xE5 else { return }
        for (position, unit) in Self.dateUnits.enumerated() {
            var j = i
            if parts > 0, self.byte(j) == 0x20 { j += 1 }
            let digits = j
            while Self.isDigit(self.byte(j)), j - digits < 4 { j += 1 }
            let found = unit.contains { self.byte(j) == $0.0 && self.byte(j + 1) == $0.1 && self.byte(j + 2) == $0.2 }
            guard j > digits, found else {
                if position == 0 { continue }
                break
            }
            i = j + 3
            parts += 1
        }
        if parts >= 2 { self.add(start..<i, .date, 93) }
    }
}
