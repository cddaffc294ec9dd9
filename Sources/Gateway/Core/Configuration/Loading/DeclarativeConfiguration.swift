/// A configuration file as plain values: references resolved to identifiers, defaults filled in, secrets resolved.
public struct DeclarativeConfiguration: Sendable {
    /// Kong's format: 1.1, 2.1 or 3.0.
    public var formatVersion = "3.0"
    /// Whether credentials are still to be transformed (hashed); Kong's `_transform`.
    public var transformsCredentials = true
    public var services: [ServiceEntity] = []
    public var routes: [RouteEntity] = []
    public var consumers: [ConsumerEntity] = []
    public var consumerGroups: [ConsumerGroupEntity] = []
    public var credentials: [CredentialEntity] = []
    /// Plugins of all scopes, in the order of the file.
    public var plugins: [PluginEntity] = []
    public var upstreams: [UpstreamEntity] = []
    public var targets: [TargetEntity] = []
    public var certificates: [CertificateEntity] = []
    public var serverNames: [ServerNameEntity] = []
    public var caCertificates: [CACertificateEntity] = []
    public var vaults: [VaultEntity] = []
    public var keys: [KeyEntity] = []
    public var keySets: [KeySetEntity] = []
    public var partials: [PartialEntity] = []
    /// The top-level `_pellucid:` section.
    public var settings: PellucidSettings = .defaults
    /// The first 64 bits of the SHA-256 of the resolved configuration in lower-case hexadecimal; the same for YAML and JSON, whatever the order of keys.
    /// Values of environment variables and vault references are part of it, so a changed secret changes it.
    public var hash = ""

    /// An empty configuration.
    public init() {}
}
