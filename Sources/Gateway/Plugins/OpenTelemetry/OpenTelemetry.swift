public import GatewayCore
public import Telemetry

/// `opentelemetry`: exports the traces of the requests it applies to over OTLP/HTTP. https://developer.konghq.com/plugins/opentelemetry/
public final class OpenTelemetry: LogPlugin {
    public typealias Field = NoEvidence
    public static let descriptor = PluginDescriptor(name: "opentelemetry", priority: 14)
    public let sink: (any EvidenceConsumer)?
    public let sampler: Sampler?

    public init(configuration: OpenTelemetryConfiguration, services: PluginServices) throws(ConfigurationError) {
        // Both of Kong's strategies fall back to the probability for new traces; with "drop" a caller's negative decision stands, with the
        // other one only the probability counts for requests whose caller did not sample.
        self.sampler = configuration.samplingRate.map { Sampler(ratio: $0, followsParent: configuration.samplingStrategy == .parentDropProbabilityFallback) }
        self.sink = configuration.tracesEndpoint.map { endpoint in
            services.sinks.traces(
                TraceSinkSettings(
                    endpoint: endpoint, headers: configuration.headers, resourceAttributes: configuration.resourceAttributes,
                    connectTimeoutMilliseconds: configuration.connectTimeoutMilliseconds, timeoutMilliseconds: configuration.readTimeoutMilliseconds,
                    batchSize: configuration.queue.maximumBatchSize, batchDelaySeconds: configuration.queue.maximumCoalescingDelaySeconds,
                    maximumEntries: configuration.queue.maximumEntries, maximumRetrySeconds: configuration.queue.maximumRetryTimeSeconds))
        }
    }
}
