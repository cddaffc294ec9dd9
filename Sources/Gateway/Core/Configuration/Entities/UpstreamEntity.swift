/// A virtual host with several targets. Fields, defaults and rules: Kong 3.15 `upstreams`.
public struct UpstreamEntity: ConfigurationEntity, Hashable {
    public let metadata: EntityMetadata
    /// Host name services refer to.
    public let name: String
    /// How a target is chosen.
    public let algorithm: Algorithm
    /// What is hashed.
    public let hashOn: HashInput
    /// What is hashed when the first is missing.
    public let hashFallback: HashInput
    public let hashOnHeader: String?
    public let hashFallbackHeader: String?
    public let hashOnCookie: String?
    /// Default `/`.
    public let hashOnCookiePath: String
    public let hashOnQueryArgument: String?
    public let hashFallbackQueryArgument: String?
    public let hashOnURICapture: String?
    public let hashFallbackURICapture: String?
    public let stickySessionsCookie: String?
    /// Default `/`.
    public let stickySessionsCookiePath: String
    /// Slots of the ring: 10 to 65,536, default 10,000.
    public let slots: Int
    /// Probes and circuit breakers.
    public let healthChecks: UpstreamHealthChecks
    /// Host header sent to the targets.
    public let hostHeader: String?
    /// Whether the name of an SRV record is sent as host.
    public let usesServiceRecordName: Bool
    /// Certificate shown to the targets.
    public internal(set) var clientCertificateID: String?

    public enum Algorithm: String, Sendable, Hashable, CaseIterable {
        case roundRobin = "round-robin"
        case consistentHashing = "consistent-hashing"
        case leastConnections = "least-connections"
        case latency
        case stickySessions = "sticky-sessions"
    }

    public enum HashInput: String, Sendable, Hashable, CaseIterable {
        case none
        case consumer
        case ip
        case header
        case cookie
        case path
        case queryArgument = "query_arg"
        case uriCapture = "uri_capture"
    }
}
