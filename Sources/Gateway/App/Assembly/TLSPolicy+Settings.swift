import GatewayCore
import GatewayTransport
import NIOSSL

extension TLSPolicy {
    /// The policy of a configuration; the environment's settings win over the file's.
    init(_ configuration: DeclarativeConfiguration, environment: [String: String], issues: inout [ConfigurationIssue]) {
        self.init()
        let settings = configuration.settings.tls
        func report(_ path: String, _ problem: String) { issues.append(ConfigurationIssue(path: path, line: 0, problem: problem)) }

        var suite = settings.cipherSuite ?? .intermediate
        if let text = environment["KONG_SSL_CIPHER_SUITE"], !text.isEmpty {
            if let known = TLSSettings.CipherSuite(rawValue: text) { suite = known } else { report("KONG_SSL_CIPHER_SUITE", "is not one of modern, intermediate, old, custom") }
        }
        let profile = CipherSuite(rawValue: suite.rawValue) ?? .intermediate
        self.ciphers = profile.names
        self.minimumVersion = profile.minimumVersion
        // Kong takes lists of one's own only with `custom`.
        if suite == .custom || settings.ciphers != nil || settings.protocols != nil {
            self.takeCiphers(environment["KONG_SSL_CIPHERS"]?.split { $0 == ":" || $0 == "," }.map(String.init) ?? settings.ciphers, report)
            self.takeVersions(TLSPolicy.versions(environment["KONG_SSL_PROTOCOLS"], report) ?? settings.protocols)
        }
        self.takeAuthorities(configuration, report)
    }

    private static func versions(_ text: String?, _ report: (String, String) -> Void) -> [TLSSettings.Version]? {
        guard let text, !text.isEmpty else { return nil }
        return text.split { $0 == " " || $0 == "," }.compactMap { word in
            let version = TLSSettings.Version(rawValue: String(word))
            if version == nil { report("KONG_SSL_PROTOCOLS", "\"\(word)\" is not one of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3") }
            return version
        }
    }

    private mutating func takeVersions(_ versions: [TLSSettings.Version]?) {
        guard let least = versions?.min(), let most = versions?.max() else { return }
        func known(_ version: TLSSettings.Version) -> TLSVersion {
            switch version {
            case .tls1: .tlsv1
            case .tls1_1: .tlsv11
            case .tls1_2: .tlsv12
            case .tls1_3: .tlsv13
            }
        }
        self.minimumVersion = known(least)
        self.maximumVersion = known(most)
    }

    private mutating func takeCiphers(_ names: [String]?, _ report: (String, String) -> Void) {
        guard let names else { return }
        let known = names.filter { CipherSuite.known.contains($0) }
        if known.isEmpty { return report("_pellucid.tls.ciphers", "names no cipher that this build has") }
        self.ciphers = known
    }

    private mutating func takeAuthorities(_ configuration: DeclarativeConfiguration, _ report: (String, String) -> Void) {
        let settings = configuration.settings.tls
        switch settings.clientCertificates {
        case .none: return
        case .optional: self.clientCertificates = .optional
        case .required: self.clientCertificates = .required
        }
        for (index, id) in settings.authorityIDs.enumerated() {
            guard let entity = configuration.caCertificates.first(where: { $0.id == id.lowercased() }) else {
                report("_pellucid.tls.ca_certificates[\(index)]", "there is no CA certificate with this id")
                continue
            }
            // One that is none is reported with its entity.
            self.authorities += (try? NIOSSLCertificate.fromPEMBytes(Array(entity.certificate.utf8))) ?? []
        }
    }

    /// What makes two policies of one process equal: the settings, and the authorities they name.
    static func mark(_ configuration: DeclarativeConfiguration) -> [String] {
        let settings = configuration.settings.tls
        let authorities = configuration.caCertificates.filter { settings.authorityIDs.contains($0.id) }.map(\.certificate)
        return [
            settings.cipherSuite?.rawValue ?? "", (settings.protocols ?? []).map(\.rawValue).joined(separator: ","), (settings.ciphers ?? []).joined(separator: ","),
            settings.clientCertificates.rawValue,
        ] + authorities
    }
}
