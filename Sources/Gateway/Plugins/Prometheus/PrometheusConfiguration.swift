public import GatewayCore

/// Configuration of `prometheus`: which of Kong's own metrics are added. Names, types and defaults: Kong 3.15.
public struct PrometheusConfiguration: GatewayConfiguration, Hashable {
    /// Requests, tokens, cost and latencies of models. Default false.
    public let aiMetrics: Bool
    /// Bytes in and out. Default false.
    public let bandwidthMetrics: Bool
    /// Total, gateway and upstream latency. Default false.
    public let latencyMetrics: Bool
    /// Whether the consumer is a label. Default false.
    public let perConsumer: Bool
    /// Responses by status. Default false.
    public let statusCodeMetrics: Bool
    /// Health of upstream targets. Default false.
    public let upstreamHealthMetrics: Bool
    /// Metrics of WebAssembly filters; there are none here.
    public let wasmMetrics: Bool?

    public init(from node: inout ConfigurationNode) {
        self.aiMetrics = node.bool("ai_metrics", default: false)
        self.bandwidthMetrics = node.bool("bandwidth_metrics", default: false)
        self.latencyMetrics = node.bool("latency_metrics", default: false)
        self.perConsumer = node.bool("per_consumer", default: false)
        self.statusCodeMetrics = node.bool("status_code_metrics", default: false)
        self.upstreamHealthMetrics = node.bool("upstream_health_metrics", default: false)
        self.wasmMetrics = node.optionalBool("wasm_metrics")
        if self.wasmMetrics == true { node.warn("there are no WebAssembly filters, so there are no metrics of them", at: "wasm_metrics") }
    }
}
