/// Texts as the outside service is asked about them: JSON as each of its strings, opened, and once more as a whole, since keys say what values are and numbers are no texts.
struct ServedTexts {
    private struct Part {
        let range: Range<Int>
        let isToken: Bool
        /// nil: nothing is asked about it by itself.
        var piece: Piece?
    }

    private indirect enum Piece {
        /// Number of a text in the query.
        case text(Int)
        case json(OpenedText, parts: [Part], whole: Int)
    }

    private(set) var query: [[UInt8]] = []
    /// Texts asked about as wholes, whose parts are asked about too.
    private var wholes: Set<Int> = []
    private var pieces: [Piece] = []

    init(_ texts: [[UInt8]], _ forms: [TextForm]) {
        for (text, form) in zip(texts, forms) { self.pieces.append(self.piece(text, form, depth: 0)) }
    }

    private mutating func piece(_ text: [UInt8], _ form: TextForm, depth: Int) -> Piece {
        guard depth < AISanitizer.deepestJSON, let opened = form.opened(text) else { return .text(self.ask(text)) }
        var parts: [Part] = [], end = 0
        for segment in opened.segments {
            self.add(end..<segment.range.lowerBound, of: opened, to: &parts)
            var part = Part(range: segment.range, isToken: segment.kind == .token)
            let content = Array(opened.text[segment.range])
            if segment.kind == .string, !Self.saysNothing(content) { part.piece = self.piece(content, .sniffed, depth: depth + 1) }
            parts.append(part)
            end = segment.range.upperBound
        }
        self.add(end..<opened.text.count, of: opened, to: &parts)
        let whole = self.ask(opened.text)
        self.wholes.insert(whole)
        return .json(opened, parts: parts, whole: whole)
    }

    /// What stands between strings is text where the whole is not the JSON it was meant to be.
    private mutating func add(_ gap: Range<Int>, of opened: OpenedText, to parts: inout [Part]) {
        guard !opened.isValid else { return }
        let text = Array(opened.text[gap])
        guard text.contains(where: { $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 26 || $0 >= 0x80 }) else { return }
        parts.append(Part(range: gap, isToken: false, piece: .text(self.ask(text))))
    }

    private mutating func ask(_ text: [UInt8]) -> Int {
        self.query.append(text)
        return self.query.count - 1
    }

    /// A text of blanks holds nothing; asking for none would be refused.
    static func saysNothing(_ text: [UInt8]) -> Bool { text.allSatisfy { $0 <= 0x20 } }

    /// What the service found, each finding once.
    func items(_ answer: PIIService.Answer) -> [PIIService.Item] {
        guard !self.wholes.isEmpty else { return answer.items }
        let inParts = Set(answer.items.filter { !self.wholes.contains($0.text) }.map(\.original))
        return answer.items.filter { !self.wholes.contains($0.text) || !inParts.contains($0.original) }
    }

    /// The texts without what the service found.
    func texts(_ answer: PIIService.Answer) -> [[UInt8]] { self.pieces.map { self.text($0, answer) } }

    private func text(_ piece: Piece, _ answer: PIIService.Answer) -> [UInt8] {
        switch piece {
        case .text(let number): return answer.texts[number]
        case .json(let opened, let parts, let whole):
            // What was only found among its neighbours; shorter ones stand in too many words.
            let found = answer.items.filter { $0.text == whole && $0.original.count >= 3 }.map { (replacement: $0.original, original: $0.replacement) }
            var replacer = Restorer(found)
            var edits: [TextEdit] = []
            for part in parts {
                let content = Array(opened.text[part.range])
                var text = part.piece.map { self.text($0, answer) } ?? content
                // Part of a number is no number.
                if !found.isEmpty, !part.isToken || found.contains(where: { $0.replacement == content }) { text = replacer.restore(text, isFinal: true).text }
                if text != content { edits.append(TextEdit(range: part.range, replacement: text)) }
            }
            return opened.applying(edits).text
        }
    }
}
