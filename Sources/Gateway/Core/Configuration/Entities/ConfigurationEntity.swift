/// An entity of the configuration: a service, a route, a consumer, …
public protocol ConfigurationEntity: Sendable {
    /// Identifier, tags, times, place.
    var metadata: EntityMetadata { get }
}

extension ConfigurationEntity {
    /// UUID in lower case.
    public var id: String { self.metadata.id }
    /// Labels.
    public var tags: [String] { self.metadata.tags }
}
