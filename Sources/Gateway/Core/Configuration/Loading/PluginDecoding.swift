/// How the loader decodes one plugin's configuration.
public struct PluginDecoding: Sendable {
    /// Decodes the plugin's `config` section; problems go to the node.
    public let decode: @Sendable (inout ConfigurationNode) -> any Sendable
    /// What the plugin may be attached to, beside everything at once.
    public let scopes: Set<PluginScope>
    /// Keys of its `_pellucid:` section that the plugin reads itself, beside those of every plugin.
    public let settings: Set<String>

    /// A decoding made of a closure.
    public init(scopes: Set<PluginScope> = Set(PluginScope.allCases), settings: Set<String> = [], decode: @escaping @Sendable (inout ConfigurationNode) -> any Sendable) {
        self.scopes = scopes
        self.settings = settings
        self.decode = decode
    }

    /// The decoding of a configuration type.
    public init<Configuration: GatewayConfiguration>(_ type: Configuration.Type, scopes: Set<PluginScope> = Set(PluginScope.allCases), settings: Set<String> = []) {
        self.init(scopes: scopes, settings: settings) { node in Configuration(from: &node) }
    }
}
