import GatewayCore
import GatewayPII
import Telemetry

/// Finds personal data with this process's detector and the operator's own patterns.
struct PIIFinder: Sendable {
    let detector: PIIDetector
    let patterns: [any CompiledPattern]
    private let now: @Sendable () -> UInt64

    init(_ configuration: AISanitizerConfiguration, _ services: PluginServices) throws(ConfigurationError) {
        let wantsCustom = configuration.categories.contains(.custom)
        self.init(
            PIIDetector(categories: configuration.categories),
            try GuardPatterns.compile(wantsCustom ? configuration.customPatterns.map(\.regex) : [], field: "custom_patterns", services))
    }

    init(_ detector: PIIDetector, _ patterns: [any CompiledPattern], now: @escaping @Sendable () -> UInt64 = { MonotonicClock.now() }) {
        self.detector = detector
        self.patterns = patterns
        self.now = now
    }

    /// Time to search with the operator's patterns.
    func budget(_ allowance: PatternBudget.Allowance) -> PatternBudget { PatternBudget(allowance, now: self.now) }

    /// The findings of a text in order, none overlapping another; what several of them see is one.
    ///
    /// - Throws: `pattern_limit`. A pattern that reaches its limits, or the time that all patterns have together, has not shown that nothing is there.
    func find(_ text: [UInt8], _ budget: inout PatternBudget) throws(PluginFailure) -> [PIISpan] {
        let found = text.withUnsafeBytes { self.detector.detect($0) }
        guard !self.patterns.isEmpty else { return found }
        var custom: [PIISpan] = []
        for pattern in self.patterns {
            let result: Result<[PIISpan], PatternFailure> = text.withUnsafeBytes { raw in
                do throws(PatternFailure) { return .success(try Self.matches(of: pattern, raw, &budget)) } catch { return .failure(error) }
            }
            guard case .success(let spans) = result else { throw PluginFailure("pattern_limit") }
            custom += spans
        }
        return PIISpan.union(custom + found)
    }

    private static func matches(of pattern: any CompiledPattern, _ text: UnsafeRawBufferPointer, _ budget: inout PatternBudget) throws(PatternFailure) -> [PIISpan] {
        var spans: [PIISpan] = [], position = 0
        try budget.begin()
        while position < text.count {
            let range = try pattern.firstRange(in: text, from: position)
            try budget.spend()
            guard let range else { break }
            // Patterns match bytes; half of a character would be no text any more.
            let whole = Self.aligned(range, text)
            if !range.isEmpty { spans.append(PIISpan(range: whole, category: .custom, score: 100)) }
            position = max(whole.upperBound, position + 1)
        }
        return spans
    }

    /// The range with the whole of the characters it begins and ends in.
    private static func aligned(_ range: Range<Int>, _ text: UnsafeRawBufferPointer) -> Range<Int> {
        guard !range.isEmpty else { return range }
        var lower = range.lowerBound, upper = range.upperBound
        while lower > 0, range.lowerBound - lower < 3, text[lower] & 0xC0 == 0x80 { lower -= 1 }
        while upper < text.count, upper - range.upperBound < 3, text[upper] & 0xC0 == 0x80 { upper += 1 }
        return lower..<upper
    }
}

extension PIISpan {
    /// Findings in order; those that overlap are one, so that no end of either stays behind.
    static func union(_ spans: [PIISpan]) -> [PIISpan] {
        guard spans.count > 1 else { return spans }
        var kept: [PIISpan] = []
        for span in spans.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            guard let last = kept.last, span.range.lowerBound < last.range.upperBound else {
                kept.append(span)
                continue
            }
            // An operator's pattern says what it is; of the others the longer one.
            let wins = last.category != .custom && (span.category == .custom || span.range.count > last.range.count)
            kept[kept.count - 1] = PIISpan(
                range: last.range.lowerBound..<max(last.range.upperBound, span.range.upperBound), category: wins ? span.category : last.category, score: wins ? span.score : last.score)
        }
        return kept
    }
}

/// The time that all searches with an operator's patterns may take together, however many texts, patterns and matches there are: a search has a limit of its own, but begins anew
/// behind each match. At most one search's limit (50 ms) longer, since the clock is looked at between searches.
struct PatternBudget: Sendable {
    enum Allowance {
        /// A request, or an answer that comes in one: 200 ms.
        case whole
        /// An event of a stream: 50 ms. Streams may be long, and a loop has to get on with others.
        case event
    }

    private var left: UInt64
    private var mark: UInt64 = 0
    private let now: @Sendable () -> UInt64

    init(_ allowance: Allowance, now: @escaping @Sendable () -> UInt64) {
        self.left = allowance == .whole ? 200_000_000 : 50_000_000
        self.now = now
    }

    /// Searches begin, unless there is no time left.
    mutating func begin() throws(PatternFailure) {
        if self.left == 0 { throw .limitExceeded }
        self.mark = self.now()
    }

    /// A search has ended.
    mutating func spend() throws(PatternFailure) {
        let end = self.now(), spent = end &- self.mark
        self.mark = end
        self.left = spent < self.left ? self.left - spent : 0
        if self.left == 0 { throw .limitExceeded }
    }
}

/// How many of each category were found.
struct PIICounts: Sendable {
    private var counts = [Int](repeating: 0, count: PIICategory.allCases.count)

    var total: Int { self.counts.reduce(0, +) }
    mutating func add(_ other: PIICounts) { for index in self.counts.indices { self.counts[index] += other.counts[index] } }
    mutating func add(_ category: PIICategory) { self.counts[Int(category.rawValue)] += 1 }

    private var found: [(category: PIICategory, count: Int)] { PIICategory.allCases.compactMap { self.counts[Int($0.rawValue)] > 0 ? ($0, self.counts[Int($0.rawValue)]) : nil } }
    /// `PHONE_NUMBER,EMAIL_ADDRESS`: a closed set.
    var types: String { self.found.map { "\($0.category.entityType)" }.joined(separator: ",") }
    /// `PHONE_NUMBER:1,EMAIL_ADDRESS:2`
    var listed: String { self.found.map { "\($0.category.entityType):\($0.count)" }.joined(separator: ",") }
    /// `PHONE_NUMBER (1), EMAIL_ADDRESS (2)`, for clients.
    var shown: String { self.found.map { "\($0.category.entityType) (\($0.count))" }.joined(separator: ", ") }
}
