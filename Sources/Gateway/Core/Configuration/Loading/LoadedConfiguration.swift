/// What loading a file gives.
public struct LoadedConfiguration: Sendable {
    /// The entities and settings.
    public let configuration: DeclarativeConfiguration
    /// The decoded configuration of each plugin, parallel to `configuration.plugins`.
    public let pluginConfigurations: [any Sendable]
    /// What does not stop the gateway but should be read.
    public let warnings: [ConfigurationIssue]
}
