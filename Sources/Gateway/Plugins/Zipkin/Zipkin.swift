public import GatewayCore
public import Telemetry

/// `zipkin`: exports the traces of the requests it applies to in Zipkin's format, and says how their trace context travels.
/// https://developer.konghq.com/plugins/zipkin/
public final class Zipkin: LogPlugin {
    public typealias Field = NoEvidence
    public static let descriptor = PluginDescriptor(name: "zipkin", priority: 100_000)
    public let sink: (any EvidenceConsumer)?
    public let sampler: Sampler?
    public let propagation: TracePropagation?

    public init(configuration: ZipkinConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.sampler = Sampler(ratio: configuration.sampleRatio, followsParent: true)
        self.propagation = configuration.propagation.rules(traceIDBytes: configuration.traceIDByteCount, responseHeader: configuration.traceIDResponseHeader)
        self.sink = configuration.endpoint.map { endpoint in
            services.sinks.sink(
                .zipkin(
                    ZipkinSettings(
                        url: endpoint, localServiceName: configuration.localServiceName, defaultServiceName: configuration.defaultServiceName,
                        includesCredential: configuration.includesCredential, namesPath: configuration.spanName == .methodPath, traceIDBytes: configuration.traceIDByteCount,
                        tags: configuration.staticTags.map { ZipkinSettings.Tag(name: $0.name, value: $0.value) },
                        connectTimeoutMilliseconds: configuration.connectTimeoutMilliseconds,
                        timeoutMilliseconds: configuration.sendTimeoutMilliseconds + configuration.readTimeoutMilliseconds,
                        queue: configuration.queue.settings)))
        }
    }
}
