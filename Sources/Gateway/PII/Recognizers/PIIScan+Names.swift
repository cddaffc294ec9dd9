extension PIIScan {
    /// People, places, organizations, nationalities and beliefs in languages that use the Latin script.
    ///
    /// Runs of capitalised words are judged by the dictionaries, by titles, prepositions and verbs around them, and by the endings of words. What can be read in
    /// several ways is added in each of them; the surest one stays.
    mutating func recognizeNames(_ lexicon: Lexicon) {
        let language = self.language()
        var run: [NameWord] = []
        run.reserveCapacity(12)
        var index = 0
        while index < self.tokens.count {
            let token = self.tokens[index]
            guard token.kind == .word, token.isCapital else {
                // Beyond English, nationalities are written small.
                if token.kind == .word, token.meaning.contains(.nationality), language != .english, !language.isEmpty, language != .turkish {
                    self.add(token.range, .nrp, token.meaning.contains(.common) ? 62 : 72)
                }
                index += 1
                continue
            }
            let next = self.readRun(index, &run)
            self.people(run, language)
            self.places(run, language, lexicon)
            self.organizations(run)
            for word in run where word.meaning.contains(.nationality) && word.isCapital { self.add(word.start..<word.end, .nrp, 76) }
            index = next
        }
        self.recognizeAddresses(lexicon)
    }

    // MARK: People

    private mutating func people(_ run: [NameWord], _ language: WordMeaning) {
        guard self.categories.contains(.person) else { return }
        var k = 0
        while k < run.count {
            guard run[k].isCapital, !run[k].isJoined, let (end, score) = self.person(run, k, language) else {
                k += 1
                continue
            }
            self.add(run[k].start..<self.endOfName(run[end - 1]), .person, score)
            k = end
        }
    }

    /// Behind a name; the dot of an initial belongs to it, another one ends the sentence.
    private func endOfName(_ word: NameWord) -> Int { word.isInitial || word.last == word.token || self.tokens[word.last].sign != 0x2E ? word.end : Int(self.tokens[word.token].end) }

    /// How far a person's name goes from a word on, and how sure that is.
    private func person(_ run: [NameWord], _ k: Int, _ language: WordMeaning) -> (end: Int, score: UInt8)? {
        let first = run[k]
        if first.meaning.contains(.title), !first.isGiven { return nil }
        if first.meaning.contains(.personCue) { return nil }
        let before = self.wordBefore(first.token)
        let hasTitle = before.map { $0.meaning.contains(.title) && ($0.isCapital || $0.count > 2) } ?? false
        let hasCue = before.map { $0.meaning.contains(.personCue) } ?? self.isSigned(run)
        let name = NameExtent(run, k, language)
        let isVerb = first.isSentenceStart && !first.meaning.isDisjoint(with: [.personVerb, .locative]) && !first.meaning.contains(.frequent)
        if isVerb, !first.isGiven || name.words == 1 { return nil }
        let next = name.end < run.count ? run[name.end].meaning : name.end == run.count ? self.meaning(after: run[run.count - 1].last) : []
        let hasHonorific = next.contains(.honorific)
        if first.isAllCapital, !first.isInitial, !(first.isGiven && (name.surnames > 0 || name.givens > 1)) { return hasTitle && first.isName ? (k + 1, 82) : nil }
        if first.isGiven, !first.isInitial { return self.givenFirst(first, name, hasTitle: hasTitle || hasHonorific, hasCue: hasCue, language).map { (name.end, $0) } }
        if first.meaning.contains(.thing) || first.meaning.contains(.organization) || first.meaning.contains(.country) { return nil }
        if hasTitle || hasHonorific, !first.meaning.contains(.common) || first.isSurname { return (name.end, name.words > 1 ? 89 : 87) }
        if first.isInitial { return name.surnames > 0 && name.words > 1 ? (name.end, name.hasFrequentSurname ? 84 : 76) : nil }
        if first.isOrdinary || (first.isPlace && !first.isSurname) || first.meaning.contains(.nationality) || first.meaning.contains(.placeHead) { return nil }
        if hasCue, name.words >= 2 { return (name.end, 78) }
        if hasCue, first.isSurname { return (name.end, 72) }
        if hasCue, name.words == 1, first.count >= 3, run.count == k + 1, first.token > 0, self.tokens[first.token - 1].kind == .word { return (name.end, 64) }
        if name.words >= 2, name.words <= 4, name.hasFrequentSurname || (name.givens > 0 && name.surnames > 0) { return (name.end, language == .german ? 66 : 72) }
        // Two capitalised words that are nothing else, within a sentence.
        let isFirst = k == 0 || run[k - 1].isOrdinary || !run[k - 1].isCapital || run[k - 1].isInitial
        if name.words == 2, isFirst, !(before?.meaning.contains(.locative) ?? false), language != .german || !first.isSurname {
            if !first.isSentenceStart { return (name.end, 63) }
            if next.contains(.personVerb) { return (name.end, 66) }
        }
        guard name.words == 1, first.meaning.contains(.frequentSurname), language != .german else { return nil }
        if next.contains(.personVerb) { return (name.end, first.isSentenceStart ? 64 : 68) }
        return first.isSentenceStart || first.isPlace ? nil : (name.end, 62)
    }

    private func givenFirst(_ first: NameWord, _ name: NameExtent, hasTitle: Bool, hasCue: Bool, _ language: WordMeaning) -> UInt8? {
        let isFrequent = first.meaning.contains(.frequent), isCommon = first.meaning.contains(.common) || first.isOrdinary
        if name.words == 1 {
            if hasTitle { return isCommon && !isFrequent ? 70 : 87 }
            if hasCue { return isCommon && !isFrequent ? 64 : 80 }
            if isFrequent { return first.isSentenceStart ? (first.isPlace ? 60 : 70) : first.isPlace ? 68 : 76 }
            if isCommon || first.isPlace || first.isSentenceStart || first.count < 4 { return nil }
            return language == .german ? nil : 62
        }
        if isFrequent { return name.surnames > 0 ? 94 : name.givens > 1 ? 91 : hasTitle || hasCue ? 90 : 86 }
        if isCommon {
            if hasTitle || hasCue { return 82 }
            if name.hasFrequentSurname { return 80 }
            return name.surnames > 0 && !first.isSentenceStart ? 68 : nil
        }
        if name.hasFrequentSurname { return 89 }
        if name.surnames > 0 { return 85 }
        if name.givens > 1 { return 84 }
        return hasTitle || hasCue ? 84 : 73
    }

    /// Whether a run is a line of its own under a greeting or a closing.
    private func isSigned(_ run: [NameWord]) -> Bool {
        guard let first = run.first, let last = run.last, first.token > 1, self.tokens[first.token - 1].kind == .lineBreak else { return false }
        guard last.last + 1 >= self.tokens.count || self.tokens[last.last + 1].kind == .lineBreak else { return false }
        return self.context(first.token - 1, before: 4).contains(.personCue)
    }

    /// What the word directly behind a token means.
    func meaning(after index: Int) -> WordMeaning {
        index + 1 < self.tokens.count && self.tokens[index + 1].kind == .word ? self.tokens[index + 1].meaning : []
    }
}

/// The words from one on that can be one person's name.
private struct NameExtent {
    private(set) var end: Int
    private(set) var words = 1
    private(set) var surnames = 0
    private(set) var givens = 0
    private(set) var hasFrequentSurname = false
    static let never: WordMeaning = [.title, .honorific, .month, .thing, .organization, .companyForm, .country, .largeCity, .nationality, .personCue, .personVerb, .locative, .unit]

    init(_ run: [NameWord], _ k: Int, _ language: WordMeaning) {
        self.end = k + 1
        if run[k].isGiven { self.givens = 1 }
        var unknown = 0, e = k + 1
        while e < run.count, e - k < 7 {
            let word = run[e]
            if word.isInitial {
                e += 1
                self.end = e
                self.words += 1
                continue
            }
            if !word.isCapital || (word.meaning.contains(.nameParticle) && word.count <= 3 && e + 1 < run.count) {
                // A particle belongs to the name when a name follows.
                guard word.meaning.contains(.nameParticle), !word.isJoined || word.isCapital else { return }
                e += 1
                continue
            }
            if word.isAllCapital != run[k].isAllCapital, word.isAllCapital, !word.isName { return }
            // A town's or street's word can be a family name behind a given one.
            let isMade = e == k + 1 && run[k].isGiven && !word.isOrdinary && !word.meaning.contains(.largeCity) && !word.meaning.isDisjoint(with: [.city, .street])
            // Within a sentence capitals mean names, but for German.
            let isCapitalised = e == k + 1 && !run[k].isSentenceStart && language != .german && !language.isEmpty && word.meaning.intersection(NameExtent.never).isEmpty
            if !word.isName, !word.isUnknown, !isMade, !isCapitalised, !(word.isAllCapital && run[k].isAllCapital && !word.isOrdinary) { return }
            if word.meaning.contains(.title) || word.meaning.contains(.honorific) || word.meaning.contains(.month) || word.meaning.contains(.thing) { return }
            if word.meaning.contains(.organization) || (word.meaning.contains(.companyForm) && word.isAllCapital) { return }
            if word.meaning.contains(.common), !isCapitalised, self.surnames > 0 || (word.isGiven && !word.isSurname) { return }
            if word.meaning.contains(.country), !word.isSurname { return }
            if !word.isName {
                unknown += 1
                if unknown > 2 { return }
            }
            if word.isSurname { self.surnames += 1 }
            if word.isGiven { self.givens += 1 }
            if word.meaning.contains(.frequentSurname) { self.hasFrequentSurname = true }
            self.words += 1
            e += 1
            self.end = e
        }
    }
}
