/// Finds personal data in text: what is written by rules (numbers, codes, addresses of machines, dates, secrets), and people, places, organizations, nationalities
/// and beliefs by dictionaries, shapes and the words around them; nine languages at once, no model, no service.
///
/// One pass cuts the text into words and numbers and looks words up; recognizers then look at the places their data can begin at, each over a bounded
/// neighbourhood, so the time is proportional to the text whatever it holds. Thread-safe.
public struct PIIDetector: Sendable {
    private let categories: PIICategories
    private let lexicon = Lexicon.shared

    public init(categories: PIICategories = .all) { self.categories = categories }

    /// The findings, in order, none overlapping another.
    public func detect(_ text: UnsafeRawBufferPointer) -> [PIISpan] {
        guard let base = text.baseAddress, text.count > 1, text.count < Int(Int32.max) else { return [] }
        var scan = PIIScan(base.assumingMemoryBound(to: UInt8.self), count: text.count, categories: self.categories)
        scan.tokenize(self.lexicon)
        scan.recognizeLinks()
        scan.recognizeNumbers()
        scan.recognizeCodes()
        if self.categories.contains(.date) { scan.recognizeWrittenDates() }
        if self.categories.contains(.credentials) { scan.recognizeCredentials() }
        if !self.categories.isDisjoint(with: .names) {
            scan.recognizeNames(self.lexicon)
            if scan.hasHan { scan.recognizeJapanese(self.lexicon) }
            if scan.hasHangul { scan.recognizeKorean(self.lexicon) }
        }
        return scan.resolved()
    }

    /// Convenience for tests and tools.
    public func detect(_ text: String) -> [PIISpan] {
        var text = text
        return text.withUTF8 { self.detect(UnsafeRawBufferPointer($0)) }
    }
}
