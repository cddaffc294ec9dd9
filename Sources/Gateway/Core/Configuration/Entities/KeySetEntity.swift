/// A set of keys. Fields: Kong 3.15 `key_sets`.
public struct KeySetEntity: ConfigurationEntity, Hashable {
    public let metadata: EntityMetadata
    public let name: String?
}
