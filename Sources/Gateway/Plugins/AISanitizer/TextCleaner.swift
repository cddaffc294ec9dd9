import GatewayCore
import GatewayPII

/// Finds what is to be replaced in texts, and says by what; how texts are written is this protocol's concern, not theirs who adopt it.
protocol TextCleaner {
    /// What is found in a text, in order, none overlapping another.
    mutating func findings(_ text: [UInt8]) throws(PluginFailure) -> [PIISpan]

    /// What changes in a part of a text.
    ///
    /// - Parameter findings: those within the part.
    mutating func edits(_ text: [UInt8], in part: Range<Int>, _ findings: [PIISpan]) -> [TextEdit]
}

extension TextCleaner {
    /// A text without what is found in it.
    mutating func cleaned(_ text: [UInt8], _ form: TextForm) throws(PluginFailure) -> [UInt8] { try self.cleaned(text, form, depth: 0) }

    private mutating func cleaned(_ text: [UInt8], _ form: TextForm, depth: Int) throws(PluginFailure) -> [UInt8] {
        if let opened = form.opened(text) { return opened.applying(try self.edits(opened, depth: depth)).text }
        return TextEdit.apply(self.edits(text, in: 0..<text.count, try self.findings(text)), to: text, in: 0..<text.count)
    }

    /// The text is looked at as a whole, since keys say what values are (`"password": …`), and each string once more by itself, since what stands around it may hide what it is.
    private mutating func edits(_ opened: OpenedText, depth: Int) throws(PluginFailure) -> [TextEdit] {
        let whole = try self.findings(opened.text)
        var edits: [TextEdit] = [], alone: [PIISpan] = [], next = 0
        for segment in opened.segments {
            let range = segment.range
            while next < whole.count, whole[next].range.upperBound <= range.lowerBound { next += 1 }
            let found = whole[next...].prefix { $0.range.lowerBound < range.upperBound }
            guard segment.kind == .string else {
                // Part of a number is no number, hence all of it or nothing.
                let spans = found.first.map { [PIISpan(range: range, category: $0.category, score: $0.score)] } ?? []
                edits += self.edits(opened.text, in: range, spans).filter { $0.range == range }
                continue
            }
            if range.isEmpty { continue }
            let content = Array(opened.text[range])
            if opened.isValid, depth < AISanitizer.deepestJSON, let inner = TextForm.sniffed.opened(content) {
                let text = inner.applying(try self.edits(inner, depth: depth + 1)).text
                if text != content { edits.append(TextEdit(range: range, replacement: text)) }
                continue
            }
            let spans = try self.findings(content).map { PIISpan(range: ($0.range.lowerBound + range.lowerBound)..<($0.range.upperBound + range.lowerBound), category: $0.category, score: $0.score) }
            if opened.isValid {
                edits += self.edits(opened.text, in: range, PIISpan.union(spans + found.map { PIISpan(range: $0.range.clamped(to: range), category: $0.category, score: $0.score) }))
            } else {
                alone += spans
            }
        }
        // Without valid JSON nobody knows what is inside of strings and what is not.
        return opened.isValid ? edits : self.edits(opened.text, in: 0..<opened.text.count, PIISpan.union(alone + whole))
    }
}

extension AISanitizer {
    /// JSON in a string of JSON in a string is opened so often; beyond that it is text.
    static let deepestJSON = 4
}

/// Replaces personal data in the texts of a request.
struct PromptCleaner: TextCleaner {
    let finder: PIIFinder
    private var budget: PatternBudget
    private(set) var redaction: Redaction
    private(set) var counts = PIICounts()

    init(_ finder: PIIFinder, _ redaction: Redaction) {
        self.finder = finder
        self.budget = finder.budget(.whole)
        self.redaction = redaction
    }

    mutating func findings(_ text: [UInt8]) throws(PluginFailure) -> [PIISpan] { try self.finder.find(text, &self.budget) }

    mutating func edits(_ text: [UInt8], in part: Range<Int>, _ findings: [PIISpan]) -> [TextEdit] {
        findings.map { span in
            self.counts.add(span.category)
            return TextEdit(range: span.range, replacement: self.redaction.replacement(for: Array(text[span.range]), span.category))
        }
    }
}
