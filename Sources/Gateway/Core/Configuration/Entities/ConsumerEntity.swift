/// Who uses the gateway. Fields and rules: Kong 3.15 `consumers`.
public struct ConsumerEntity: ConfigurationEntity, Hashable {
    public let metadata: EntityMetadata
    /// Unique name; it or `customID` is always there.
    public let username: String?
    /// Unique identifier in another system.
    public let customID: String?
    /// Groups the consumer belongs to.
    public internal(set) var groupIDs: [String]
}
