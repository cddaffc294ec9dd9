/// What TLS towards an upstream is set up with: Kong's `ca_certificates`, `client_certificate` and `tls_sans` of a service. Immutable, shared.
public final class UpstreamTLSOptions: Sendable {
    /// PEM of the authorities that may have signed the upstream's certificate; empty: those of the gateway.
    public let authorities: [String]
    /// PEM of the certificate (and its chain) shown to the upstream, with its key; nil: none is shown.
    public let client: (certificate: String, key: String)?
    /// Names and URIs the upstream's certificate may carry instead of the host; empty: the host.
    public let acceptedNames: [String]
    public let acceptedURIs: [String]
    /// Most certificates between the upstream's own and a trusted one: Kong's `tls_verify_depth`; nil: no limit of the configuration's.
    public let verifyDepth: Int?
    /// A digest of all of it: equal identities mean interchangeable connections.
    public let identity: String

    public init(
        authorities: [String] = [], client: (certificate: String, key: String)? = nil, acceptedNames: [String] = [], acceptedURIs: [String] = [],
        verifyDepth: Int? = nil
    ) {
        self.authorities = authorities
        self.client = client
        self.acceptedNames = acceptedNames
        self.acceptedURIs = acceptedURIs
        self.verifyDepth = verifyDepth
        var hash = SHA256()
        for part in [authorities, client.map { [$0.certificate, $0.key] } ?? [], acceptedNames, acceptedURIs] {
            hash.add(length: part.count)
            for text in part { hash.add(text) }
        }
        hash.add(length: verifyDepth.map { $0 + 1 } ?? 0)
        self.identity = hash.finish()
    }
}
