public import NIOCore

/// Kong's `service_tier_factor`: by what the cost of a whole request is multiplied for the tier that its provider reports.
public struct ServiceTierFactors: Sendable, Equatable {
    private let entries: [(tier: String, factor: Double)]

    /// - Parameter entries: tiers as configured, in any order and case.
    public init(_ entries: [(tier: String, factor: Double)]) {
        // The most specific word first.
        self.entries = entries.map { ($0.tier.lowercased(), $0.factor) }.sorted { $0.tier.utf8.count > $1.tier.utf8.count }
    }

    public static func == (a: ServiceTierFactors, b: ServiceTierFactors) -> Bool {
        a.entries.elementsEqual(b.entries) { $0.tier == $1.tier && $0.factor == $1.factor }
    }

    /// 1 where no entry's word is part of the tier. `priority` also stands for `fast`, as OpenAI calls that tier in some answers.
    public func factor(_ tier: ByteBuffer?) -> Double {
        guard !self.entries.isEmpty, let tier else { return 1 }
        let text = String(buffer: tier).lowercased()
        let isFast = text.split { !$0.isLetter && !$0.isNumber }.contains("fast")
        return self.entries.first { text.contains($0.tier) || (isFast && $0.tier == "priority") }?.factor ?? 1
    }
}
