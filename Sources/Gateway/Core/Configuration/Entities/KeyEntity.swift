/// A cryptographic key. Fields and rules: Kong 3.15 `keys`.
public struct KeyEntity: ConfigurationEntity, Hashable {
    public let metadata: EntityMetadata
    public let name: String?
    /// Key identifier.
    public let kid: String
    /// JSON Web Key as text; may be a secret.
    public let jwk: String?
    /// PEM of the private key: a secret.
    public let privateKeyPEM: String?
    /// PEM of the public key.
    public let publicKeyPEM: String?
    /// X.509 certificate thumbprint.
    public let x5t: String?
    /// The set it belongs to.
    public internal(set) var setID: String?
}
