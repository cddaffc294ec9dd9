/// A piece of configuration that plugins share. Fields: Kong 3.15 `partials`.
public struct PartialEntity: ConfigurationEntity, Hashable {
    /// What a partial configures; decides where it goes in a plugin that gives no path.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case redisCommunity = "redis-ce"
        case redisEnterprise = "redis-ee"
        case vectorDatabase = "vectordb"
        case embeddings
        case model

        /// The path inside a plugin, `config.` included.
        public var defaultPath: String {
            switch self {
            case .redisCommunity, .redisEnterprise: "config.redis"
            case .vectorDatabase: "config.vectordb"
            case .embeddings: "config.embeddings"
            case .model: "config.model"
            }
        }
    }

    public let metadata: EntityMetadata
    public let name: String?
    public let kind: Kind
    /// The configuration as written.
    public let config: DocumentNode
}
