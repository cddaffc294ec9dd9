extension PIIScan {
    /// Email addresses, URLs, host names and IP addresses: each begins at a sign.
    mutating func recognizeLinks() {
        var covered = 0
        for index in self.tokens.indices {
            let token = self.tokens[index]
            let start = Int(token.start)
            if start < covered { continue }
            switch token.kind {
            case .sign where token.sign == 0x40: self.email(at: start)
            case .sign where token.sign == 0x3A: covered = max(covered, self.afterColon(start, index))
            case .word where token.count == 3 && self.byte(Int(token.end)) == 0x2E && self.isWWW(start): covered = max(covered, self.url(start, host: start))
            case .word, .mixed, .number:
                if self.byte(Int(token.end)) == 0x2E, start > 0 ? self.byte(start - 1) != 0x2E && self.byte(start - 1) != 0x40 : true { covered = max(covered, self.dotted(index)) }
            default: break
            }
        }
    }

    // MARK: Email

    private static func isLocal(_ byte: UInt8) -> Bool {
        if isAlphanumeric(byte) || byte >= 0x80 { return true }
        switch byte {
        case 0x2E, 0x5F, 0x25, 0x2B, 0x2D, 0x21, 0x23, 0x24, 0x26, 0x27, 0x2A, 0x2F, 0x3D, 0x3F, 0x5E, 0x60, 0x7B, 0x7C, 0x7D, 0x7E: return true
        default: return false
        }
    }

    private mutating func email(at sign: Int) {
        var start = sign
        while start > 0, sign - start < 64, Self.isLocal(self.p[start - 1]) {
            // Letters beyond ASCII belong to a local part only among ASCII ones: East Asian text runs on without blanks.
            if self.p[start - 1] >= 0xE0 || (self.p[start - 1] >= 0x80 && self.p[start - 1] < 0xC0 && self.wideBefore(start)) { break }
            start -= 1
        }
        while start < sign, !Self.isAlphanumeric(self.p[start]), self.p[start] < 0x80, self.p[start] != 0x5F { start += 1 }
        guard start < sign, self.p[sign - 1] != 0x2E, let end = self.host(sign + 1), end.labels >= 2 else { return }
        self.add(start..<end.end, .email, 99)
    }

    private func wideBefore(_ index: Int) -> Bool {
        var i = index - 1
        while i > 0, self.p[i] & 0xC0 == 0x80 { i -= 1 }
        return self.p[i] >= 0xE0
    }

    /// A host name from an offset: labels of letters, digits and hyphens, the last one alphabetic.
    private func host(_ start: Int) -> (end: Int, labels: Int, last: Range<Int>)? {
        var i = start, labels = 0, last = start..<start
        while true {
            let label = i
            while i < self.count, Self.isAlphanumeric(self.p[i]) || self.p[i] == 0x2D || (self.p[i] >= 0x80 && self.p[i] < 0xE0 && labels == 0) { i += 1 }
            guard i > label, i - label <= 63 else { break }
            last = label..<i
            labels += 1
            guard self.byte(i) == 0x2E, Self.isAlphanumeric(self.byte(i + 1)) else { break }
            i += 1
        }
        if i > start, self.byte(i - 1) == 0x2E { i -= 1 }
        var end = last.upperBound
        while end > last.lowerBound, self.p[end - 1] == 0x2D { end -= 1 }
        guard labels > 0, end - last.lowerBound >= 2, (last.lowerBound..<end).allSatisfy({ Self.isLetter(self.p[$0]) || self.p[$0] >= 0x80 }) || self.isPunycode(last) else { return nil }
        return (end, labels, last.lowerBound..<end)
    }

    private func isPunycode(_ range: Range<Int>) -> Bool { range.count > 4 && self.matches(range.lowerBound, "xn--") }

    /// Whether small letters of an ASCII text stand at an offset, in any case.
    func matches(_ offset: Int, _ text: StaticString) -> Bool {
        guard offset >= 0, offset + text.utf8CodeUnitCount <= self.count else { return false }
        for index in 0..<text.utf8CodeUnitCount {
            let byte = self.p[offset + index]
            if (Self.isUpper(byte) ? byte | 0x20 : byte) != text.utf8Start[index] { return false }
        }
        return true
    }

    // MARK: URL and host names

    private func isWWW(_ start: Int) -> Bool { self.matches(start, "www.") && self.isFree(before: start) }

    private mutating func afterColon(_ colon: Int, _ index: Int) -> Int {
        if self.byte(colon + 1) == 0x2F, self.byte(colon + 2) == 0x2F, index > 0, self.tokens[index - 1].kind == .word, Int(self.tokens[index - 1].end) == colon {
            let scheme = self.tokens[index - 1]
            guard scheme.count <= 6, [0x68, 0x66, 0x77, 0x73].contains(self.p[Int(scheme.start)] | 0x20) else { return 0 }
            return self.url(Int(scheme.start), host: colon + 3)
        }
        return self.ipv6(around: colon, index)
    }

    /// A URL up to the first blank or bracket; signs of the sentence around it are not part of it.
    private mutating func url(_ start: Int, host: Int) -> Int {
        var end = host
        while end < self.count {
            let byte = self.p[end]
            if byte <= 0x20 || byte == 0x3C || byte == 0x3E || byte == 0x22 || byte == 0x60 || byte == 0x7B || byte == 0x7D || byte == 0x7C || byte == 0x5C || byte >= 0xE2 { break }
            end += 1
        }
        let hasOpening = (host..<end).contains { self.p[$0] == 0x28 }
        while end > host {
            let byte = self.p[end - 1]
            if [0x2E, 0x2C, 0x3B, 0x3A, 0x21, 0x3F, 0x27, 0x2A, 0x5D].contains(byte) || (byte == 0x29 && !hasOpening) { end -= 1 } else { break }
        }
        guard end - host >= 3 else { return 0 }
        self.add(start..<end, .url, 96)
        return end
    }

    /// Words and numbers with dots between: an IPv4 address, or a host name of a known domain.
    private mutating func dotted(_ index: Int) -> Int {
        let start = Int(self.tokens[index].start)
        if self.tokens[index].kind == .number, let end = self.ipv4(start, index) { return end }
        guard self.isFree(before: start), self.byte(start - 1) != 0x2F, self.byte(start - 1) != 0x2D, let found = self.host(start), found.labels >= 2 else { return 0 }
        if self.byte(found.end) == 0x40 || self.byte(found.end) == 0x28 { return 0 }
        let domain = Self.topLevel(self.hashFolded(found.last))
        guard domain != .none else { return 0 }
        // "S.Com" is an abbreviation, "example.COM" a host.
        if Self.isUpper(self.p[found.last.lowerBound]), !Self.isUpper(self.p[found.last.upperBound - 1]) { return 0 }
        let hasPath = self.byte(found.end) == 0x2F
        // Endings that are file names as often need more to be a host.
        if domain == .ambiguous, !hasPath, found.labels < 3 { return 0 }
        if hasPath { return self.url(start, host: start) }
        self.add(start..<found.end, .domain, 88)
        self.add(start..<found.end, .url, 86)
        return found.end
    }

    func hashFolded(_ range: Range<Int>) -> UInt64 { LetterFold.hash(UnsafeBufferPointer(start: self.p + range.lowerBound, count: range.count)) }

    private enum TopLevel { case none, known, ambiguous }

    private static let known: Set<UInt64> = Set(
        """
        com org net edu gov mil int info biz io ai app dev co uk us ca de fr es it jp kr pt br tr mx ar cl pe au nz at ch be nl lu dk se no fi cz eu cn in ru ua gr ie il za sg hk tw th vn id
        ph my ae xyz online shop store site tech cloud blog news me tv cc museum aero coop name pro mobi travel jobs gal cat bank email
        """.split(whereSeparator: { $0.isWhitespace }).map { LetterFold.hash(String($0)) })

    /// Country codes that are file endings or words too.
    private static let ambiguous: Set<UInt64> = Set(["pl", "py", "md", "rs", "sh", "so", "to", "is", "ps", "zip", "mov", "am", "at", "in", "me", "no", "us", "it", "be", "de", "es", "id", "my"].map { LetterFold.hash($0) })

    private static func topLevel(_ hash: UInt64) -> TopLevel {
        if self.known.contains(hash) { return .known }
        return self.ambiguous.contains(hash) ? .ambiguous : .none
    }

    // MARK: IP addresses

    private mutating func ipv4(_ start: Int, _ index: Int) -> Int? {
        guard self.byte(start - 1) != 0x2E, self.isFree(before: start) else { return nil }
        var i = start
        for part in 0..<4 {
            var value = 0, digits = 0
            while Self.isDigit(self.byte(i)), digits < 4 {
                value = value * 10 + Int(self.p[i] - 0x30)
                digits += 1
                i += 1
            }
            guard digits > 0, value <= 255, digits < 4, digits == 1 || self.p[i - digits] != 0x30 || value == 0 else { return nil }
            if part < 3 {
                guard self.byte(i) == 0x2E else { return nil }
                i += 1
            }
        }
        guard !Self.isAlphanumeric(self.byte(i)), !(self.byte(i) == 0x2E && Self.isDigit(self.byte(i + 1))) else { return nil }
        if self.context(index, before: 2).contains(.version) || self.byte(start - 1) | 0x20 == 0x76 { return nil }
        self.add(start..<i, .ip, 95)
        return i
    }

    /// An IPv6 address around one of its colons: eight groups, or fewer with `::`.
    private mutating func ipv6(around colon: Int, _ index: Int) -> Int {
        func isPart(_ byte: UInt8) -> Bool { Self.isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66) || byte == 0x3A }
        var start = colon
        while start > 0, colon - start < 5, isPart(self.p[start - 1]) { start -= 1 }
        var end = colon
        while end < self.count, end - start < 46, isPart(self.p[end]) || self.p[end] == 0x2E { end += 1 }
        while end > start, self.p[end - 1] == 0x2E { end -= 1 }
        if end - start > 2, self.p[end - 1] == 0x3A, self.p[end - 2] != 0x3A { end -= 1 }
        guard self.isFree(before: start), !Self.isAlphanumeric(self.byte(end)) else { return 0 }
        var groups = 0, digits = 0, compressed = 0, hasHex = false, i = start
        while i < end {
            if self.p[i] == 0x3A {
                if i + 1 < end, self.p[i + 1] == 0x3A {
                    compressed += 1
                    if digits > 0 { groups += 1 }
                    digits = 0
                    i += 2
                    continue
                }
                if digits == 0 { return 0 }
                groups += 1
                digits = 0
            } else if self.p[i] == 0x2E {
                // The last 32 bits of an IPv4-mapped address stand for two groups.
                groups += 1
                digits = 0
                while i < end, self.p[i] != 0x3A { i += 1 }
                continue
            } else {
                digits += 1
                hasHex = true
                if digits > 4 { return 0 }
            }
            i += 1
        }
        if digits > 0 { groups += 1 }
        guard hasHex, compressed <= 1, compressed == 1 ? groups <= 7 && end - start > 3 : groups == 8 else { return 0 }
        self.add(start..<end, .ip, 95)
        return end
    }
}
