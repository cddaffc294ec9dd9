/// One text being looked through: its bytes, its tokens, and what was found.
struct PIIScan {
    let p: UnsafePointer<UInt8>
    let count: Int
    let categories: PIICategories
    var tokens: [PIIToken] = []
    var spans: [PIISpan] = []
    /// Whether there are Japanese and Korean words.
    var hasHan = false
    var hasHangul = false

    init(_ p: UnsafePointer<UInt8>, count: Int, categories: PIICategories) {
        self.p = p
        self.count = count
        self.categories = categories
        self.tokens.reserveCapacity(count / 5 + 8)
    }

    // MARK: Bytes

    @inline(__always)
    func byte(_ index: Int) -> UInt8 { index >= 0 && index < self.count ? self.p[index] : 0 }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
    @inline(__always)
    static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }
    @inline(__always)
    static func isUpper(_ byte: UInt8) -> Bool { byte &- 0x41 < 26 }
    @inline(__always)
    static func isAlphanumeric(_ byte: UInt8) -> Bool { self.isDigit(byte) || self.isLetter(byte) }

    /// Whether a code may begin here: nothing alphanumeric stands before.
    @inline(__always)
    func isFree(before index: Int) -> Bool { !Self.isAlphanumeric(self.byte(index - 1)) && self.byte(index - 1) != 0x5F }
    @inline(__always)
    func isFree(after index: Int) -> Bool { !Self.isAlphanumeric(self.byte(index)) && self.byte(index) != 0x5F }

    // MARK: Findings

    mutating func add(_ range: Range<Int>, _ category: PIICategory, _ score: UInt8) {
        guard self.categories.contains(category), !range.isEmpty else { return }
        self.spans.append(PIISpan(range: range, category: category, score: score))
    }

    /// Meanings of the words before a token and shortly after it: what the number or code between them may be.
    func context(_ index: Int, before: Int = 8, after: Int = 0) -> WordMeaning {
        var meaning: WordMeaning = []
        var i = index - 1
        let first = max(0, index - before)
        while i >= first {
            if self.tokens[i].kind == .lineBreak, i < index - 3 { break }
            meaning.formUnion(self.tokens[i].meaning)
            i -= 1
        }
        i = index + 1
        let last = min(self.tokens.count - 1, index + after)
        while i <= last {
            if self.tokens[i].kind == .lineBreak { break }
            meaning.formUnion(self.tokens[i].meaning)
            i += 1
        }
        return meaning
    }

    /// The first token that begins at or behind an offset.
    func token(at offset: Int, from index: Int) -> Int {
        var i = index
        while i < self.tokens.count, Int(self.tokens[i].start) < offset { i += 1 }
        return i
    }

    /// The findings of which none overlaps another: the surer one wins, then the longer.
    mutating func resolved() -> [PIISpan] {
        guard self.spans.count > 1 else { return self.spans }
        let ranked = self.spans.sorted { a, b in
            if a.score != b.score { return a.score > b.score }
            if a.range.count != b.range.count { return a.range.count > b.range.count }
            return a.range.lowerBound < b.range.lowerBound
        }
        var kept: [PIISpan] = []
        // Which bytes are taken: a look costs as much as the finding is long, however many findings there are.
        var taken = [Bool](repeating: false, count: self.count)
        for span in ranked where !taken[span.range].contains(true) {
            for offset in span.range { taken[offset] = true }
            kept.append(span)
        }
        kept.sort { $0.range.lowerBound < $1.range.lowerBound }
        return kept
    }
}
