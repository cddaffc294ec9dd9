public import GatewayCore
public import Telemetry

/// `http-log`: sends a JSON object, or a list of them, for finished requests to an HTTP server. https://developer.konghq.com/plugins/http-log/
public final class HTTPLog: LogPlugin {
    public typealias Field = NoEvidence
    public static let descriptor = PluginDescriptor(name: "http-log", priority: 12)
    public let sink: (any EvidenceConsumer)?
    public let recordedHeaders: Set<String>

    public init(configuration: HTTPLogConfiguration, services: PluginServices) throws(ConfigurationError) {
        let certificate = configuration.certificateID.flatMap { services.certificates[$0] }
        if let id = configuration.certificateID, certificate == nil {
            throw ConfigurationError(issues: [ConfigurationIssue(path: "config.client_certificate.id", line: 0, problem: "names no certificate: \"\(id)\"")])
        }
        self.recordedHeaders = LogFieldScript.headers(in: configuration.customFieldsByLua)
        self.sink = try LogFieldScript.apply(configuration.customFieldsByLua, services) {
            services.sinks.sink(
                .http(
                    HTTPLogSettings(
                        url: configuration.endpoint, method: configuration.method.rawValue, contentType: configuration.contentType.rawValue, headers: configuration.headers,
                        timeoutMilliseconds: configuration.timeoutMilliseconds, verifiesPeer: configuration.verifiesPeer,
                        certificate: certificate.map { HTTPLogSettings.ClientCertificate(chain: $0.certificate, key: $0.key) }, queue: configuration.queue.settings)))
        }
    }
}
