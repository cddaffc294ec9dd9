/// What every entity of a configuration has beside its own fields.
public struct EntityMetadata: Sendable, Hashable {
    /// UUID in lower case: the file's, or the one Kong would derive from the entity's name.
    public let id: String
    /// Labels, those of `_info.select_tags` included.
    public let tags: [String]
    /// Unix seconds, if the file says.
    public let createdAtSeconds: Int?
    /// Unix seconds, if the file says.
    public let updatedAtSeconds: Int?
    /// The entity's `_pellucid:` section.
    public let pellucid: DocumentNode?
    /// Where the entity stands: `services[0].routes[2]`.
    public let path: String
    /// The line it begins at.
    public let line: Int
}
