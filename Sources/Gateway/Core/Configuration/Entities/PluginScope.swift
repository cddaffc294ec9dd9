/// What a plugin can be attached to.
public enum PluginScope: String, Sendable, Hashable, CaseIterable {
    case service
    case route
    case consumer
    case consumerGroup = "consumer_group"
}
