extension PIIScan {
    /// Keys and tokens by their issuers' prefixes, and what follows a word for a secret.
    mutating func recognizeCredentials() {
        var covered = 0
        var ends = PEMEnds()
        for index in self.tokens.indices {
            let token = self.tokens[index]
            let start = Int(token.start)
            guard start >= covered else { continue }
            if token.kind == .sign {
                if token.sign == 0x2D, self.matches(start, "-----begin "), let key = self.privateKey(start, &ends) {
                    self.add(key, .credentials, 99)
                    covered = key.upperBound
                }
                continue
            }
            guard token.kind == .word || token.kind == .mixed, self.isFree(before: start) else {
                self.secretAfter(index)
                continue
            }
            // A key begins a word: behind a hyphen or dot stands the rest of something that was looked at.
            if self.byte(start - 1) != 0x2D, self.byte(start - 1) != 0x2E, let end = self.issued(start) {
                self.add(start..<end, .credentials, 98)
                covered = end
            } else {
                self.secretAfter(index)
            }
        }
    }

    /// A private key in PEM (RFC 7468 section 10), from its first line to its last. Of one that lacks its end, as many lines as there are.
    private func privateKey(_ start: Int, _ ends: inout PEMEnds) -> Range<Int>? {
        let label = start + "-----begin ".utf8.count
        var i = label
        var isPrivate = false
        while i < self.count, i - label < 64, self.p[i] != 0x2D, self.p[i] != 0x0A {
            isPrivate = isPrivate || self.matches(i, "private key")
            i += 1
        }
        guard isPrivate, self.matches(i, "-----") else { return nil }
        i += 5
        if let end = ends.next(from: i, in: self), end - i <= PEMEnds.longest {
            var last = end + "-----end ".utf8.count
            while last < self.count, last - end < 80, self.p[last] != 0x2D, self.p[last] != 0x0A { last += 1 }
            while last < self.count, self.p[last] == 0x2D { last += 1 }
            return start..<last
        }
        let body = i
        // In a tool's arguments lines end in `\n`.
        while i < self.count, i - body < PEMEnds.longest, Self.isAlphanumeric(self.p[i]) || [0x2B, 0x2F, 0x3D, 0x0A, 0x0D, 0x5C].contains(self.p[i]) { i += 1 }
        return start..<i
    }

    /// Where `-----END ` stands: looked for once, however many keys begin.
    private struct PEMEnds {
        /// Most bytes of a key's lines: those of RSA with 16,384 bits are 13 KB.
        static let longest = 16_384

        private var searched = 0
        private var found: Int?

        mutating func next(from start: Int, in scan: borrowing PIIScan) -> Int? {
            if let found, found >= start { return found }
            self.found = nil
            var i = max(start, self.searched)
            while i + 9 <= scan.count, self.found == nil {
                if scan.p[i] == 0x2D, scan.matches(i, "-----end ") { self.found = i }
                i += 1
            }
            self.searched = i
            return self.found
        }
    }

    /// Prefix, least and most characters behind it.
    private static let prefixes: [(StaticString, Int, Int)] = [
        ("sk-", 20, 200), ("pk-", 20, 200), ("sk_live_", 16, 120), ("sk_test_", 16, 120), ("pk_live_", 16, 120), ("rk_live_", 16, 120), ("ghp_", 30, 255), ("gho_", 30, 255),
        ("ghs_", 30, 255), ("ghu_", 30, 255), ("github_pat_", 40, 255), ("glpat-", 18, 60), ("xoxb-", 20, 120), ("xoxp-", 20, 120), ("xoxa-", 20, 120), ("akia", 16, 16), ("asia", 16, 16),
        ("aiza", 35, 35), ("ya29.", 20, 300), ("sg.", 40, 90), ("npm_", 30, 60), ("hf_", 30, 60), ("eyj", 20, 4000), ("dop_v1_", 60, 70), ("shpat_", 30, 40), ("pypi-", 40, 300),
    ]

    private func issued(_ start: Int) -> Int? {
        let first = self.byte(start) | 0x20
        for (prefix, least, most) in Self.prefixes where prefix.utf8Start[0] == first && self.matches(start, prefix) {
            var i = start + prefix.utf8CodeUnitCount
            let body = i
            var digits = 0, capitals = 0
            while i < self.count, i - body < most, Self.isAlphanumeric(self.p[i]) || self.p[i] == 0x2D || self.p[i] == 0x5F || self.p[i] == 0x2E {
                if Self.isDigit(self.p[i]) { digits += 1 }
                if Self.isUpper(self.p[i]) { capitals += 1 }
                i += 1
            }
            while i > body, self.p[i - 1] == 0x2E || self.p[i - 1] == 0x2D { i -= 1 }
            // Prefixes written in capitals are so in keys.
            if ["akia", "asia", "sg."].contains(where: { $0 == "\(prefix)" }), !Self.isUpper(self.p[start]) { continue }
            if "\(prefix)" == "eyj", self.byte(start + 2) != 0x4A || !(body..<i).contains(where: { self.p[$0] == 0x2E }) { continue }
            if i - body >= least, digits > 0 || capitals > 3, Self.isAlphanumeric(self.byte(i)) == false { return i }
        }
        return nil
    }

    /// `password: hunter2`, `api_key = "…"`, `password is …`: the word that follows is the secret.
    private mutating func secretAfter(_ index: Int) {
        guard self.tokens[index].meaning.contains(.credential) else { return }
        var next = index + 1
        var hasSign = false
        var words = 0
        while next < self.tokens.count, next - index <= 6 {
            let token = self.tokens[next]
            if token.kind == .sign, [0x3A, 0x3D].contains(token.sign) {
                hasSign = true
            } else if token.kind == .sign, [0x22, 0x27, 0x60, 0x5F, 0x2D, 0x3E].contains(token.sign) {
                if token.sign == 0x3E, !hasSign { return }
            } else if !hasSign, token.kind == .word, token.meaning.contains(.credential) || token.meaning.contains(.number) {
            } else if !hasSign, token.meaning.contains(.particle), words == 0 {
                // "is", "ist", "est", "は": the secret itself must then look like one.
                words = 1
            } else if !hasSign, token.kind == .hiragana || token.kind == .hangul, words == 0 {
                words = 1
            } else {
                break
            }
            next += 1
        }
        guard next < self.tokens.count, next > index + 1, hasSign || words == 1 else { return }
        let start = Int(self.tokens[next].start)
        var end = start
        while end < self.count, end - start <= 200, self.p[end] > 0x20, self.p[end] < 0x80, ![0x22, 0x27, 0x60, 0x2C, 0x3B, 0x3C, 0x3E, 0x29, 0x5D, 0x7D].contains(self.p[end]) { end += 1 }
        while end > start, [0x2E, 0x3F].contains(self.p[end - 1]) { end -= 1 }
        guard end - start >= 4, end - start <= 200 else { return }
        var digits = 0, letters = 0, others = 0, capitals = 0
        for offset in start..<end {
            let byte = self.p[offset]
            if Self.isDigit(byte) { digits += 1 } else if Self.isLetter(byte) { letters += 1 } else { others += 1 }
            if Self.isUpper(byte) { capitals += 1 }
        }
        let looksSecret = (digits > 0 && letters > 0) || (others > 0 && letters > 0 && end - start >= 6) || (capitals > 1 && capitals < letters && end - start >= 8)
        guard looksSecret || (hasSign && end - start >= 6 && digits + others > 0) else { return }
        self.add(start..<end, .credentials, hasSign ? 90 : 84)
    }
}
