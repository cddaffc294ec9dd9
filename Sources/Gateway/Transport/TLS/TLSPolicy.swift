public import NIOSSL

/// Which versions and ciphers a listener takes, and whether it asks clients for certificates.
public struct TLSPolicy: Sendable {
    /// What clients show (RFC 8446 section 4.3.2).
    public enum ClientCertificates: Sendable, Hashable {
        case none
        /// One that is shown must be of a known authority.
        case optional
        /// No certificate, no connection.
        case required
    }

    public var minimumVersion: TLSVersion = .tlsv12
    public var maximumVersion: TLSVersion = .tlsv13
    /// Ciphers of TLS 1.2 and before in OpenSSL's notation, most wanted first; those of TLS 1.3 are not chosen.
    public var ciphers = CipherSuite.intermediate.names
    public var clientCertificates = ClientCertificates.none
    /// Who may have signed clients' certificates.
    public var authorities: [NIOSSLCertificate] = []

    public init() {}

    func apply(to configuration: inout TLSConfiguration) {
        configuration.minimumTLSVersion = self.minimumVersion
        configuration.maximumTLSVersion = self.maximumVersion
        configuration.cipherSuites = self.ciphers.joined(separator: ":")
        switch self.clientCertificates {
        case .none: configuration.certificateVerification = .none
        case .optional: configuration.certificateVerification = .optionalVerification
        case .required: configuration.certificateVerification = .noHostnameVerification
        }
        guard self.clientCertificates != .none else { return }
        configuration.trustRoots = .certificates(self.authorities)
        configuration.sendCANameList = true
    }
}

/// Kong's `ssl_cipher_suite`: Mozilla's server-side TLS guidelines 5.7 (https://wiki.mozilla.org/Security/Server_Side_TLS), without what BoringSSL lacks (DHE, CBC with SHA-256, 3DES).
public enum CipherSuite: String, Sendable, CaseIterable {
    case modern, intermediate, old

    public var names: [String] {
        switch self {
        // TLS 1.3 alone; the list is not used, and must not be empty.
        case .modern, .intermediate: CipherSuite.intermediateNames
        case .old:
            CipherSuite.intermediateNames + [
                "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES256-SHA", "AES128-GCM-SHA256", "AES256-GCM-SHA384",
                "AES128-SHA", "AES256-SHA",
            ]
        }
    }

    public var minimumVersion: TLSVersion {
        switch self {
        case .modern: .tlsv13
        case .intermediate: .tlsv12
        case .old: .tlsv1
        }
    }

    private static let intermediateNames = [
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
    ]

    /// Ciphers below TLS 1.3 that BoringSSL has; a name it does not know would end the process.
    public static let known = Set(CipherSuite.old.names + ["ECDHE-RSA-AES128-SHA256"])
}
