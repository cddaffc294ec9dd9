import GatewayCore
import GatewayPII
import NIOCore

/// Cleans the texts of one answer: what the model says of others is replaced, the client's own data comes back.
struct AnswerCleaner: TextCleaner, Sendable {
    private let finder: PIIFinder?
    private var budget: PatternBudget?
    private(set) var redaction: Redaction
    private var restorer: Restorer?
    /// The client's own data as the outside service sees it, and the way back. The service counts its placeholders from 1 for each question, so that another's PLACEHOLDER1 would be
    /// taken for the client's.
    private var veil: (own: Restorer, marks: Restorer)?
    /// What the prompt's originals were replaced by; not to be taken for findings.
    private let own: Restorer?
    private(set) var counts = PIICounts()
    /// Whether texts that could not be looked at go on, with the client's data in them (`stop_on_error: false`).
    let failsOpen: Bool
    /// Why a text could not be looked at.
    private(set) var failure: StaticString?

    /// - Parameters:
    ///   - input: what the request replaced; nil: nothing.
    ///   - text: what the model said, as far as it is known, for placeholders that are the model's own.
    init(_ plugin: AISanitizer, input: Redaction?, text: ByteBuffer) {
        self.finder = plugin.cleansAnswers && plugin.service == nil ? plugin.finder : nil
        self.budget = self.finder?.budget(.whole)
        let own = input.map { Restorer($0) }
        self.own = own
        self.restorer = plugin.configuration.recoversRedacted && !(plugin.configuration.blocksIfDetected && !plugin.cleansAnswers) ? own : nil
        self.veil = plugin.service == nil || !plugin.cleansAnswers ? nil : input.map { Self.veil($0, restores: plugin.configuration.recoversRedacted) }
        self.redaction = plugin.redaction(first: max(input?.nextNumber ?? 1, Redaction.firstFree(in: text)))
        self.failsOpen = !plugin.configuration.stopsOnError
    }

    private static func veil(_ input: Redaction, restores: Bool) -> (own: Restorer, marks: Restorer) {
        var own: [(replacement: [UInt8], original: [UInt8])] = [], marks = own
        for (index, entry) in (input.entries + input.parts).enumerated() {
            // As long a number as a placeholder may have.
            let mark = Array("PLACEHOLDER\(990_000_000 + index)".utf8)
            own.append((entry.replacement, mark))
            marks.append((mark, restores ? entry.original : entry.replacement))
        }
        return (Restorer(own, seesPlaceholders: input.writesPlaceholders), Restorer(marks))
    }

    /// Whether the client's own data comes back.
    var restores: Bool { self.restorer != nil }
    var restored: Int { (self.restorer?.restored ?? 0) + (self.veil?.marks.restored ?? 0) }
    var unknown: Int { (self.restorer?.unknown ?? 0) + (self.veil?.own.unknown ?? 0) }

    /// A text as the outside service sees it.
    mutating func veiled(_ text: [UInt8], _ form: TextForm) -> [UInt8] { self.veil?.own.restore(text, form) ?? text }
    /// What the service made of such a text, with the client's data in it.
    mutating func unveiled(_ text: [UInt8], _ form: TextForm) -> [UInt8] { self.veil?.marks.restore(text, form) ?? text }

    /// An event of a stream begins, with time of its own for patterns.
    mutating func beginEvent() { self.budget = self.finder?.budget(.event) }

    /// What the outside service made of the answer.
    mutating func take(_ cleaned: AISanitizer.Cleaned, _ redaction: Redaction) {
        self.counts.add(cleaned.counts)
        self.redaction = redaction
    }

    /// Takes note that a text could not be looked at.
    ///
    /// - Throws: the failure, where it ends the answer.
    mutating func fail(_ failure: PluginFailure) throws(PluginFailure) {
        guard self.failsOpen else { throw failure }
        self.failure = failure.code
    }

    /// What is found in a text beside the client's own data.
    mutating func findings(_ text: [UInt8]) throws(PluginFailure) -> [PIISpan] {
        guard let finder = self.finder, var budget = self.budget else { return [] }
        var spans: [PIISpan] = []
        do { spans = try finder.find(text, &budget) } catch { try self.fail(error) }
        self.budget = budget
        guard !spans.isEmpty, let own = self.own else { return spans }
        let kept = own.occurrences(in: text)
        if kept.isEmpty { return spans }
        var next = 0
        return spans.filter { span in
            while next < kept.count, kept[next].upperBound <= span.range.lowerBound { next += 1 }
            return next == kept.count || !kept[next].overlaps(span.range)
        }
    }

    /// Where the client's own data stands in a text.
    func ownRanges(_ text: [UInt8]) -> [Range<Int>] { self.own?.occurrences(in: text) ?? [] }

    mutating func edits(_ text: [UInt8], in part: Range<Int>, _ findings: [PIISpan]) -> [TextEdit] {
        var edits: [TextEdit] = [], position = part.lowerBound
        for span in findings {
            edits += self.restored(text, position..<span.range.lowerBound)
            edits.append(TextEdit(range: span.range, replacement: self.redaction.replacement(for: Array(text[span.range]), span.category)))
            self.counts.add(span.category)
            position = span.range.upperBound
        }
        return edits + self.restored(text, position..<part.upperBound)
    }

    private mutating func restored(_ text: [UInt8], _ part: Range<Int>) -> [TextEdit] { self.restorer?.edits(text, in: part, isFinal: true).edits ?? [] }

    /// As much of a growing text as can be told, where only the client's data is to come back; and how much of it that was.
    mutating func restoredBeginning(_ text: [UInt8], isFinal: Bool, isJSON: Bool) -> (text: [UInt8], used: Int) {
        (isJSON ? self.restorer?.restoreJSON(text, isFinal: isFinal) : self.restorer?.restore(text, isFinal: isFinal)) ?? (text, text.count)
    }
}
