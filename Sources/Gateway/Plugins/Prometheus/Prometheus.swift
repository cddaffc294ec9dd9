public import GatewayCore
public import Telemetry

/// `prometheus`: adds Kong's metrics to `/metrics` for the requests it applies to. https://developer.konghq.com/plugins/prometheus/
public final class Prometheus: LogPlugin {
    public typealias Field = NoEvidence
    public static let descriptor = PluginDescriptor(name: "prometheus", priority: 13)
    public let sink: (any EvidenceConsumer)?

    public init(configuration: PrometheusConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.sink = services.sinks.kongMetrics(
            KongMetricsSelection(
                statusCodes: configuration.statusCodeMetrics, latencies: configuration.latencyMetrics, bandwidth: configuration.bandwidthMetrics, ai: configuration.aiMetrics,
                perConsumer: configuration.perConsumer, upstreamHealth: configuration.upstreamHealthMetrics))
    }
}
