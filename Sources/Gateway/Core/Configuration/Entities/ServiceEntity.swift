/// An upstream service. Fields, defaults and rules: Kong 3.15 `services`.
public struct ServiceEntity: ConfigurationEntity, Hashable {
    public let metadata: EntityMetadata
    /// Unique name.
    public let name: String?
    /// Whether its routes take traffic. Default true.
    public let isEnabled: Bool
    /// Attempts after the first that failed. 0 to 32,767, default 5.
    public let retries: Int
    /// How the upstream is spoken to. Default http.
    public let `protocol`: TrafficProtocol
    /// Host name, address, or the name of an upstream.
    public let host: String
    /// 0 to 65,535, default 80.
    public let port: Int
    /// Path put before the request's, if any.
    public let path: String?
    /// Default 60,000.
    public let connectTimeoutMilliseconds: Int
    /// Between two writes. Default 60,000.
    public let writeTimeoutMilliseconds: Int
    /// Between two reads. Default 60,000.
    public let readTimeoutMilliseconds: Int
    /// Whether the upstream's certificate is verified; nil leaves it to the gateway.
    public let verifiesTLS: Bool?
    /// Longest chain of certificates. 0 to 64.
    public let tlsVerifyDepth: Int?
    /// Names the upstream's certificate may carry instead of the host.
    public let tlsSubjectAlternativeNames: TLSSubjectAlternativeNames?
    /// CA certificates that verify the upstream.
    public internal(set) var caCertificateIDs: [String]
    /// Certificate shown to the upstream.
    public internal(set) var clientCertificateID: String?

    /// Names accepted in the upstream's certificate (`tls_sans`).
    public struct TLSSubjectAlternativeNames: Sendable, Hashable {
        /// DNS names.
        public let dnsNames: [String]
        /// URIs.
        public let uris: [String]
    }
}
