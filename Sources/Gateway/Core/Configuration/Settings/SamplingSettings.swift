/// `_pellucid.sampling`: which traces are exported. Metrics and audit lines are never sampled.
public struct SamplingSettings: GatewayConfiguration, Hashable {
    /// Share of traces that begin here and are sampled. Default 1, 0 to 1.
    public let ratio: Double
    /// Whether the caller's decision is followed. Default true.
    public let followsParent: Bool
    /// Whether requests that were blocked, failed or failed over are exported although the head decision said no. Default true.
    public let keepsFailures: Bool
    /// Requests slower than this are exported although the head decision said no; nil is off.
    public let keepsSlowerThanSeconds: Double?
    /// Requests that cost more (in the currency of the price table) are exported although the head decision said no; nil is off.
    public let keepsCostlierThan: Double?
    /// Whether the last three hold against a caller's explicit no. Default false.
    public let overridesParent: Bool
    /// Most traces that begin here and are sampled, a second and route; nil is no limit.
    public let maximumPerSecond: Double?

    public init(from node: inout ConfigurationNode) {
        self.ratio = node.number("ratio", default: 1, in: 0...1)
        self.followsParent = node.bool("follow_parent", default: true)
        self.keepsFailures = node.bool("keep_failures", default: true)
        self.keepsSlowerThanSeconds = node.optionalNumber("keep_slower_than_seconds", in: 0...86_400)
        self.keepsCostlierThan = node.optionalNumber("keep_costlier_than", in: 0...1_000_000)
        self.overridesParent = node.bool("override_parent", default: false)
        self.maximumPerSecond = node.optionalNumber("maximum_per_second", in: 0.001...1_000_000)
    }
}
