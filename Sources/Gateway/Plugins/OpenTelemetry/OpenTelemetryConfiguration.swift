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
    /// Default 1,000; 0 to 2,147,483,646.
    public let connectTimeoutMilliseconds: Int
    /// Default 5,000.
    public let sendTimeoutMilliseconds: Int
    /// Default 5,000.
    public let readTimeoutMilliseconds: Int
    /// Share of traces sampled, 0 to 1; nil leaves it to the gateway.
    public let samplingRate: Double?
    public let samplingStrategy: SamplingStrategy
    /// How trace context is read from and written to headers.
    public let propagation: Propagation
    /// Deprecated by Kong in favour of `propagation`. Default preserve.
    public let headerType: HeaderType
    /// How exports are batched and retried.
    public let queue: Queue

    public enum SamplingStrategy: String, Sendable, Hashable, CaseIterable {
        /// A parent that is not sampled drops the trace; without a parent the rate decides.
        case parentDropProbabilityFallback = "parent_drop_probability_fallback"
        /// The parent decides; without one the rate does.
        case parentProbabilityFallback = "parent_probability_fallback"
    }

    public enum HeaderType: String, Sendable, Hashable, CaseIterable {
        case preserve, ignore, b3
        case b3Single = "b3-single"
        case w3c, jaeger, ot, aws, gcp, datadog, instana
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
        self.samplingStrategy = node.choice("sampling_strategy", default: .parentDropProbabilityFallback)
        self.propagation = node.configurationOrDefaults("propagation")
        if node.isPresent("header_type") { node.warn("is deprecated by Kong", at: "header_type", hint: "use propagation") }
        self.headerType = node.choice("header_type", default: .preserve)
        self.queue = Self.queue(&node)
        node.warnWithoutEffect("logs_endpoint", "http_response_header_for_traceid")
        if ![.preserve, .w3c].contains(self.headerType) { node.warn("has no effect in this version: W3C trace context is propagated", at: "header_type") }
        if self.tracesEndpoint == nil, self.logsEndpoint == nil, self.metrics.endpoint == nil, self.accessLogs.endpoint == nil,
            !["traces_endpoint", "endpoint", "logs_endpoint"].contains(where: { node.isPresent($0) })
        {
            node.report("needs at least one of traces_endpoint, logs_endpoint, metrics.endpoint, access_logs.endpoint")
        }
    }

    /// The queue; two deprecated fields stand for two of its fields.
    private static func queue(_ node: inout ConfigurationNode) -> Queue {
        let batch = node.optionalInt("batch_span_count", in: 1...1_000_000)
        let delay = node.optionalInt("batch_flush_delay", in: 0...3_600)
        if batch != nil { node.warn("is deprecated by Kong", at: "batch_span_count", hint: "use queue.max_batch_size") }
        if delay != nil { node.warn("is deprecated by Kong", at: "batch_flush_delay", hint: "use queue.max_coalescing_delay") }
        var queue: Queue = node.configurationOrDefaults("queue")
        if let batch { queue.maximumBatchSize = batch }
        if let delay { queue.maximumCoalescingDelaySeconds = Double(delay) }
        return queue
    }

    /// `access_logs`.
    public struct AccessLogs: GatewayConfiguration, Hashable {
        /// OTLP/HTTP URL.
        public let endpoint: String?
        /// Attributes to add, by name, as Lua code.
        public let customAttributesByLua: [String: String]

        public init(from node: inout ConfigurationNode) {
            self.endpoint = node.optionalString("endpoint", .url, referenceable: true)
            node.warnWithoutEffect("endpoint")
            self.customAttributesByLua = node.optionalLuaMap("custom_attributes_by_lua")
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
            node.warnWithoutEffect("endpoint")
            self.pushIntervalSeconds = node.number("push_interval", default: 60, above: 0)
            self.includesAIMetrics = node.bool("enable_ai_metrics", default: false)
            self.includesBandwidthMetrics = node.bool("enable_bandwidth_metrics", default: false)
            self.includesConsumerAttribute = node.bool("enable_consumer_attribute", default: false)
            self.includesLatencyMetrics = node.bool("enable_latency_metrics", default: false)
            self.includesRequestMetrics = node.bool("enable_request_metrics", default: false)
            self.includesUpstreamHealthMetrics = node.bool("enable_upstream_health_metrics", default: false)
        }
    }

    /// `propagation`.
    public struct Propagation: GatewayConfiguration, Hashable {
        /// Formats read, in order; nil reads none by configuration.
        public let extract: [ExtractFormat]?
        /// Formats written; nil leaves it to the default format.
        public let inject: [InjectFormat]?
        /// Headers removed before anything is written.
        public let clear: [String]
        /// Written when nothing was extracted. Default w3c.
        public let defaultFormat: DefaultFormat

        public enum ExtractFormat: String, Sendable, Hashable, CaseIterable { case w3c, b3, jaeger, ot, aws, gcp, datadog, instana }
        public enum InjectFormat: String, Sendable, Hashable, CaseIterable {
            case preserve, w3c, b3
            case b3Single = "b3-single"
            case jaeger, ot, aws, gcp, datadog, instana
        }
        public enum DefaultFormat: String, Sendable, Hashable, CaseIterable {
            case w3c, b3
            case b3Single = "b3-single"
            case jaeger, ot, aws, gcp, datadog, instana
        }

        public init(from node: inout ConfigurationNode) {
            self.extract = node.optionalChoices("extract")
            self.inject = node.optionalChoices("inject")
            self.clear = node.strings("clear", .nonEmpty)
            if self.inject.map({ !$0.allSatisfy { $0 == .w3c || $0 == .preserve } }) ?? false || self.extract.map({ $0 != [.w3c] }) ?? false {
                node.warn("formats other than w3c have no effect in this version")
            }
            node.warnWithoutEffect("clear")
            self.defaultFormat = node.choice("default_format", default: .w3c)
        }
    }

    /// `queue`.
    public struct Queue: GatewayConfiguration, Hashable {
        /// Items in one export. Default 200; 1 to 1,000,000.
        public internal(set) var maximumBatchSize: Int
        /// Wait for a batch to fill. Default 1; 0 to 3,600.
        public internal(set) var maximumCoalescingDelaySeconds: Double
        /// Items that wait. Default 10,000; 1 to 1,000,000.
        public let maximumEntries: Int
        /// Bytes that wait; nil is no limit.
        public let maximumBytes: Int?
        /// Time after which a batch is given up. Default 60.
        public let maximumRetryTimeSeconds: Double
        /// Default 0.01; 0.001 to 1,000,000.
        public let initialRetryDelaySeconds: Double
        /// Default 60; 0.001 to 1,000,000.
        public let maximumRetryDelaySeconds: Double
        /// 1 sends one batch at a time, -1 any number. Default 1.
        public let concurrencyLimit: Int

        public init(from node: inout ConfigurationNode) {
            self.maximumBatchSize = node.int("max_batch_size", default: 200, in: 1...1_000_000)
            self.maximumCoalescingDelaySeconds = node.number("max_coalescing_delay", default: 1, in: 0...3_600)
            self.maximumEntries = node.int("max_entries", default: 10_000, in: 1...1_000_000)
            self.maximumBytes = node.optionalInt("max_bytes")
            self.maximumRetryTimeSeconds = node.number("max_retry_time", default: 60)
            self.initialRetryDelaySeconds = node.number("initial_retry_delay", default: 0.01, in: 0.001...1_000_000)
            self.maximumRetryDelaySeconds = node.number("max_retry_delay", default: 60, in: 0.001...1_000_000)
            self.concurrencyLimit = node.int("concurrency_limit", default: 1, oneOf: [-1, 1])
        }
    }
}
