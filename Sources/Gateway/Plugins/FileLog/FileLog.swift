public import GatewayCore
public import Telemetry

/// `file-log`: appends a line per finished request to a file. https://developer.konghq.com/plugins/file-log/
public final class FileLog: LogPlugin {
    public typealias Field = NoEvidence
    public static let descriptor = PluginDescriptor(name: "file-log", priority: 9)
    public let sink: (any EvidenceConsumer)?

    public init(configuration: FileLogConfiguration, services: PluginServices) throws(ConfigurationError) {
        guard configuration.customFieldsByLua.isEmpty else {
            throw ConfigurationError(issues: [ConfigurationIssue(path: "config.custom_fields_by_lua", line: 0, problem: "is not served yet: Lua is not part of this version")])
        }
        self.sink = services.sinks.fileLog(path: configuration.path, reopen: configuration.reopensForEveryRequest)
    }
}
