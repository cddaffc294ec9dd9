/// A plugin where it applies. Fields and rules: Kong 3.15 `plugins`.
public struct PluginEntity: ConfigurationEntity, Hashable {
    public let metadata: EntityMetadata
    /// Kong's hyphenated name: `ai-proxy`.
    public let name: String
    /// Name of this instance, unique.
    public let instanceName: String?
    /// Whether it runs.
    public let isEnabled: Bool
    /// Protocols it runs for; those the gateway does not proxy are left out.
    public let protocols: [TrafficProtocol]
    /// Plugins of the access phase it runs before.
    public let runsBefore: [String]
    /// Plugins of the access phase it runs after.
    public let runsAfter: [String]
    /// Kong's condition expression, not evaluated here.
    public let condition: String?
    /// The configuration as written, partials and `_plugin_configs` merged in; references are not resolved in it.
    public let config: DocumentNode
    /// Only for this service.
    public internal(set) var serviceID: String?
    /// Only for this route.
    public internal(set) var routeID: String?
    /// Only for this consumer.
    public internal(set) var consumerID: String?
    /// Only for this group of consumers.
    public internal(set) var consumerGroupID: String?

    /// Whether it applies everywhere.
    public var isGlobal: Bool { self.serviceID == nil && self.routeID == nil && self.consumerID == nil && self.consumerGroupID == nil }
}
