import GatewayCore
import GatewayPII

/// Finds personal data with this process's detector and the operator's own patterns.
struct PIIFinder: Sendable {
    let detector: PIIDetector
    let patterns: [any CompiledPattern]

    init(_ configuration: AISanitizerConfiguration, _ services: PluginServices) throws(ConfigurationError) {
        self.detector = PIIDetector(categories: configuration.categories)
        let wantsCustom = configuration.categories.contains(.custom)
        self.patterns = try GuardPatterns.compile(wantsCustom ? configuration.customPatterns.map(\.regex) : [], field: "custom_patterns", services)
    }

    /// The findings of a text in order, none overlapping another; those of custom patterns go first.
    func find(_ text: [UInt8]) throws(PluginFailure) -> [PIISpan] {
        let found = text.withUnsafeBytes { self.detector.detect($0) }
        guard !self.patterns.isEmpty else { return found }
        var custom: [PIISpan] = []
        for pattern in self.patterns {
            let result: Result<[PIISpan], PatternFailure> = text.withUnsafeBytes { raw in
                var spans: [PIISpan] = [], position = 0
                do throws(PatternFailure) {
                    while position < raw.count, let range = try pattern.firstRange(in: raw, from: position) {
                        if !range.isEmpty { spans.append(PIISpan(range: range, category: .custom, score: 100)) }
                        position = max(range.upperBound, position + 1)
                    }
                    return .success(spans)
                } catch { return .failure(error) }
            }
            // A pattern that reaches its limits has not shown that nothing is there.
            guard case .success(let spans) = result else { throw PluginFailure("pattern_limit") }
            custom += spans
        }
        custom.sort { $0.range.lowerBound < $1.range.lowerBound }
        return Self.merge(custom, found)
    }

    /// Both lists in order without overlaps; the first goes before the second. One walk, however many there are.
    private static func merge(_ first: [PIISpan], _ second: [PIISpan]) -> [PIISpan] {
        var kept: [PIISpan] = []
        for span in first where span.range.lowerBound >= (kept.last?.range.upperBound ?? 0) { kept.append(span) }
        var merged: [PIISpan] = [], i = 0
        for span in second {
            while i < kept.count, kept[i].range.upperBound <= span.range.lowerBound {
                merged.append(kept[i])
                i += 1
            }
            if i < kept.count, kept[i].range.overlaps(span.range) { continue }
            merged.append(span)
        }
        return merged + kept[i...]
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
