public import GatewayCore

/// Configuration of `zipkin`. Names, types, limits and defaults: Kong 3.15.
public struct ZipkinConfiguration: GatewayConfiguration, Hashable {
    /// URL of a Zipkin v2 collector (`…/api/v2/spans`); nil only propagates.
    public let endpoint: String?
    /// Share of new traces that are sampled. Default 0.001.
    public let sampleRatio: Double
    /// Name of this gateway in Zipkin. Default kong.
    public let localServiceName: String
    /// Name of a remote service without one.
    public let defaultServiceName: String?
    /// Whether the id of the client's credential is a tag. Default true.
    public let includesCredential: Bool
    /// Bytes of new trace ids, 8 or 16. Default 16.
    public let traceIDByteCount: Int
    public let spanName: SpanName
    /// Tags of every request's span.
    public let staticTags: [Tag]
    public let traceIDResponseHeader: String?
    public let connectTimeoutMilliseconds: Int
    public let sendTimeoutMilliseconds: Int
    public let readTimeoutMilliseconds: Int
    public let propagation: PropagationConfiguration
    public let queue: LogQueueConfiguration
    /// Has no effect: every stage is a span of its own. Default annotations.
    public let phaseDurationFlavor: PhaseDurationFlavor
    /// Has no effect: clients add no tags to spans. Default Zipkin-Tags.
    public let tagsHeader: String

    public enum SpanName: String, Sendable, Hashable, CaseIterable {
        case method
        case methodPath = "method_path"
    }

    public enum PhaseDurationFlavor: String, Sendable, Hashable, CaseIterable { case annotations, tags }

    public struct Tag: GatewayConfiguration, Hashable {
        public let name: String
        public let value: String

        public init(from node: inout ConfigurationNode) {
            self.name = node.requiredString("name", .nonEmpty)
            self.value = node.requiredString("value", .nonEmpty)
        }
    }

    public init(from node: inout ConfigurationNode) {
        self.endpoint = node.optionalString("http_endpoint", .url, referenceable: true)
        self.sampleRatio = node.number("sample_ratio", default: 0.001, in: 0...1)
        self.localServiceName = node.string("local_service_name", default: "kong", .nonEmpty)
        self.defaultServiceName = node.optionalString("default_service_name", .nonEmpty)
        self.includesCredential = node.bool("include_credential", default: true)
        self.traceIDByteCount = node.int("traceid_byte_count", default: 16, oneOf: [8, 16])
        self.spanName = node.choice("http_span_name", default: .method)
        self.staticTags = node.optionalObjects("static_tags") { Tag(from: &$0) } ?? []
        let own = ["error", "http.method", "http.path", "http.status_code", "kong.balancer.state", "kong.balancer.try", "kong.consumer", "kong.credential", "kong.node.id", "kong.route", "kong.service", "lc", "peer.hostname"]
        for tag in self.staticTags where own.contains(tag.name) { node.report("'\(tag.name)' is a tag that the plugin sets itself", at: "static_tags") }
        self.traceIDResponseHeader = node.optionalString("http_response_header_for_traceid", .headerName)
        let timeout = 0...2_147_483_646
        self.connectTimeoutMilliseconds = node.int("connect_timeout", default: 2_000, in: timeout)
        self.sendTimeoutMilliseconds = node.int("send_timeout", default: 5_000, in: timeout)
        self.readTimeoutMilliseconds = node.int("read_timeout", default: 5_000, in: timeout)
        self.propagation = PropagationConfiguration(from: &node, defaultFormat: .b3, hasDefaultHeaderType: true)
        self.phaseDurationFlavor = node.choice("phase_duration_flavor", default: .annotations)
        if node.isPresent("phase_duration_flavor") { node.warn("has no effect: every stage is a span of its own", at: "phase_duration_flavor") }
        self.tagsHeader = node.string("tags_header", default: "Zipkin-Tags", .headerName)
        if node.isPresent("tags_header") { node.warn("has no effect: clients add no tags to spans", at: "tags_header") }
        self.queue = node.configurationOrDefaults("queue")
    }
}
