import Synchronization

/// Why a request's spans are exported or left out; the `reason` of `pellucid.sampling.decisions`.
public enum SamplingReason: UInt8, Sendable, CaseIterable {
    /// The head decision: everything, nothing, or the ratio on the trace id.
    case ratio
    /// The caller's decision.
    case parent
    /// The route had enough traces in this second.
    case rateLimited
    /// The outcome made up for a negative head decision: the request was rejected by a stage, …
    case blocked
    /// … failed, …
    case failed
    /// … was not answered by its first attempt, …
    case failedOver
    /// … took longer, …
    case slow
    /// … or cost more than the threshold.
    case costly

    public var name: StaticString {
        switch self {
        case .ratio: "ratio"
        case .parent: "parent"
        case .rateLimited: "rate_limited"
        case .blocked: "blocked"
        case .failed: "failed"
        case .failedOver: "failed_over"
        case .slow: "slow"
        case .costly: "costly"
        }
    }
}

/// The decision after the end: which requests are exported although the head decision was no. What was propagated stays no, so their traces
/// have no parts elsewhere.
public struct TailSampling: Sendable, Equatable {
    /// Blocked, failed and failed-over requests.
    public var keepsFailures: Bool
    /// Nanoseconds; nil: off.
    public var keepsSlowerThan: UInt64?
    /// In the currency of the prices; nil: off.
    public var keepsCostlierThan: Double?
    /// Whether that holds against a caller's explicit no, too.
    public var overridesParent: Bool

    public init(keepsFailures: Bool = true, keepsSlowerThan: UInt64? = nil, keepsCostlierThan: Double? = nil, overridesParent: Bool = false) {
        self.keepsFailures = keepsFailures
        self.keepsSlowerThan = keepsSlowerThan
        self.keepsCostlierThan = keepsCostlierThan
        self.overridesParent = overridesParent
    }

    /// The reason to export a request whose head decision was no; nil: there is none.
    func reason(_ evidence: RequestEvidence) -> SamplingReason? {
        let root = evidence.root
        if root.samplingReason == .parent, !self.overridesParent { return nil }
        if self.keepsFailures {
            if root.outcome == .rejected { return .blocked }
            if root.outcome == .failed || root.outcome == .abandoned || root.status >= 500 { return .failed }
            if root.answeringAttempt(of: evidence.attempts.count) > 0 { return .failedOver }
        }
        if let limit = self.keepsSlowerThan, root.endMonotonic &- root.startMonotonic > limit { return .slow }
        if let limit = self.keepsCostlierThan, evidence.attempts.reduce(0.0, { $0 + ($1.hasCost ? $1.cost : 0) }) > limit { return .costly }
        return nil
    }
}

/// At most so many a second, with a burst of one second's worth: what limits the traces of a route. Shared by all loops.
///
/// The generic cell rate algorithm (https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm): one atomic number, no timer.
public final class TraceLimit: Sendable {
    private let interval: UInt64
    private let burst: UInt64
    private let next = Atomic<UInt64>(0)

    public init(perSecond: Double) {
        self.interval = UInt64(1e9 / max(perSecond, 0.001))
        self.burst = max(1_000_000_000, self.interval)
    }

    /// - Parameter now: ``MonotonicClock``.
    public func admits(at now: UInt64) -> Bool {
        var expected = self.next.load(ordering: .relaxed)
        while true {
            let due = max(expected, now)
            guard due &+ self.interval <= now &+ self.burst else { return false }
            let (isExchanged, original) = self.next.compareExchange(expected: expected, desired: due &+ self.interval, ordering: .relaxed)
            if isExchanged { return true }
            expected = original
        }
    }
}
