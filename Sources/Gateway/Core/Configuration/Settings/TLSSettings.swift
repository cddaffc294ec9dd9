/// `_pellucid.tls`: how listeners with TLS greet clients. Certificates stand in `certificates` and `snis`.
public struct TLSSettings: GatewayConfiguration, Hashable {
    /// Mozilla's profile, as Kong's `ssl_cipher_suite`. Default intermediate. Environment: KONG_SSL_CIPHER_SUITE.
    public let cipherSuite: CipherSuite?
    /// Versions taken; nil leaves them to the profile. Environment: KONG_SSL_PROTOCOLS.
    public let protocols: [Version]?
    /// Ciphers of TLS 1.2 and before, most wanted first; nil leaves them to the profile. Environment: KONG_SSL_CIPHERS.
    public let ciphers: [String]?
    /// Whether clients are asked for a certificate. Default none.
    public let clientCertificates: ClientCertificates
    /// Identifiers of the `ca_certificates` that sign clients' certificates.
    public let authorityIDs: [String]

    public enum CipherSuite: String, Sendable, Hashable, CaseIterable { case modern, intermediate, old, custom }
    public enum ClientCertificates: String, Sendable, Hashable, CaseIterable { case none, optional, required }

    /// Spelled as nginx does.
    public enum Version: String, Sendable, Hashable, CaseIterable, Comparable {
        case tls1 = "TLSv1"
        case tls1_1 = "TLSv1.1"
        case tls1_2 = "TLSv1.2"
        case tls1_3 = "TLSv1.3"

        public static func < (a: Version, b: Version) -> Bool { a.rawValue < b.rawValue }
    }

    public init(from node: inout ConfigurationNode) {
        self.cipherSuite = node.optionalChoice("cipher_suite")
        self.protocols = node.optionalChoices("protocols", count: 1...4)
        self.ciphers = node.optionalStrings("ciphers", .nonEmpty)
        self.clientCertificates = node.choice("client_certificates", default: .none)
        self.authorityIDs = node.strings("ca_certificates", .nonEmpty)
        if self.clientCertificates != .none, self.authorityIDs.isEmpty {
            node.report("is required with client_certificates: \(self.clientCertificates.rawValue)", at: "ca_certificates", hint: "give the ids of entries of ca_certificates")
        }
    }
}
