public import GatewayCore
public import Telemetry

/// `opentelemetry`: exports the traces, log records and metrics of the requests it applies to over OTLP/HTTP, and says how their trace context
/// travels. https://developer.konghq.com/plugins/opentelemetry/
public final class OpenTelemetry: LogPlugin {
    public typealias Field = NoEvidence
    public static let descriptor = PluginDescriptor(name: "opentelemetry", priority: 14)
    public let sinks: [any EvidenceConsumer]
    public let sampler: Sampler?
    public let parentRule: Sampler.ParentRule?
    public let propagation: TracePropagation?

    public init(configuration: OpenTelemetryConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.sampler = configuration.samplingRate.map { Sampler(ratio: $0, parents: configuration.samplingStrategy.parents) }
        self.parentRule = configuration.isStrategyChosen ? configuration.samplingStrategy.parents : nil
        self.propagation = configuration.propagation.rules(responseHeader: configuration.traceIDResponseHeader)
        func settings(_ endpoint: String) -> TraceSinkSettings {
            TraceSinkSettings(
                endpoint: endpoint, headers: configuration.headers, resourceAttributes: configuration.resourceAttributes,
                connectTimeoutMilliseconds: configuration.connectTimeoutMilliseconds, timeoutMilliseconds: configuration.sendTimeoutMilliseconds + configuration.readTimeoutMilliseconds,
                queue: configuration.queue.settings)
        }
        var sinks: [any EvidenceConsumer] = []
        if let endpoint = configuration.tracesEndpoint { sinks.append(services.sinks.traces(settings(endpoint))) }
        // One record a request, whichever of the two names the receiver.
        for endpoint in Set([configuration.logsEndpoint, configuration.accessLogs.endpoint].compactMap { $0 }).sorted() {
            sinks.append(services.sinks.sink(.otlpLogs(settings(endpoint))))
        }
        if let endpoint = configuration.metrics.endpoint {
            let metrics = configuration.metrics
            sinks.append(
                services.sinks.sink(
                    .otlpMetrics(
                        settings(endpoint),
                        MetricPushSettings(
                            intervalSeconds: metrics.pushIntervalSeconds, includesAI: metrics.includesAIMetrics, includesBandwidth: metrics.includesBandwidthMetrics,
                            includesLatency: metrics.includesLatencyMetrics, includesRequests: metrics.includesRequestMetrics,
                            includesUpstreamHealth: metrics.includesUpstreamHealthMetrics))))
        }
        self.sinks = sinks
    }

    public var sink: (any EvidenceConsumer)? { self.sinks.first }
}
