import GatewayPII

/// Shortens texts by leaving out what says least: fillers first, then function words, then ordinary words of sentences that say little.
///
/// Statistical and in this process: a word counts by how rare it is in its language and in the text, by its place, and by what its sentence weighs. Negations,
/// conditions, numbers, code, quotations, addresses, tags and tables always stay; nothing is put in.
struct PromptCompressor: Sendable {
    private let words = CommonWords()

    struct Result: Sendable {
        var text: [UInt8]
        var originalTokens: Int
        var tokens: Int
    }

    /// About as many tokens as a model counts.
    func tokens(of text: [UInt8]) -> Int { text.withUnsafeBufferPointer { PromptUnits.read($0).reduce(0) { $0 + $1.tokens } } }

    /// - Parameter keep: tokens the text may have; what must stay may exceed it.
    func compress(_ text: [UInt8], keep: Int) -> Result {
        text.withUnsafeBufferPointer { bytes in
            let units = PromptUnits.read(bytes)
            let total = units.reduce(0) { $0 + $1.tokens }
            guard total > keep else { return Result(text: text, originalTokens: total, tokens: total) }
            var stays = [Bool](repeating: true, count: units.count)
            var left = total
            for index in self.ranked(units, bytes) {
                if left <= keep { break }
                stays[index] = false
                left -= units[index].tokens
            }
            self.dropSigns(units, bytes, &stays)
            return Result(text: Self.join(units, bytes, stays), originalTokens: total, tokens: units.indices.reduce(0) { $0 + (stays[$1] ? units[$1].tokens : 0) })
        }
    }

    // MARK: Salience

    /// What may go, the least telling first.
    private func ranked(_ units: [PromptUnit], _ bytes: UnsafeBufferPointer<UInt8>) -> [Int] {
        var counts: [UInt64: Int] = [:]
        var hashes = [UInt64](repeating: 0, count: units.count)
        for (index, unit) in units.enumerated() where unit.kind == .word || unit.kind == .wide {
            hashes[index] = Self.hash(UnsafeBufferPointer(rebasing: bytes[unit.range]))
            counts[hashes[index], default: 0] += 1
        }
        var scores: [(index: Int, score: Double)] = []
        var sums: [(score: Double, words: Int)] = []
        for (index, unit) in units.enumerated() {
            while sums.count <= unit.sentence { sums.append((0, 0)) }
            guard unit.kind == .word || unit.kind == .wide else { continue }
            guard let score = self.score(UnsafeBufferPointer(rebasing: bytes[unit.range]), unit, hashes[index], counts[hashes[index]] ?? 1) else {
                sums[unit.sentence] = (sums[unit.sentence].score + 1, sums[unit.sentence].words + 1)
                continue
            }
            sums[unit.sentence] = (sums[unit.sentence].score + score, sums[unit.sentence].words + 1)
            scores.append((index, score))
        }
        let last = sums.count - 1
        let questions = Set(units.filter { $0.kind == .sign && bytes[$0.range.lowerBound] == 0x3F }.map(\.sentence))
        for position in scores.indices {
            let sentence = units[scores[position].index].sentence
            // First and last sentences and questions say what is wanted.
            var weight = 0.7 + 0.6 * (sums[sentence].words > 0 ? sums[sentence].score / Double(sums[sentence].words) : 1)
            if sentence == 0 || sentence == last { weight += 0.25 }
            if questions.contains(sentence) { weight += 0.25 }
            scores[position].score *= weight
        }
        return scores.sorted { $0.score != $1.score ? $0.score < $1.score : $0.index > $1.index }.map(\.index)
    }

    /// How much a word says, 0 to about 1.5; nil: it must stay.
    private func score(_ word: UnsafeBufferPointer<UInt8>, _ unit: PromptUnit, _ hash: UInt64, _ count: Int) -> Double? {
        if unit.kind == .wide { return 0.9 }
        if Self.vital.contains(hash) || (word.count > 3 && word[word.count - 3] | 0x20 == 0x6E && word[word.count - 2] == 0x27 && word[word.count - 1] | 0x20 == 0x74) { return nil }
        if Self.fillers.contains(hash) { return 0.02 }
        // Repeated words say less each time.
        let repetition = 1 / (1 + 0.15 * Double(min(count, 12) - 1))
        let isCapital = word[0] &- 0x41 < 26
        switch self.words.kind(of: word) {
        case .function: return 0.1
        case .common: return (0.45 + (word.count > 5 ? 0.1 : 0)) * repetition
        case .other: return (1 + (isCapital ? 0.3 : 0)) * repetition
        }
    }

    private static func hash(_ word: UnsafeBufferPointer<UInt8>) -> UInt64 {
        word.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1 &- 0x41 < 26 ? $1 | 0x20 : $1)) &* 0x100_0000_01b3 }
    }

    private static func set(_ words: String) -> Set<UInt64> {
        Set(
            words.split(whereSeparator: { $0 == " " || $0 == "\n" }).map { word in
                var word = String(word)
                return word.withUTF8 { self.hash($0) }
            })
    }

    /// Words that turn a sentence's meaning around, or bind it.
    private static let vital = set(
        """
        not no never none nor neither without cannot only must except unless if else but nothing nobody
        nicht kein keine keinen keinem keiner nie niemals ohne nur muss müssen außer wenn falls aber weder
        ne pas jamais sans aucun aucune sauf seulement si mais ni non
        nunca jamás sin ningún ninguna ninguno solo sólo salvo excepto si pero tampoco
        non mai senza nessuno nessuna solo tranne se ma né
        não nunca sem nenhum nenhuma só somente exceto se mas nem
        değil yok hiç asla sadece hariç eğer ama fakat
        """)

    /// Politeness and padding.
    private static let fillers = set(
        """
        please kindly thanks thank actually basically really very quite just simply literally honestly maybe perhaps certainly definitely obviously essentially generally somewhat rather hopefully
        bitte danke eigentlich grundsätzlich wirklich sehr ziemlich einfach ehrlich vielleicht sicherlich natürlich
        merci vraiment très assez simplement franchement certainement évidemment
        gracias realmente muy bastante simplemente francamente quizás ciertamente obviamente
        grazie davvero molto abbastanza semplicemente francamente forse certamente ovviamente
        obrigado obrigada realmente muito bastante simplesmente francamente talvez certamente obviamente
        lütfen teşekkürler gerçekten çok oldukça sadece açıkçası belki kesinlikle
        """)

    // MARK: Putting together

    /// Signs that stand beside nothing any more go too.
    private func dropSigns(_ units: [PromptUnit], _ bytes: UnsafeBufferPointer<UInt8>, _ stays: inout [Bool]) {
        var open: [Int] = []
        var hasWord = false, sentence = -1
        for (index, unit) in units.enumerated() {
            if unit.sentence != sentence {
                sentence = unit.sentence
                hasWord = false
            }
            guard unit.kind == .sign else {
                if stays[index] {
                    hasWord = true
                    open.removeAll()
                }
                continue
            }
            switch bytes[unit.range.lowerBound] {
            case 0x28: open.append(index)
            case 0x29:
                // Brackets around nothing.
                if let opening = open.popLast() {
                    stays[opening] = false
                    stays[index] = false
                }
            case 0x2C, 0x2E, 0x3B, 0x3A, 0x21, 0x3F:
                if !hasWord { stays[index] = false } else { hasWord = false }
            default: break
            }
        }
    }

    private static func join(_ units: [PromptUnit], _ bytes: UnsafeBufferPointer<UInt8>, _ stays: [Bool]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var hasBlank = false, breaks = 0
        for (index, unit) in units.enumerated() {
            hasBlank = hasBlank || unit.hasBlank
            breaks = max(breaks, unit.lineBreaks)
            guard stays[index] else { continue }
            if !output.isEmpty {
                if breaks > 0 {
                    output += [UInt8](repeating: 0x0A, count: min(breaks, 2))
                } else if hasBlank, unit.kind != .sign || unit.hasBlank {
                    output.append(0x20)
                }
            }
            output += bytes[unit.range]
            hasBlank = false
            breaks = 0
        }
        return output
    }
}
