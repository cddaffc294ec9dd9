/// A TLS server name and the certificate shown for it. Fields: Kong 3.15 `snis`.
public struct ServerNameEntity: ConfigurationEntity, Hashable {
    public let metadata: EntityMetadata
    /// Host name, perhaps with one wildcard at an end.
    public let name: String
    /// The certificate.
    public internal(set) var certificateID: String
}
