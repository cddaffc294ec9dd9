public import GatewayCore
public import Telemetry

/// `http-log`: sends a JSON object, or a list of them, for finished requests to an HTTP server. https://developer.konghq.com/plugins/http-log/
public final class HTTPLog: LogPlugin {
    public typealias Field = NoEvidence
    public static let descriptor = PluginDescriptor(name: "http-log", priority: 12)
    public let sink: (any EvidenceConsumer)?

    public init(configuration: HTTPLogConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.sink = services.sinks.sink(
            .http(
                HTTPLogSettings(
                    url: configuration.endpoint, method: configuration.method.rawValue, contentType: configuration.contentType.rawValue, headers: configuration.headers,
                    timeoutMilliseconds: configuration.timeoutMilliseconds, verifiesPeer: configuration.verifiesPeer, queue: configuration.queue.settings)))
    }
}
