/// How the ``SideClient`` does TLS (1.2 or later). The default verifies the server against the system's authorities.
public struct SideTLSOptions: Sendable, Equatable {
    /// PEM file of the authorities to trust instead of the system's.
    public var authorityFile: String?
    /// PEM file of the client's certificate chain.
    public var certificateFile: String?
    /// PEM file of the client's private key.
    public var keyFile: String?
    /// Whether the server's certificate and name are checked.
    public var verifiesPeer: Bool

    public init(authorityFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, verifiesPeer: Bool = true) {
        self.authorityFile = authorityFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.verifiesPeer = verifiesPeer
    }
}
