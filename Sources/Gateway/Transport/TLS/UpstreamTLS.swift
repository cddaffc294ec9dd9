import NIOSSL

/// The TLS contexts towards upstreams of one loop: made once per verification setting, since making one reads the system's trust store.
final class UpstreamTLS {
    private var verified: NIOSSLContext?
    private var unverified: NIOSSLContext?

    func context(verifying: Bool, trustedCertificatesPath: String?) throws -> NIOSSLContext {
        if let known = verifying ? self.verified : self.unverified { return known }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if verifying {
            if let path = trustedCertificatesPath { configuration.additionalTrustRoots = [.file(path)] }
        } else {
            configuration.certificateVerification = .none
        }
        let context = try NIOSSLContext(configuration: configuration)
        if verifying { self.verified = context } else { self.unverified = context }
        return context
    }
}
