/// A certificate authority that is trusted where an entity says so. Fields: Kong 3.15 `ca_certificates`.
public struct CACertificateEntity: ConfigurationEntity, Hashable {
    public let metadata: EntityMetadata
    /// PEM of one certificate.
    public let certificate: String
    /// SHA-256 of it in hexadecimal, if the file gives it.
    public let digest: String?
}
