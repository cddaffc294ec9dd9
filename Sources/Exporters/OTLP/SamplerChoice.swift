/// The head sampler that `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` name.
/// Source: https://opentelemetry.io/docs/specs/otel/trace/sdk/#built-in-samplers
public struct SamplerChoice: Sendable, Equatable {
    /// What decides for a trace that begins here.
    public enum Root: Sendable, Equatable {
        case alwaysOn
        case alwaysOff
        /// Share of traces, 0 … 1.
        case ratio(Double)
    }

    /// Whether the decision of an incoming trace is followed.
    public var isParentBased: Bool
    public var root: Root

    /// The specification's default is `parentbased_always_on`.
    public init(isParentBased: Bool = true, root: Root = .alwaysOn) {
        self.isParentBased = isParentBased
        self.root = root
    }

    /// - Parameters:
    ///   - parent: the caller's decision, nil for a new trace.
    ///   - traceIDLow: the low half of the trace id; the same id gets the same decision everywhere.
    public func isSampled(parent: Bool?, traceIDLow: UInt64) -> Bool {
        if self.isParentBased, let parent { return parent }
        switch self.root {
        case .alwaysOn: return true
        case .alwaysOff: return false
        case .ratio(let ratio):
            if ratio >= 1 { return true }
            // 63 bits, as the other languages' implementations compare them.
            return ratio > 0 && traceIDLow >> 1 < UInt64(ratio * 0x1p63)
        }
    }
}
