public import GatewayCore
public import Telemetry

/// `udp-log`: a datagram with a JSON object for every finished request. https://developer.konghq.com/plugins/udp-log/
public final class UDPLog: LogPlugin {
    public typealias Field = NoEvidence
    public static let descriptor = PluginDescriptor(name: "udp-log", priority: 8)
    public let sink: (any EvidenceConsumer)?
    public let recordedHeaders: Set<String>

    public init(configuration: UDPLogConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.recordedHeaders = LogFieldScript.headers(in: configuration.customFieldsByLua)
        self.sink = try LogFieldScript.apply(configuration.customFieldsByLua, services) {
            services.sinks.sink(
                .socket(SocketLogSettings(host: configuration.host, port: configuration.port, transport: .udp, timeoutMilliseconds: configuration.timeoutMilliseconds)))
        }
    }
}

/// Configuration of `udp-log`. Names, types, limits and defaults: Kong 3.15.
public struct UDPLogConfiguration: GatewayConfiguration, Hashable {
    public let host: String
    public let port: Int
    /// Of each datagram. Default 10,000; 0 is 60 seconds, as for Kong's client.
    public let timeoutMilliseconds: Int

    /// Fields to change in the line, by name, as Lua code.
    public let customFieldsByLua: [String: String]

    public init(from node: inout ConfigurationNode) {
        self.host = node.requiredString("host", .nonEmpty)
        self.port = node.requiredInt("port", in: 0...65_535)
        self.timeoutMilliseconds = node.milliseconds("timeout", default: 10_000)
        self.customFieldsByLua = node.optionalLuaMap("custom_fields_by_lua")
    }
}
