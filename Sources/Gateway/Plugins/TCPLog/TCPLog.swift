public import GatewayCore
public import Telemetry

/// `tcp-log`: a JSON object and a newline for every finished request over TCP or TLS. https://developer.konghq.com/plugins/tcp-log/
public final class TCPLog: LogPlugin {
    public typealias Field = NoEvidence
    public static let descriptor = PluginDescriptor(name: "tcp-log", priority: 7)
    public let sink: (any EvidenceConsumer)?
    public let recordedHeaders: Set<String>

    public init(configuration: TCPLogConfiguration, services: PluginServices) throws(ConfigurationError) {
        let transport: SocketLogSettings.Transport =
            configuration.usesTLS ? .tls(serverName: configuration.serverName, verifiesPeer: configuration.verifiesPeer) : .tcp
        self.recordedHeaders = LogFieldScript.headers(in: configuration.customFieldsByLua)
        self.sink = try LogFieldScript.apply(configuration.customFieldsByLua, services) {
            services.sinks.sink(
                .socket(SocketLogSettings(host: configuration.host, port: configuration.port, transport: transport, timeoutMilliseconds: configuration.timeoutMilliseconds)))
        }
    }
}

/// Configuration of `tcp-log`. Names, types, limits and defaults: Kong 3.15.
public struct TCPLogConfiguration: GatewayConfiguration, Hashable {
    public let host: String
    public let port: Int
    /// Of connecting and of each delivery. Default 10,000; 0 is 60 seconds, as for Kong's client.
    public let timeoutMilliseconds: Int
    /// Has no effect: one connection is kept as long as the receiver keeps it. Default 60,000.
    public let keepaliveMilliseconds: Double
    public let usesTLS: Bool
    /// SNI and the name that is checked; nil takes the host.
    public let serverName: String?
    public let verifiesPeer: Bool

    /// Fields to change in the line, by name, as Lua code.
    public let customFieldsByLua: [String: String]

    public init(from node: inout ConfigurationNode) {
        self.host = node.requiredString("host", .nonEmpty)
        self.port = node.requiredInt("port", in: 0...65_535)
        self.timeoutMilliseconds = node.milliseconds("timeout", default: 10_000)
        self.keepaliveMilliseconds = node.number("keepalive", default: 60_000)
        if node.isPresent("keepalive") { node.warn("has no effect: one connection is kept as long as the receiver keeps it", at: "keepalive") }
        self.usesTLS = node.bool("tls", default: false)
        self.serverName = node.optionalString("tls_sni", .nonEmpty)
        self.verifiesPeer = node.bool("ssl_verify", default: true)
        self.customFieldsByLua = node.optionalLuaMap("custom_fields_by_lua")
    }
}
