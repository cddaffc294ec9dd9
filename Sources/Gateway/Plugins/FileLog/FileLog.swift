public import GatewayCore
public import Telemetry

/// `file-log`: appends a line per finished request to a file. https://developer.konghq.com/plugins/file-log/
public final class FileLog: LogPlugin {
    public typealias Field = NoEvidence
    public static let descriptor = PluginDescriptor(name: "file-log", priority: 9)
    public let sink: (any EvidenceConsumer)?
    public let recordedHeaders: Set<String>

    public init(configuration: FileLogConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.recordedHeaders = LogFieldScript.headers(in: configuration.customFieldsByLua)
        self.sink = try LogFieldScript.apply(configuration.customFieldsByLua, services) {
            services.sinks.fileLog(path: configuration.path, reopen: configuration.reopensForEveryRequest)
        }
    }
}
