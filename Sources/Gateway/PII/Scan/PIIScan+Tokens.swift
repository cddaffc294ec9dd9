extension PIIScan {
    /// Cuts the text into tokens and looks words up.
    mutating func tokenize(_ lexicon: Lexicon) {
        var i = 0
        var shape: PIIToken.Shape = [.sentenceStart]
        while i < self.count {
            let byte = self.p[i]
            if byte == 0x20 || byte == 0x09 || byte == 0x0D {
                shape.insert(.spaceBefore)
                i += 1
            } else if byte == 0x0A {
                self.push(i, i + 1, .lineBreak, shape)
                shape = [.sentenceStart, .spaceBefore]
                i += 1
            } else if Self.isAlphanumeric(byte) || (byte >= 0xC3 && byte < 0xE0) {
                i = self.word(i, &shape, lexicon)
            } else if byte < 0x80 {
                self.push(i, i + 1, .sign, shape, sign: byte)
                shape = Self.shape(after: byte, shape)
                i += 1
            } else {
                i = self.wide(i, &shape, lexicon)
            }
        }
    }

    /// Whether the next word begins a sentence.
    private static func shape(after sign: UInt8, _ shape: PIIToken.Shape) -> PIIToken.Shape {
        switch sign {
        case 0x2E, 0x21, 0x3F, 0x3A, 0xBF: [.sentenceStart]
        // Quotes, brackets and dashes keep what was.
        case 0x22, 0x27, 0x28, 0x2D, 0x2A, 0x23, 0x3E, 0x5B: shape.intersection(.sentenceStart)
        default: []
        }
    }

    private mutating func push(_ start: Int, _ end: Int, _ kind: PIIToken.Kind, _ shape: PIIToken.Shape, hash: UInt64 = 0, meaning: WordMeaning = [], sign: UInt8 = 0) {
        self.tokens.append(PIIToken(start: Int32(start), end: Int32(end), kind: kind, shape: shape, hash: hash, meaning: meaning, sign: sign))
    }

    /// A run of letters and digits.
    private mutating func word(_ start: Int, _ shape: inout PIIToken.Shape, _ lexicon: Lexicon) -> Int {
        var i = start, hash = LetterFold.seed
        var digits = 0, letters = 0, capitals = 0
        while i < self.count {
            let byte = self.p[i]
            if Self.isLetter(byte) {
                if byte & 0x20 == 0 {
                    capitals += 1
                    if letters == 0, digits == 0 { shape.insert(.capital) }
                }
                letters += 1
                hash = LetterFold.step(hash, byte | 0x20)
                i += 1
            } else if Self.isDigit(byte) {
                digits += 1
                hash = LetterFold.step(hash, byte)
                i += 1
            } else if byte >= 0xC3, byte < 0xE0, i + 1 < self.count {
                shape.insert(.hasNonASCII)
                let folded = byte <= 0xC5 ? LetterFold.fold(byte, self.p[i + 1]) : 0
                if folded != 0 {
                    if folded & 0x80 != 0 {
                        capitals += 1
                        if letters == 0, digits == 0 { shape.insert(.capital) }
                    }
                    hash = LetterFold.step(hash, folded & 0x7F)
                } else {
                    // × and ÷ are signs; other scripts hash as they are.
                    if byte == 0xC3 { break }
                    hash = LetterFold.step(LetterFold.step(hash, byte), self.p[i + 1])
                }
                letters += 1
                i += 2
            } else {
                break
            }
        }
        if i == start {
            self.push(start, min(self.count, start + 2), .sign, shape)
            shape = []
            return min(self.count, start + 2)
        }
        let kind: PIIToken.Kind = letters == 0 ? .number : digits == 0 ? .word : .mixed
        if letters >= 2, capitals == letters { shape.insert(.allCapital) }
        self.push(start, i, kind, shape, hash: hash, meaning: kind == .number ? [] : lexicon.meaning(hash))
        shape = []
        return i
    }

    /// Signs and letters of three and four bytes, and signs of two.
    private mutating func wide(_ start: Int, _ shape: inout PIIToken.Shape, _ lexicon: Lexicon) -> Int {
        let first = self.p[start], second = self.byte(start + 1), third = self.byte(start + 2)
        if first < 0xE0 {
            // U+0080 to U+00BF: a no-break space, inverted marks, quotes, ordinals.
            let end = min(self.count, start + (first >= 0xC0 ? 2 : 1))
            if first == 0xC2, second == 0xA0 {
                shape.insert(.spaceBefore)
                return end
            }
            self.push(start, end, .sign, shape, sign: second == 0xBF ? 0xBF : 0)
            shape = second == 0xBF || second == 0xA1 || second == 0xAB ? [.sentenceStart] : []
            return end
        }
        if first >= 0xF0 {
            let end = min(self.count, start + 4)
            self.push(start, end, .sign, shape)
            shape = []
            return end
        }
        let kind = Self.script(first, second, third)
        if kind == .sign {
            let end = min(self.count, start + 3)
            let sign = Self.likeness(first, second, third)
            if sign == 0x20 {
                shape.insert(.spaceBefore)
                return end
            }
            self.push(start, end, .sign, shape, sign: sign)
            shape = Self.shape(after: sign, shape)
            return end
        }
        if kind == .hangul { self.hasHangul = true } else { self.hasHan = true }
        var end = start
        while end + 2 < self.count, self.p[end] >= 0xE0, self.p[end] < 0xF0, Self.script(self.p[end], self.p[end + 1], self.p[end + 2]) == kind { end += 3 }
        // ケ and ヶ between kanji are part of a place's or family's name.
        while kind == .han, end + 5 < self.count, self.p[end] == 0xE3, self.matchesSmallKe(end), Self.script(self.p[end + 3], self.p[end + 4], self.p[end + 5]) == .han {
            end += 3
            while end + 2 < self.count, self.p[end] >= 0xE0, self.p[end] < 0xF0, Self.script(self.p[end], self.p[end + 1], self.p[end + 2]) == .han { end += 3 }
        }
        if end == start { end = min(self.count, start + 3) }
        var hash = LetterFold.seed
        for index in start..<end { hash = LetterFold.step(hash, self.p[index]) }
        self.push(start, end, kind, shape, hash: hash, meaning: self.meaning(of: start..<end, kind, lexicon))
        shape = []
        return end
    }

    private func matchesSmallKe(_ offset: Int) -> Bool { (self.p[offset + 1] == 0x82 && self.p[offset + 2] == 0xB1) || (self.p[offset + 1] == 0x83 && self.p[offset + 2] == 0xB6) }

    /// East Asian words stand together without blanks: what a run means is what its beginning, its end or the whole means.
    private func meaning(of range: Range<Int>, _ kind: PIIToken.Kind, _ lexicon: Lexicon) -> WordMeaning {
        if kind == .hiragana { return lexicon.meaning(self.hash(range)) }
        var meaning: WordMeaning = []
        var end = range.lowerBound + 3
        while end <= range.upperBound, end - range.lowerBound <= 24 {
            meaning.formUnion(lexicon.meaning(self.hash(range.lowerBound..<end)))
            end += 3
        }
        var start = range.upperBound - 3
        while start > range.lowerBound, range.upperBound - start <= 24 {
            // Of a suffix only contexts count; names are looked for by their own recognizer.
            meaning.formUnion(lexicon.meaning(self.hash(start..<range.upperBound)).intersection(Self.contexts))
            start -= 3
        }
        return meaning
    }

    private static let contexts = WordMeaning(rawValue: ~((1 << 24) - 1)).union([.honorific])

    func hash(_ range: Range<Int>) -> UInt64 {
        var hash = LetterFold.seed
        for index in range { hash = LetterFold.step(hash, self.p[index]) }
        return hash
    }

    private static func script(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> PIIToken.Kind {
        switch first {
        case 0xE1: return second >= 0x84 && second <= 0x87 ? .hangul : .sign
        case 0xE3:
            if second == 0x81 || (second == 0x82 && third < 0xA0) { return .hiragana }
            if second == 0x83 || second == 0x82 { return .katakana }
            if second == 0x80 { return third == 0x85 || third == 0x86 || third == 0x87 ? .han : .sign }
            return second >= 0x90 ? .han : .sign
        case 0xE4...0xE9: return .han
        case 0xEA: return second >= 0xB0 ? .hangul : .sign
        case 0xEB, 0xEC: return .hangul
        case 0xED: return second <= 0x9E ? .hangul : .sign
        default: return .sign
        }
    }

    /// The ASCII sign a wide one stands for; 0x20 for blanks, 0 for others.
    private static func likeness(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> UInt8 {
        switch (first, second, third) {
        case (0xE2, 0x80, 0x80...0x8B), (0xE2, 0x80, 0xAF), (0xE3, 0x80, 0x80): 0x20
        case (0xE2, 0x80, 0x90...0x95): 0x2D
        case (0xE2, 0x80, 0x98...0x99): 0x27
        case (0xE2, 0x80, 0x9C...0x9E), (0xE3, 0x80, 0x8C...0x8F): 0x22
        case (0xE3, 0x80, 0x81), (0xEF, 0xBC, 0x8C): 0x2C
        case (0xE3, 0x80, 0x82), (0xEF, 0xBC, 0x8E): 0x2E
        case (0xEF, 0xBC, 0x9A): 0x3A
        case (0xEF, 0xBC, 0x88): 0x28
        case (0xEF, 0xBC, 0x89): 0x29
        case (0xEF, 0xBC, 0x81): 0x21
        case (0xEF, 0xBC, 0x9F): 0x3F
        case (0xEF, 0xBC, 0x8D): 0x2D
        default: 0
        }
    }
}
