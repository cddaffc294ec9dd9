/// The certificates of a configuration by id, for the services that show or trust them.
struct UpstreamCertificates {
    private let certificates: [String: CertificateEntity]
    private let authorities: [String: CACertificateEntity]

    init(_ configuration: DeclarativeConfiguration) {
        self.certificates = Dictionary(configuration.certificates.map { ($0.metadata.id, $0) }, uniquingKeysWith: { a, _ in a })
        self.authorities = Dictionary(configuration.caCertificates.map { ($0.metadata.id, $0) }, uniquingKeysWith: { a, _ in a })
    }

    /// What TLS to a service is set up with; nil: nothing besides the defaults. References were resolved when the file was read.
    ///
    /// - Parameter clientCertificateID: of the service's upstream, where the service names none itself.
    func options(of service: ServiceEntity, clientCertificateID: String? = nil) -> UpstreamTLSOptions? {
        let client = (service.clientCertificateID ?? clientCertificateID).flatMap { self.certificates[$0] }
        let authorities = service.caCertificateIDs.compactMap { self.authorities[$0]?.certificate }
        let names = service.tlsSubjectAlternativeNames
        guard client != nil || !authorities.isEmpty || names != nil || service.tlsVerifyDepth != nil else { return nil }
        return UpstreamTLSOptions(
            authorities: authorities, client: client.map { ($0.certificate, $0.key) }, acceptedNames: names?.dnsNames ?? [], acceptedURIs: names?.uris ?? [],
            verifyDepth: service.tlsVerifyDepth)
    }
}
