/// A certificate with its key, shown to clients or to upstreams. Fields and rules: Kong 3.15 `certificates`.
public struct CertificateEntity: ConfigurationEntity, Hashable {
    public let metadata: EntityMetadata
    /// PEM of the certificate and its chain.
    public let certificate: String
    /// PEM of the private key: a secret.
    public let key: String
    /// A second certificate of another key type.
    public let alternativeCertificate: String?
    /// Its key: a secret.
    public let alternativeKey: String?
}
