internal import Telemetry

/// Tokens and cost of a whole request: the sum over its attempts, because every attempt that reached a model is charged.
struct RequestTotals {
    private(set) var input: Int64 = 0
    private(set) var output: Int64 = 0
    private(set) var cachedInput: Int64 = 0
    private(set) var reasoning: Int64 = 0
    private(set) var cost = 0.0
    private(set) var hasCost = false
    /// Source of the last attempt that has one.
    private(set) var source = UsageSource.none

    @inline(__always)
    init(_ evidence: EvidenceView) {
        for attempt in evidence.attempts {
            if attempt.usage.source != .none {
                self.input &+= attempt.usage.input
                self.output &+= attempt.usage.output
                self.cachedInput &+= attempt.usage.cachedInput
                self.reasoning &+= attempt.usage.reasoning
                self.source = attempt.usage.source
            }
            if attempt.hasCost {
                self.cost += attempt.cost
                self.hasCost = true
            }
        }
    }
}
