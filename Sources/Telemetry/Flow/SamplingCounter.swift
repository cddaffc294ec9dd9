/// Counts sampling decisions by reason. Belongs to the drain thread.
final class SamplingCounter: @unchecked Sendable {
    // Unchecked: used on one thread.
    private let shard: MetricShard
    /// By decision and reason; registered when first needed, so that a page shows only what occurs.
    private var handles: [SeriesHandle?]

    init(_ shard: MetricShard) {
        self.shard = shard
        self.handles = Array(repeating: nil, count: SamplingReason.allCases.count * 2)
    }

    func count(_ root: RootEvidence) {
        let reason = root.tailReason ?? root.samplingReason
        let index = Int(reason.rawValue) * 2 + (root.isExported ? 1 : 0)
        if let handle = self.handles[index] { return self.shard.add(handle) }
        let handle = self.shard.series(Instruments.samplingDecisions, [root.isExported ? "sampled" : "dropped", "\(reason.name)"])
        self.handles[index] = handle
        self.shard.add(handle)
    }
}
