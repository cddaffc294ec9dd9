extension PIIScan {
    /// Cities, countries and regions by name; other places by what stands before them and by how such names are made.
    mutating func places(_ run: [NameWord], _ language: WordMeaning, _ lexicon: Lexicon) {
        guard self.categories.contains(.location), let last = run.last else { return }
        let located = self.located(run[0].token, language)
        let hasSuffix = self.hasPlaceSuffix(after: last.last)
        var k = 0
        while k < run.count {
            guard run[k].isCapital else {
                k += 1
                continue
            }
            if located == .surely, k == 0, let end = self.residence(run) {
                self.add(run[k].start..<self.endOfPlace(run[end - 1]), .location, 95)
            }
            if let (token, length, meaning) = self.knownPlace(run[k].token, lexicon) {
                var end = k + 1
                while end < run.count, run[end].token <= token { end += 1 }
                end = self.withKind(run, end)
                let to = max(Int(self.tokens[token].end), end > k + 1 ? self.endOfPlace(run[end - 1]) : 0)
                let score = Self.score(run[k], meaning, length: length, isLocated: located != .no && k == 0, hasSuffix: hasSuffix && end == run.count)
                if score > 0 { self.add(run[k].start..<to, .location, score) }
                k = end
            } else if let (end, score) = self.madePlace(run, k, isLocated: located != .no && k == 0, hasSuffix: hasSuffix) {
                self.add(run[k].start..<self.endOfPlace(run[end - 1]), .location, score)
                k = end
            } else {
                k += 1
            }
        }
    }

    private func endOfPlace(_ word: NameWord) -> Int { word.last == word.token || self.tokens[word.last].sign != 0x2E ? word.end : Int(self.tokens[word.token].end) }

    /// The longest name of a place from a word on: its last token, its number of words and what it means. Small words may stand within (`Trinidad und Tobago`).
    private func knownPlace(_ first: Int, _ lexicon: Lexicon) -> (token: Int, length: Int, meaning: WordMeaning)? {
        let word = self.tokens[first]
        var found: (Int, Int, WordMeaning)?
        if !word.meaning.isDisjoint(with: .anyPlace) { found = (first, 1, word.meaning) }
        guard word.meaning.contains(.phraseStart) else { return found }
        var hash = Lexicon.extend(LetterFold.seed, word.hash), i = first + 1, words = 1
        while i < self.tokens.count, words < 6 {
            let token = self.tokens[i]
            if token.kind == .sign, token.sign == 0x2D || token.sign == 0x27 || (token.sign == 0x2E && words == 1), !token.shape.contains(.spaceBefore) {
                i += 1
                continue
            }
            guard token.kind == .word else { break }
            hash = Lexicon.extend(hash, token.hash)
            words += 1
            let meaning = lexicon.meaning(hash)
            if !meaning.isDisjoint(with: .anyPlace) { found = (i, words, meaning) }
            i += 1
        }
        return found
    }

    /// How far the name goes of what somebody lives in: `moro em Cassiano das Flores`.
    private func residence(_ run: [NameWord]) -> Int? {
        guard run[0].isUnknown || run[0].isName, run[0].meaning.isDisjoint(with: [.common, .thing, .title]) else { return nil }
        var end = 1
        while end < run.count, run[end].isUnknown || run[end].isName || run[end].isPlace || (!run[end].isCapital && run[end].meaning.contains(.nameParticle)) || run[end].isJoined { end += 1 }
        while end > 1, !run[end - 1].isCapital { end -= 1 }
        return end
    }

    /// `New York City`, `Orange County`: the kind of place behind its name is part of it.
    private func withKind(_ run: [NameWord], _ end: Int) -> Int { end < run.count && [Self.city, Self.county].contains(run[end].hash) ? end + 1 : end }

    private static let city = LetterFold.hash("city")
    private static let county = LetterFold.hash("county")

    private static func score(_ word: NameWord, _ meaning: WordMeaning, length: Int, isLocated: Bool, hasSuffix: Bool) -> UInt8 {
        if isLocated || hasSuffix { return length > 1 || !word.meaning.contains(.common) ? 90 : 74 }
        if length > 1 { return 85 }
        if word.meaning.contains(.common) { return meaning.contains(.country) ? 80 : word.isSentenceStart ? 0 : 66 }
        if word.isAllCapital, word.count <= 4 { return meaning.contains(.country) ? 70 : 0 }
        if meaning.contains(.country) { return Self.alsoGiven.contains(word.hash) ? 66 : 85 }
        if word.isName { return meaning.contains(.largeCity) && !word.meaning.contains(.frequent) ? 71 : meaning.contains(.region) ? 70 : 0 }
        return 83
    }

    /// Countries that people are called after more often than spoken of.
    private static let alsoGiven: Set<UInt64> = Set(["jordan", "chad", "georgia"].map { LetterFold.hash($0) })

    // MARK: Names that look like places

    private func madePlace(_ run: [NameWord], _ k: Int, isLocated: Bool, hasSuffix: Bool) -> (end: Int, score: UInt8)? {
        let word = run[k]
        // Saint-Denis-sur-Mer, Bagnères-de-Bigorre
        var end = k + 1
        var hasSmallJoint = false
        while end < run.count, run[end].isJoined {
            if !run[end].isCapital { hasSmallJoint = true }
            end += 1
        }
        if hasSmallJoint, end > k + 2, run[end - 1].isCapital { return (end, 80) }
        if word.meaning.contains(.placeHead), !word.isAllCapital, k + 1 < run.count {
            var end = k + 1
            while end < run.count, !run[end].isCapital { end += 1 }
            if end < run.count, run[end].isName || run[end].isUnknown, run[end].meaning.isDisjoint(with: [.organization, .thing, .street, .title]) {
                end += 1
                while end < run.count, run[end].isJoined || run[end].isUnknown, end - k < 5 { end += 1 }
                let isSure = isLocated || hasSuffix || !word.meaning.contains(.common)
                return (end, isSure ? 88 : word.isSentenceStart ? 72 : 82)
            }
        }
        guard !word.isOrdinary, !word.isAllCapital, !word.isPlace else { return nil }
        let looksPlace = self.looksPlace(word)
        if word.isUnknown || word.isSurname, looksPlace, end == k + 1 { return word.isUnknown ? (end, isLocated ? 84 : 66) : isLocated ? (end, 78) : nil }
        if hasSuffix, k == run.count - 1, word.isUnknown { return (end, 72) }
        guard isLocated, word.isUnknown || (word.isSurname && !word.isGiven) else { return nil }
        while end < run.count, run[end].isUnknown || run[end].isName || !run[end].isCapital { end += 1 }
        return (end, 70)
    }

    /// Endings of towns' names in the languages covered.
    private func looksPlace(_ word: NameWord) -> Bool {
        guard word.count >= 6 else { return false }
        return Self.townEndings.contains { self.endsWith(word.end, $0) }
    }

    private static let townEndings: [StaticString] = [
        "ville", "town", "burg", "burgh", "berg", "borough", "bury", "ham", "shire", "mouth", "port", "fort", "furt", "ford", "chester", "haven", "side", "land", "stad", "stadt", "view", "heim",
        "hausen", "dorf", "kirchen", "hafen", "ton", "ingen", "stein", "brück", "walde", "mouth", "köy", "hisar",
    ]

    /// Whether small letters of a text stand right before an offset.
    func endsWith(_ end: Int, _ text: StaticString) -> Bool {
        let start = end - text.utf8CodeUnitCount
        guard start >= 0 else { return false }
        for index in 0..<text.utf8CodeUnitCount where self.p[start + index] != text.utf8Start[index] { return false }
        return true
    }

    // MARK: Context

    private enum Located { case no, maybe, surely }

    /// Whether a preposition of place stands before, in this language, and what is said is about where somebody or something is.
    private func located(_ token: Int, _ language: WordMeaning) -> Located {
        guard token > 0 else { return .no }
        var i = token - 1
        // Articles stand between: "in the", "nella".
        if self.tokens[i].kind == .word, !self.tokens[i].isCapital, self.tokens[i].count <= 3, !self.tokens[i].meaning.contains(.locative), i > 0 { i -= 1 }
        let preposition = self.tokens[i]
        guard preposition.kind == .word, preposition.meaning.contains(.locative) else {
            return self.tokens[token - 1].sign == 0x3A && self.context(token, before: 2).contains(.residence) ? .maybe : .no
        }
        let near = self.context(i, before: 2)
        if near.contains(.residence) { return .surely }
        // "de" and "di" part names and belongings too; only a place right before makes them prepositions of place.
        if preposition.count == 2, self.p[Int(preposition.start)] == 0x64 { return .no }
        // "à Lyon" says it alone; "in", "a", "to" need somebody who lives, travels or is from there.
        if language == .french, preposition.count == 2, self.p[Int(preposition.start)] >= 0x80 { return .maybe }
        if self.matches(Int(preposition.start), "near") || self.matches(Int(preposition.start), "nach") || self.matches(Int(preposition.start), "desde") { return .maybe }
        return self.context(i, before: 6).contains(.residence) || self.context(token, before: 0, after: 6).contains(.residence) ? .maybe : .no
    }

    /// Turkish: `'da`, `'den`, `'ya` behind a name says where.
    private func hasPlaceSuffix(after last: Int) -> Bool {
        guard last + 2 < self.tokens.count, self.tokens[last + 1].kind == .sign, self.tokens[last + 1].sign == 0x27, self.tokens[last + 2].kind == .word else { return false }
        let suffix = self.tokens[last + 2]
        guard suffix.start == self.tokens[last + 1].end else { return false }
        return Self.placeSuffixes.contains(suffix.hash)
    }

    private static let placeSuffixes: Set<UInt64> = Set(["da", "de", "ta", "te", "dan", "den", "tan", "ten", "daki", "deki", "taki", "teki"].map { LetterFold.hash($0) })
}
