/// A group of consumers that share plugins. Fields: Kong 3.15 `consumer_groups`.
public struct ConsumerGroupEntity: ConfigurationEntity, Hashable {
    public let metadata: EntityMetadata
    /// Unique name.
    public let name: String
}
