import Telemetry

/// One line of the plugin catalog: how a plugin's configuration is decoded and its instances are made.
public struct PluginRegistration: Sendable {
    public let name: String
    public let decoding: PluginDecoding
    let make: @Sendable (any Sendable, PluginServices, PluginEntity) throws(ConfigurationError) -> PluginInstance

    public init<Plugin: GatewayPlugin>(_ type: Plugin.Type, scopes: Set<PluginScope> = Set(PluginScope.allCases), settings: Set<String> = []) {
        let name = "\(Plugin.descriptor.name)"
        self.name = name
        self.decoding = PluginDecoding(Plugin.Configuration.self, scopes: scopes, settings: settings)
        self.make = { (configuration, services, entity) throws(ConfigurationError) in
            guard let configuration = configuration as? Plugin.Configuration else {
                throw ConfigurationError(issues: [ConfigurationIssue(path: entity.metadata.path, line: entity.metadata.line, problem: "was decoded as another plugin's configuration")])
            }
            let plugin = try Plugin(configuration: configuration, services: services.forInstance(entity.metadata.id, settings: entity.metadata.pellucid))
            return PluginInstance(plugin, entity: entity, mode: PluginRegistration.mode(of: entity))
        }
    }

    /// `_pellucid: {mode: shadow}` beside `config`.
    private static func mode(of entity: PluginEntity) -> StageMode {
        entity.metadata.pellucid?["mode"]?.scalar?.text == "shadow" ? .shadow : .enforce
    }
}
