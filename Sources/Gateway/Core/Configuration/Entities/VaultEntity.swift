/// A named source of secrets for `{vault://prefix/…}`. Fields: Kong 3.15 `vaults`; only the types `env` and `fs` are supported.
public struct VaultEntity: ConfigurationEntity, Hashable {
    public let metadata: EntityMetadata
    /// The name used in references.
    public let prefix: String
    /// Kong's vault type.
    public let type: String
    /// What it is for.
    public let description: String?
    /// Prefix of environment variables, or the directory of the files.
    public let source: String?
    /// Whether its secrets are Base64 of what they stand for.
    public let isBase64: Bool
}
