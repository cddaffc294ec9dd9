public import GatewayCore

/// Configuration of `opentelemetry`. Names, types, limits and defaults: Kong 3.15.
public struct OpenTelemetryConfiguration: GatewayConfiguration, Hashable {
    /// OTLP/HTTP URL traces are sent to.
    public let tracesEndpoint: String?
    /// OTLP/HTTP URL logs are sent to.
    public let logsEndpoint: String?
    /// Access log lines as OTLP logs.
    public let accessLogs: AccessLogs
    /// Metrics as OTLP.
    public let metrics: Metrics
    /// Headers of every export; values may be secrets.
    public let headers: [String: String]
    /// Attributes of the resource.
    public let resourceAttributes: [String: String]
    /// Header of the response that carries the trace's identifier.
    public let traceIDResponseHeader: String?
    /// Default 1,000; 0 to 2,147,483,646. Of these three 0 is 60 seconds, the default of the client that Kong sends with.
    public let connectTimeoutMilliseconds: Int
    /// Default 5,000. Together with the next the time of one export.
    public let sendTimeoutMilliseconds: Int
    /// Default 5,000.
    public let readTimeoutMilliseconds: Int
    /// Share of traces sampled, 0 to 1; nil leaves it to the gateway (in Kong to `tracing_sampling_rate`).
    public let samplingRate: Double?
    /// What a caller's decision counts for. Default `parent_drop_probability_fallback`.
    public let samplingStrategy: SamplingStrategy
    /// Whether the strategy is written down: with the gateway's own share, its own rule about callers holds unless it is.
    public let isStrategyChosen: Bool
    /// How trace context is read from and written to headers.
    public let propagation: PropagationConfiguration
    /// How exports are batched and retried.
    public let queue: LogQueueConfiguration

    public enum SamplingStrategy: String, Sendable, Hashable, CaseIterable {
        /// A parent that is not sampled drops the trace; otherwise the rate decides, under a sampled parent too (`get_sampling_decision` of kong/pdk/tracing.lua).
        case parentDropProbabilityFallback = "parent_drop_probability_fallback"
        /// The parent decides; without one the rate does.
        case parentProbabilityFallback = "parent_probability_fallback"

        var parents: Sampler.ParentRule {
            switch self {
            case .parentDropProbabilityFallback: .dropped
            case .parentProbabilityFallback: .followed
            }
        }
    }

    public init(from node: inout ConfigurationNode) {
        let traces = node.optionalString("traces_endpoint", .url, referenceable: true)
        let deprecated = node.optionalString("endpoint", .url, referenceable: true)
        if deprecated != nil { node.warn("is deprecated by Kong", at: "endpoint", hint: "use traces_endpoint") }
        self.tracesEndpoint = traces ?? deprecated
        self.logsEndpoint = node.optionalString("logs_endpoint", .url, referenceable: true)
        self.accessLogs = node.configurationOrDefaults("access_logs")
        self.metrics = node.configurationOrDefaults("metrics")
        self.headers = node.optionalStringMap("headers", keys: [.headerName], referenceable: true) ?? [:]
        self.resourceAttributes = node.optionalStringMap("resource_attributes", keys: [.nonEmpty], values: [.nonEmpty]) ?? [:]
        self.traceIDResponseHeader = node.optionalString("http_response_header_for_traceid", .headerName)
        let timeout = 0...2_147_483_646
        self.connectTimeoutMilliseconds = node.int("connect_timeout", default: 1_000, in: timeout)
        self.sendTimeoutMilliseconds = node.int("send_timeout", default: 5_000, in: timeout)
        self.readTimeoutMilliseconds = node.int("read_timeout", default: 5_000, in: timeout)
        self.samplingRate = node.optionalNumber("sampling_rate", in: 0...1)
        self.isStrategyChosen = node.isPresent("sampling_strategy")
        self.samplingStrategy = node.choice("sampling_strategy", default: .parentDropProbabilityFallback)
        self.propagation = PropagationConfiguration(from: &node, defaultFormat: .w3c)
        self.queue = Self.queue(&node)
        if self.logsEndpoint != nil { node.warn("gets one record a request, its audit line: this gateway writes no log lines of its own for a request", at: "logs_endpoint") }
        if self.tracesEndpoint == nil, self.logsEndpoint == nil, self.metrics.endpoint == nil, self.accessLogs.endpoint == nil,
            !["traces_endpoint", "endpoint", "logs_endpoint"].contains(where: { node.isPresent($0) })
        {
            node.report("needs at least one of traces_endpoint, logs_endpoint, metrics.endpoint, access_logs.endpoint")
        }
    }

    /// The queue; two deprecated fields stand for two of its fields.
    private static func queue(_ node: inout ConfigurationNode) -> LogQueueConfiguration {
        let batch = node.optionalInt("batch_span_count", in: 1...1_000_000)
        let delay = node.optionalInt("batch_flush_delay", in: 0...3_600)
        if batch != nil { node.warn("is deprecated by Kong", at: "batch_span_count", hint: "use queue.max_batch_size") }
        if delay != nil { node.warn("is deprecated by Kong", at: "batch_flush_delay", hint: "use queue.max_coalescing_delay") }
        var queue: Queue = node.configurationOrDefaults("queue")
        if let batch { queue.values.maximumBatchSize = batch }
        if let delay { queue.values.maximumCoalescingDelaySeconds = Double(delay) }
        return queue.values
    }

    /// `access_logs`.
    public struct AccessLogs: GatewayConfiguration, Hashable {
        /// OTLP/HTTP URL.
        public let endpoint: String?
        /// Attributes to add, by name, as Lua code.
        public let customAttributesByLua: [String: String]

        public init(from node: inout ConfigurationNode) {
            self.endpoint = node.optionalString("endpoint", .url, referenceable: true)
            self.customAttributesByLua = node.optionalLuaMap("custom_attributes_by_lua", isServed: false)
        }
    }

    /// `metrics`.
    public struct Metrics: GatewayConfiguration, Hashable {
        /// OTLP/HTTP URL.
        public let endpoint: String?
        /// Default 60.
        public let pushIntervalSeconds: Double
        public let includesAIMetrics: Bool
        public let includesBandwidthMetrics: Bool
        public let includesConsumerAttribute: Bool
        public let includesLatencyMetrics: Bool
        public let includesRequestMetrics: Bool
        public let includesUpstreamHealthMetrics: Bool

        public init(from node: inout ConfigurationNode) {
            self.endpoint = node.optionalString("endpoint", .url, referenceable: true)
            self.pushIntervalSeconds = node.number("push_interval", default: 60, above: 0)
            self.includesAIMetrics = node.bool("enable_ai_metrics", default: false)
            self.includesBandwidthMetrics = node.bool("enable_bandwidth_metrics", default: false)
            self.includesConsumerAttribute = node.bool("enable_consumer_attribute", default: false)
            self.includesLatencyMetrics = node.bool("enable_latency_metrics", default: false)
            self.includesRequestMetrics = node.bool("enable_request_metrics", default: false)
            self.includesUpstreamHealthMetrics = node.bool("enable_upstream_health_metrics", default: false)
            if self.includesConsumerAttribute { node.warn("has no effect: which metrics carry the consumer is the same for everybody", at: "enable_consumer_attribute") }
        }
    }

    /// `queue`: Kong's, with batches of 200.
    public struct Queue: GatewayConfiguration, Hashable {
        public internal(set) var values: LogQueueConfiguration

        public init(from node: inout ConfigurationNode) { self.values = LogQueueConfiguration(from: &node, defaultBatchSize: 200) }
    }
}
