extension PIIScan {
    /// Organizations by their legal form and by words such names hold.
    mutating func organizations(_ run: [NameWord]) {
        guard self.categories.contains(.organization) else { return }
        var start = 0
        while start < run.count, !run[start].isCapital || (run[start].meaning.contains(.common) && run[start].isSentenceStart && !run[start].isName) || run[start].meaning.contains(.title) { start += 1 }
        guard start < run.count else { return }
        // A legal form within the run or right behind it.
        var k = start + 1
        while k < run.count {
            if let last = self.dottedForm(run, k) { return self.add(run[start].start..<run[last].end, .organization, 89) }
            if self.isForm(run[k]) { return self.add(run[start].start..<self.endOfForms(run[k].last), .organization, 90) }
            k += 1
        }
        let last = run[run.count - 1]
        if let end = self.formBehind(last.last) { return self.add(run[start].start..<end, .organization, 88) }
        if let end = self.familyFirm(last.last) { return self.add(run[start].start..<end, .organization, 85) }
        guard run.count - start >= 2, run[start...].contains(where: { $0.meaning.contains(.organization) && $0.isCapital }) else { return }
        self.add(run[start].start..<last.end, .organization, 79)
    }

    /// `S.A.`, `S.p.A.` read as initials of the run.
    private func dottedForm(_ run: [NameWord], _ first: Int) -> Int? {
        guard run[first].isInitial else { return nil }
        var hash = LetterFold.seed, k = first
        while k < run.count, run[k].isInitial {
            for offset in run[k].start..<run[k].end where self.p[offset] != 0x2E { hash = LetterFold.step(hash, Self.isUpper(self.p[offset]) ? self.p[offset] | 0x20 : self.p[offset]) }
            k += 1
        }
        return k - first >= 2 && Self.dotted.contains(hash) ? k - 1 : nil
    }

    /// `… and Sons`, `… e figli`, `… & Partner`.
    private func familyFirm(_ token: Int) -> Int? {
        guard token + 2 < self.tokens.count, self.tokens[token + 1].count <= 3, self.tokens[token + 2].kind == .word else { return nil }
        return Self.relatives.contains(self.tokens[token + 2].hash) ? Int(self.tokens[token + 2].end) : nil
    }

    private static let relatives: Set<UInt64> = Set(
        ["sons", "figli", "fils", "hijos", "filhos", "söhne", "asociados", "associati", "associés", "associados", "partner", "partners", "kollegen", "oğulları", "hermanos", "frères"].map { LetterFold.hash($0) })

    /// Short forms are words too, so they count in capitals or in their usual spelling only.
    private func isForm(_ word: NameWord) -> Bool {
        guard word.meaning.contains(.companyForm) else { return false }
        return word.isAllCapital || word.count > 3 || ["Inc", "Ltd", "Lda"].contains { self.matchesExactly(word.start, $0) }
    }

    func matchesExactly(_ offset: Int, _ text: StaticString) -> Bool {
        guard offset >= 0, offset + text.utf8CodeUnitCount <= self.count else { return false }
        for index in 0..<text.utf8CodeUnitCount where self.p[offset + index] != text.utf8Start[index] { return false }
        return true
    }

    /// `GmbH & Co. KG`, `AG`: forms come in rows.
    private func endOfForms(_ token: Int) -> Int {
        var end = Int(self.tokens[token].end), i = token + 1, steps = 0
        if i < self.tokens.count, self.tokens[i].sign == 0x2E, Int(self.tokens[i].start) == end, !self.tokens[token].meaning.contains(.organization) {
            i += 1
        }
        while i < self.tokens.count, steps < 6 {
            let next = self.tokens[i]
            if next.kind == .word, next.meaning.contains(.companyForm), next.isCapital || next.count > 3 {
                end = Int(next.end)
            } else if !(next.kind == .sign && (next.sign == 0x26 || next.sign == 0x2E)) {
                break
            }
            i += 1
            steps += 1
        }
        return end
    }

    /// Legal forms that stand behind a run in small letters or with dots: `S.p.A.`, `s.r.l.`, `GmbH`, `e.V.`, `A.Ş.`.
    private func formBehind(_ token: Int) -> Int? {
        var i = token + 1
        if i < self.tokens.count, self.tokens[i].kind == .sign, self.tokens[i].sign == 0x2C { i += 1 }
        guard i < self.tokens.count, self.tokens[i].kind == .word, self.tokens[i].shape.contains(.spaceBefore) else { return nil }
        if self.tokens[i].meaning.contains(.companyForm), self.tokens[i].count >= 3, self.tokens[i].isCapital { return self.endOfForms(i) }
        // Letters with dots.
        let first = i
        var hash = LetterFold.seed, letters = 0
        while i + 1 < self.tokens.count, self.tokens[i].kind == .word, self.tokens[i].count <= 2, self.tokens[i + 1].sign == 0x2E, self.tokens[i + 1].start == self.tokens[i].end, letters < 6 {
            if i > first, self.tokens[i].shape.contains(.spaceBefore) { break }
            for offset in self.tokens[i].range { hash = LetterFold.step(hash, PIIScan.isUpper(self.p[offset]) ? self.p[offset] | 0x20 : self.p[offset]) }
            letters += 1
            i += 2
        }
        guard letters >= 2, Self.dotted.contains(hash) else { return nil }
        return Int(self.tokens[i - 1].end)
    }

    private static let dotted: Set<UInt64> = Set(["sa", "sl", "spa", "srl", "sas", "snc", "sarl", "ev", "slu", "slne", "scp", "scoop", "sll", "eurl", "sci", "ltda", "ei", "ag", "bv", "nv", "sc", "llc", "plc"].map { LetterFold.hash($0) } + [
        "aş".utf8.reduce(LetterFold.seed) { LetterFold.step($0, $1) }, "aŞ".utf8.reduce(LetterFold.seed) { LetterFold.step($0, $1) },
    ])
}
