import Telemetry

/// The head decision of sampling: made when a request begins, and what is propagated.
public struct Sampler: Sendable, Equatable {
    /// Share of new traces that are sampled, 0...1.
    public var ratio: Double
    public var parents: ParentRule
    /// Whether the operator of the process took the decision (`OTEL_TRACES_SAMPLER`), so that no plugin's rule about parents changes it.
    public var isFinal = false

    /// What a caller's decision counts for.
    public enum ParentRule: Sendable {
        /// Nothing: the ratio applies to every request.
        case ignored
        /// A caller's no is followed; a yes leaves it to the ratio.
        case dropped
        /// Either is followed; the ratio is for traces that begin here.
        case followed
    }

    public init(ratio: Double = 1, parents: ParentRule) {
        self.ratio = ratio
        self.parents = parents
    }

    public init(ratio: Double = 1, followsParent: Bool = true) { self.init(ratio: ratio, parents: followsParent ? .followed : .ignored) }

    /// The same share under a plugin's rule about callers; nil: as it is.
    func with(_ rule: ParentRule?) -> Sampler {
        guard let rule, !self.isFinal else { return self }
        return Sampler(ratio: self.ratio, parents: rule)
    }

    /// Takes the decision and says why.
    ///
    /// - Parameter limit: bounds the traces that begin here; nil: no bound.
    func decide(_ root: inout RootEvidence, parent: Bool?, limit: TraceLimit? = nil) {
        root.isSampled = self.decide(parent: parent, traceIDLow: root.traceIDLow)
        root.samplingReason = self.verdict(of: parent) != nil ? .parent : .ratio
        guard let limit, root.isSampled, root.samplingReason != .parent, !limit.admits(at: root.startMonotonic) else { return }
        root.isSampled = false
        root.samplingReason = .rateLimited
    }

    /// The ratio is applied to the trace id's low 56 bits, so that all gateways decide alike
    /// (https://opentelemetry.io/docs/specs/otel/trace/sdk/#traceidratiobased).
    ///
    /// - Parameter parent: the caller's decision; nil where it took none.
    func decide(parent: Bool?, traceIDLow: UInt64) -> Bool {
        if let verdict = self.verdict(of: parent) { return verdict }
        if self.ratio >= 1 { return true }
        if self.ratio <= 0 { return false }
        return Double(traceIDLow & 0xff_ffff_ffff_ffff) < self.ratio * 72_057_594_037_927_936
    }

    /// The caller's decision as far as it is followed; nil: the ratio decides.
    @inline(__always)
    private func verdict(of parent: Bool?) -> Bool? {
        switch self.parents {
        case .ignored: nil
        case .dropped: parent == false ? false : nil
        case .followed: parent
        }
    }
}
