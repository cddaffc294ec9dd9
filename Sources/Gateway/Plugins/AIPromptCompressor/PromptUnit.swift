import GatewayPII

/// A piece of a prompt: a word, a sign, or something that must stay as it is.
struct PromptUnit {
    enum Kind {
        case word
        case sign
        /// Code, numbers, quotations, addresses, tags, tables: never touched.
        case kept
        /// A run of East Asian letters.
        case wide
    }

    let range: Range<Int>
    let kind: Kind
    let tokens: Int
    /// Number of its sentence, from 0.
    let sentence: Int
    /// Whether blanks stand before it, and whether line breaks are among them.
    let hasBlank: Bool
    let lineBreaks: Int
}

/// Cuts prompts into units. One walk; nothing is looked at twice but ends of what is kept whole.
struct PromptUnits {
    private let text: UnsafeBufferPointer<UInt8>
    private var units: [PromptUnit] = []
    private var sentence = 0
    private var i = 0
    /// Where the partner of an opening bracket stands.
    private var partners: [Int: Int] = [:]

    static func read(_ text: UnsafeBufferPointer<UInt8>) -> [PromptUnit] {
        var reader = PromptUnits(text)
        reader.run()
        return reader.units
    }

    private init(_ text: UnsafeBufferPointer<UInt8>) {
        self.text = text
        self.units.reserveCapacity(text.count / 4 + 4)
        self.pairBrackets()
    }

    private func byte(_ offset: Int) -> UInt8 { offset >= 0 && offset < self.text.count ? self.text[offset] : 0 }
    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
    private static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }
    private static func isWide(_ byte: UInt8) -> Bool { byte >= 0xE3 && byte <= 0xED }

    private mutating func run() {
        var hasBlank = false, breaks = 0
        while self.i < self.text.count {
            let byte = self.text[self.i]
            if byte <= 0x20 {
                hasBlank = true
                if byte == 0x0A { breaks += 1 }
                self.i += 1
                continue
            }
            if breaks > 0 { self.sentence += 1 }
            let isLineStart = breaks > 0 || self.units.isEmpty
            let start = self.i
            let (end, kind) = self.whole(start, isLineStart: isLineStart) ?? self.piece(start)
            self.units.append(
                PromptUnit(range: start..<end, kind: kind, tokens: self.tokens(start..<end, kind), sentence: self.sentence, hasBlank: hasBlank, lineBreaks: breaks))
            self.i = end
            if kind == .sign, [0x2E, 0x21, 0x3F].contains(byte) || self.isWideStop(start), self.byte(end) <= 0x20 || byte >= 0x80 { self.sentence += 1 }
            hasBlank = false
            breaks = 0
        }
    }

    private func isWideStop(_ offset: Int) -> Bool {
        (self.byte(offset) == 0xE3 && self.byte(offset + 1) == 0x80 && self.byte(offset + 2) == 0x82) || (self.byte(offset) == 0xEF && self.byte(offset + 1) == 0xBC && [0x81, 0x9F].contains(self.byte(offset + 2)))
    }

    // MARK: What stays whole

    private func whole(_ start: Int, isLineStart: Bool) -> (Int, PromptUnit.Kind)? {
        let byte = self.text[start]
        switch byte {
        case 0x60 where self.byte(start + 1) == 0x60 && self.byte(start + 2) == 0x60, 0x7E where self.byte(start + 1) == 0x7E && self.byte(start + 2) == 0x7E:
            return (self.fenceEnd(start), .kept)
        case 0x60: return self.until(0x60, from: start + 1, most: 2_000, sameLine: true).map { ($0, .kept) }
        case 0x22: return self.until(0x22, from: start + 1, most: 2_000, sameLine: false).map { ($0, .kept) }
        case 0x3C where Self.isLetter(self.byte(start + 1)) || self.byte(start + 1) == 0x2F || self.byte(start + 1) == 0x21: return self.until(0x3E, from: start + 1, most: 400, sameLine: true).map { ($0, .kept) }
        case 0x7B, 0x5B: return self.partners[start].map { ($0, .kept) }
        case 0x7C where isLineStart, 0x23 where isLineStart: return (self.lineEnd(start), .kept)
        case 0xE2 where self.byte(start + 1) == 0x80 && (self.byte(start + 2) == 0x9C || self.byte(start + 2) == 0x9E):
            return self.wideClose(start, first: 0xE2, second: 0x80, thirds: [0x9D, 0x9C])
        case 0xC2 where self.byte(start + 1) == 0xAB: return self.wideClose(start, first: 0xC2, second: 0xBB, thirds: [])
        case 0xE3 where self.byte(start + 1) == 0x80 && (self.byte(start + 2) == 0x8C || self.byte(start + 2) == 0x8E):
            return self.wideClose(start, first: 0xE3, second: 0x80, thirds: [0x8D, 0x8F])
        default: return nil
        }
    }

    private func fenceEnd(_ start: Int) -> Int {
        let mark = self.text[start]
        var i = start + 3
        while i + 2 < self.text.count {
            if self.text[i] == mark, self.text[i + 1] == mark, self.text[i + 2] == mark { return i + 3 }
            i += 1
        }
        return self.text.count
    }

    private func lineEnd(_ start: Int) -> Int {
        var i = start
        while i < self.text.count, self.text[i] != 0x0A { i += 1 }
        return i
    }

    private func until(_ mark: UInt8, from start: Int, most: Int, sameLine: Bool) -> Int? {
        var i = start
        while i < self.text.count, i - start < most {
            if self.text[i] == mark { return i + 1 }
            if self.text[i] == 0x0A, sameLine || self.byte(i + 1) == 0x0A { return nil }
            i += 1
        }
        return nil
    }

    private func wideClose(_ start: Int, first: UInt8, second: UInt8, thirds: [UInt8]) -> (Int, PromptUnit.Kind)? {
        var i = start + 2
        while i < self.text.count, i - start < 2_000 {
            if self.text[i] == first, self.byte(i + 1) == second, thirds.isEmpty || thirds.contains(self.byte(i + 2)) { return (i + (thirds.isEmpty ? 2 : 3), .kept) }
            i += 1
        }
        return nil
    }

    /// JSON and the like: brackets with their partners, found in one walk. Brackets within strings do not count; a blank line ends a string that never closed.
    private mutating func pairBrackets() {
        var open: [Int] = [], i = 0, isQuoted = false
        while i < self.text.count {
            let byte = self.text[i]
            if isQuoted {
                if byte == 0x5C { i += 1 } else if byte == 0x22 || (byte == 0x0A && self.byte(i + 1) == 0x0A) { isQuoted = false }
            } else if byte == 0x22 {
                isQuoted = !open.isEmpty
            } else if byte == 0x7B || byte == 0x5B {
                open.append(i)
            } else if byte == 0x7D || byte == 0x5D {
                if let start = open.popLast() { self.partners[start] = i + 1 }
            }
            i += 1
        }
    }

    // MARK: Words and signs

    private func piece(_ start: Int) -> (Int, PromptUnit.Kind) {
        let first = self.text[start]
        if Self.isWide(first), !(first == 0xE3 && self.byte(start + 1) == 0x80) {
            var i = start
            while i + 2 < self.text.count, Self.isWide(self.text[i]), !(self.text[i] == 0xE3 && self.text[i + 1] == 0x80), i - start < 36 { i += 3 }
            return (max(i, min(self.text.count, start + 3)), .wide)
        }
        guard Self.isLetter(first) || Self.isDigit(first) || (first >= 0xC3 && first < 0xE3) || (first == 0x2F && Self.isLetter(self.byte(start + 1))) || (first == 0x40 && Self.isLetter(self.byte(start + 1))) else {
            return (self.endOfCharacter(start), .sign)
        }
        // A word goes to the next blank or sign; digits, addresses, paths and names with signs within stay.
        var i = start, isKept = Self.isDigit(first) || first == 0x2F || first == 0x40
        while i < self.text.count {
            let byte = self.text[i]
            if Self.isLetter(byte) || (byte >= 0x80 && !Self.isWide(byte) && !(byte == 0xC2) && !(byte == 0xE2)) {
                i += 1
            } else if Self.isDigit(byte) || byte == 0x5F {
                isKept = true
                i += 1
            } else if byte == 0x27, Self.isLetter(self.byte(i + 1)) {
                i += 1
            } else if [0x2D, 0x2E, 0x2F, 0x3A, 0x40, 0x25, 0x2B, 0x3D, 0x26, 0x3F, 0x23, 0x2C].contains(byte), i > start, self.byte(i + 1) > 0x20, Self.isLetter(self.byte(i + 1)) || Self.isDigit(self.byte(i + 1)) || (byte == 0x3A && self.byte(i + 1) == 0x2F) || (byte == 0x2F && self.byte(i + 1) == 0x2F) {
                if byte != 0x2D { isKept = true }
                i += 1
            } else if byte == 0x25, isKept {
                i += 1
            } else {
                break
            }
        }
        return i == start ? (self.endOfCharacter(start), .sign) : (i, isKept ? .kept : .word)
    }

    private func endOfCharacter(_ start: Int) -> Int {
        var i = start + 1
        while i < self.text.count, self.text[i] & 0xC0 == 0x80 { i += 1 }
        return i
    }

    /// About as many tokens as common tokenizers make of it: four letters or three digits each, one for each East Asian letter and sign.
    private func tokens(_ range: Range<Int>, _ kind: PromptUnit.Kind) -> Int {
        switch kind {
        case .sign: 1
        case .wide: max(1, range.count / 3)
        case .word: range.count <= 7 ? 1 : (range.count + 4) / 5
        case .kept: max(1, (range.count + 2) / 3)
        }
    }
}
