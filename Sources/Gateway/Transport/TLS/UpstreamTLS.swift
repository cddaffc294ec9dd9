import GatewayCore
import NIOCore
import NIOSSL

/// The TLS contexts towards upstreams of one loop: made once per setting, since making one reads the system's trust store.
final class UpstreamTLS {
    /// Settings of more than this many services at a time, and all contexts are made anew.
    private static let maximumContexts = 1_000
    private var contexts: [String: (context: NIOSSLContext, chains: ChainVerifier?)] = [:]
    private let defaults: UpstreamOptions

    init(defaults: UpstreamOptions) { self.defaults = defaults }

    /// What begins TLS on a new connection to an endpoint.
    func handler(for endpoint: UpstreamEndpoint) throws -> @Sendable () throws -> NIOSSLClientHandler {
        let (context, chains) = try self.context(for: endpoint)
        guard let chains else { return { try NIOSSLClientHandler(context: context, serverHostname: endpoint.serverName) } }
        return {
            try NIOSSLClientHandler(context: context, serverHostname: endpoint.serverName) { certificates, promise in
                promise.succeed(chains.verify(certificates, endpoint) ? .certificateVerified : .failed)
            }
        }
    }

    private func context(for endpoint: UpstreamEndpoint) throws -> (context: NIOSSLContext, chains: ChainVerifier?) {
        let key = (endpoint.verifiesCertificate ? "v" : "u") + (endpoint.tls?.identity ?? "")
        if let known = self.contexts[key] { return known }
        if self.contexts.count >= UpstreamTLS.maximumContexts { self.contexts.removeAll() }
        let depth = endpoint.verifiesCertificate ? endpoint.tls?.verifyDepth : nil
        let chains = try depth.map { try ChainVerifier(depth: $0, authorities: endpoint.tls?.authorities ?? [], file: self.defaults.trustedCertificatesPath) }
        let made = (try NIOSSLContext(configuration: try self.configuration(endpoint)), chains)
        self.contexts[key] = made
        return made
    }

    private func configuration(_ endpoint: UpstreamEndpoint) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        let options = endpoint.tls
        if !endpoint.verifiesCertificate {
            configuration.certificateVerification = .none
        } else if let authorities = options?.authorities, !authorities.isEmpty {
            configuration.trustRoots = .certificates(try authorities.flatMap { try NIOSSLCertificate.fromPEMBytes(Array($0.utf8)) })
        } else if let path = self.defaults.trustedCertificatesPath {
            configuration.additionalTrustRoots = [.file(path)]
        }
        if endpoint.verifiesCertificate, let options, !(options.acceptedNames.isEmpty && options.acceptedURIs.isEmpty) {
            // The names are compared after the handshake, with ``PeerNames``.
            configuration.certificateVerification = .noHostnameVerification
        }
        if let client = options?.client ?? self.defaults.clientCertificate {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(client.certificate.utf8)).map { .certificate($0) }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(client.key.utf8), format: .pem))
        }
        return configuration
    }
}

/// Whether a certificate carries one of the names a service accepts instead of its host (Kong's `tls_sans`).
enum PeerNames {
    static func match(_ certificate: NIOSSLCertificate?, _ options: UpstreamTLSOptions) -> Bool {
        guard let names = certificate?._subjectAlternativeNames() else { return false }
        for name in names {
            let text = name.contents.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
            switch name.nameType {
            case .dnsName where options.acceptedNames.contains { self.matches(pattern: text.lowercased(), name: $0.lowercased()) }: return true
            case .uri where options.acceptedURIs.contains(text): return true
            default: continue
            }
        }
        return false
    }

    /// RFC 6125 section 6.4.3: a wildcard is the whole first label, and stands for exactly one.
    static func matches(pattern: String, name: String) -> Bool {
        guard pattern.hasPrefix("*.") else { return pattern == name }
        guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return false }
        return name[dot...] == pattern.dropFirst()
    }
}
