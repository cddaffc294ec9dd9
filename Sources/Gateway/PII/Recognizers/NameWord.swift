/// One word of a run of capitalised words: `Maria`, `J.`, `O'Brien`, `de`.
struct NameWord {
    let start: Int
    let end: Int
    /// First and last token.
    let token: Int
    let last: Int
    let hash: UInt64
    let meaning: WordMeaning
    let isCapital: Bool
    /// A capital and a dot.
    let isInitial: Bool
    let isAllCapital: Bool
    /// A hyphen joins it to the word before.
    let isJoined: Bool
    let isSentenceStart: Bool

    var count: Int { self.end - self.start }
    var isGiven: Bool { self.meaning.contains(.given) }
    var isSurname: Bool { self.meaning.contains(.surname) }
    var isName: Bool { !self.meaning.isDisjoint(with: [.given, .surname]) }
    var isPlace: Bool { !self.meaning.isDisjoint(with: .anyPlace) }
    /// Ordinary words, and those that are part of other things than people and places.
    var isOrdinary: Bool { !self.meaning.isDisjoint(with: Self.ordinary) }
    private static let ordinary: WordMeaning = [.common, .organization, .thing, .month, .title, .honorific, .personCue, .personVerb, .residence, .locative]
    /// Nothing is known of it.
    var isUnknown: Bool { self.isCapital && !self.isAllCapital && !self.isName && !self.isPlace && !self.isOrdinary && self.meaning.isDisjoint(with: [.nationality, .companyForm, .street, .unit]) }
}

extension PIIScan {
    /// The language of the text by its function words; empty when it cannot be told.
    func language() -> WordMeaning {
        var counts = InlineArray<8, Int>(repeating: 0)
        for token in self.tokens where token.kind == .word {
            let bits = token.meaning.rawValue >> 50 & 0x7F
            if bits == 0 { continue }
            for bit in 0..<7 where bits >> UInt64(bit) & 1 == 1 { counts[bit] += bits & (bits - 1) == 0 ? 3 : 1 }
        }
        var best = 0
        for bit in 1..<7 where counts[bit] > counts[best] { best = bit }
        return counts[best] == 0 ? [] : WordMeaning(rawValue: 1 << UInt64(50 + best))
    }

    /// Reads a run of capitalised words from a token on, with the particles, hyphens and initials between them; at most twelve words.
    ///
    /// - Returns: the token behind it.
    func readRun(_ first: Int, _ run: inout [NameWord]) -> Int {
        run.removeAll(keepingCapacity: true)
        var i = first, isJoined = false, afterDot = false
        while i < self.tokens.count, run.count < 12 {
            let word = self.nameWord(i, isJoined: isJoined, afterDot: afterDot)
            run.append(word)
            i = word.last + 1
            isJoined = false
            afterDot = word.last > word.token
            guard i < self.tokens.count else { break }
            if self.isJoint(i) {
                isJoined = true
                i += 1
            } else if self.continuesRun(i) {
                continue
            } else {
                break
            }
        }
        // Particles and joints at the end belong to what follows.
        while let last = run.last, !last.isCapital { run.removeLast() }
        return max(first + 1, run.last.map { $0.last + 1 } ?? first + 1)
    }

    private func nameWord(_ index: Int, isJoined: Bool, afterDot: Bool) -> NameWord {
        let token = self.tokens[index]
        var last = index, hash = token.hash, meaning = token.meaning
        let next = index + 1
        if next < self.tokens.count, self.tokens[next].kind == .sign, self.tokens[next].start == token.end {
            let sign = self.tokens[next].sign
            if sign == 0x27, token.count <= 2, next + 1 < self.tokens.count, self.tokens[next + 1].isCapital, self.tokens[next + 1].start == self.tokens[next].end {
                last = next + 1
                hash = self.tokens[last].hash
                meaning = self.tokens[last].meaning
            } else if sign == 0x2E, token.isCapital, token.count == 1 || (token.count <= 6 && !meaning.isDisjoint(with: [.title, .street, .companyForm, .unit, .placeHead])) {
                last = next
            }
        }
        return NameWord(
            start: Int(token.start), end: Int(self.tokens[last].end), token: index, last: last, hash: hash, meaning: meaning, isCapital: token.isCapital,
            isInitial: token.isCapital && token.count == 1, isAllCapital: token.shape.contains(.allCapital), isJoined: isJoined,
            isSentenceStart: token.shape.contains(.sentenceStart) && !afterDot)
    }

    /// A hyphen between two words without blanks.
    private func isJoint(_ index: Int) -> Bool {
        let sign = self.tokens[index]
        guard sign.kind == .sign, sign.sign == 0x2D, !sign.shape.contains(.spaceBefore), index + 1 < self.tokens.count else { return false }
        let next = self.tokens[index + 1]
        guard next.kind == .word, next.start == sign.end else { return false }
        return next.isCapital || (next.count <= 4 && index + 2 < self.tokens.count && self.tokens[index + 2].sign == 0x2D)
    }

    /// Whether the token is the run's next word: a capitalised one behind a blank, or a particle before one.
    private func continuesRun(_ index: Int) -> Bool {
        let token = self.tokens[index]
        guard token.kind == .word, token.shape.contains(.spaceBefore) || self.tokens[index - 1].sign == 0x2E else { return false }
        if token.isCapital { return true }
        guard token.meaning.contains(.nameParticle) else { return false }
        var i = index + 1
        while i < self.tokens.count, i <= index + 2 {
            let next = self.tokens[i]
            guard next.kind == .word, next.shape.contains(.spaceBefore) else { return false }
            if next.isCapital { return true }
            if !next.meaning.contains(.nameParticle) { return false }
            i += 1
        }
        return false
    }

    /// The nearest word before a token, at most two signs away on the same line.
    func wordBefore(_ index: Int) -> PIIToken? {
        var i = index - 1
        while i >= 0, i >= index - 3 {
            let token = self.tokens[i]
            if token.kind == .lineBreak { return nil }
            if token.kind != .sign { return token }
            if ![0x2E, 0x3A, 0x27, 0x22, 0x28, 0x2C].contains(token.sign) { return nil }
            i -= 1
        }
        return nil
    }
}
