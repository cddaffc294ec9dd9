import COpenSSL
import GatewayCore
import NIOSSL
import Telemetry

/// Verifies an upstream's certificates with a limit of the chain's length, where a service has `tls_verify_depth`.
///
/// NIOSSL has no setting for it, and what it offers instead is to verify oneself: libcrypto does that here, whose depth is that of nginx'
/// `proxy_ssl_verify_depth` (https://nginx.org/en/docs/http/ngx_http_proxy_module.html), which Kong sets.
final class ChainVerifier: @unchecked Sendable {
    // Unchecked: the store is filled in init, and libcrypto locks what it caches in it.
    private let trust: OpaquePointer
    private let depth: Int32

    /// No certificate could be read, or memory is short.
    struct NoTrust: Error {}

    /// - Parameters:
    ///   - authorities: PEM; empty: those of the system, and of `file` where there is one.
    ///   - depth: most certificates between the upstream's own and a trusted one.
    init(depth: Int, authorities: [String], file: String?) throws(NoTrust) {
        guard let trust = pellucid_trust_create() else { throw NoTrust() }
        self.trust = trust
        self.depth = Int32(depth)
        if authorities.isEmpty {
            guard pellucid_trust_add_defaults(trust) == 1 else { throw NoTrust() }
            if let file, pellucid_trust_add_file(trust, file) != 1 { throw NoTrust() }
        }
        for authority in authorities {
            let bytes = Array(authority.utf8)
            guard pellucid_trust_add_pem(trust, bytes, bytes.count) > 0 else { throw NoTrust() }
        }
    }

    deinit { pellucid_trust_destroy(self.trust) }

    /// Whether a chain leads to a trusted certificate within the depth, and its first certificate is the endpoint's.
    func verify(_ certificates: [NIOSSLCertificate], _ endpoint: UpstreamEndpoint) -> Bool {
        // One that cannot be written as DER cannot be verified.
        let chain = certificates.compactMap { try? $0.toDERBytes() }
        guard chain.count == certificates.count, !chain.isEmpty else { return false }
        // Names that the service lists instead of the host are compared once the handshake is over.
        let hasOwnNames = endpoint.tls.map { !($0.acceptedNames.isEmpty && $0.acceptedURIs.isEmpty) } ?? false
        let host = hasOwnNames ? nil : endpoint.serverName
        let address = hasOwnNames || host != nil ? nil : endpoint.host
        let all = chain.flatMap { $0 }
        let code = all.withUnsafeBufferPointer { all in
            var starts: [UnsafePointer<UInt8>?] = []
            var offset = 0
            for certificate in chain {
                starts.append(all.baseAddress.map { $0 + offset })
                offset += certificate.count
            }
            return pellucid_trust_verify(self.trust, &starts, chain.map(\.count), chain.count, self.depth, host, address)
        }
        if code == 0 { return true }
        let reason = pellucid_trust_reason(code).map { String(cString: $0) } ?? "\(code)"
        DiagnosticLog.shared.warning("the upstream's certificate is not accepted", ("upstream", endpoint.authority), ("reason", reason), ("tls_verify_depth", "\(self.depth)"))
        return false
    }
}
