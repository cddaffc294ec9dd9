public import GatewayCore
public import Telemetry

/// `opentelemetry`: exports the traces of the requests it applies to over OTLP/HTTP. https://developer.konghq.com/plugins/opentelemetry/
public struct OpenTelemetry: LogPlugin {
    public typealias Field = NoEvidence
    public static let descriptor = PluginDescriptor(name: "opentelemetry", priority: 14)
    public let sink: (any EvidenceConsumer)?

    public init(configuration: OpenTelemetryConfiguration, services: PluginServices) throws(ConfigurationError) {
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
