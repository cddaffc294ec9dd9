/// How the ``SideClient`` does TLS (1.2 or later). The default verifies the server against the system's authorities.
public struct SideTLSOptions: Sendable, Equatable {
    /// PEM file of the authorities to trust instead of the system's.
    public var authorityFile: String?
    /// PEM file of the client's certificate chain.
    public var certificateFile: String?
    /// PEM file of the client's private key.
    public var keyFile: String?
    /// The client's certificate chain as PEM, where it stands in no file.
    public var certificatePEM: String?
    /// Its private key as PEM: a secret.
    public var keyPEM: String?
    /// Whether the server's certificate and name are checked.
    public var verifiesPeer: Bool

    public init(authorityFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, certificatePEM: String? = nil, keyPEM: String? = nil, verifiesPeer: Bool = true) {
        self.authorityFile = authorityFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
        self.verifiesPeer = verifiesPeer
    }
}
