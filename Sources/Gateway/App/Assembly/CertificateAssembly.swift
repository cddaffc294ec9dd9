import COpenSSL
import GatewayCore
import GatewayTransport
import Glibc
import NIOSSL
import Synchronization
import Telemetry

/// Makes what listeners show to clients out of a configuration's certificates and names.
///
/// A certificate that a reload leaves unchanged keeps its object, and with it the keys of its session tickets.
final class CertificateAssembly: Sendable {
    /// Certificates and policy of one configuration.
    struct Made: Sendable {
        fileprivate let names: [String: ServerCertificate]
        fileprivate let policy: TLSPolicy
        let isEmpty: Bool
    }

    private struct Mark: Hashable {
        let certificate: String
        let key: String
        let policy: [String]
    }

    private let environment: [String: String]
    private let known = Mutex<[Mark: ServerCertificate]>([:])
    private let selfSigned = Mutex<(certificate: String, key: String)?>(nil)

    init(environment: [String: String]) { self.environment = environment }

    /// - Throws: what is wrong with certificates, keys, authorities or ciphers; all of it.
    func make(_ configuration: DeclarativeConfiguration) throws(ConfigurationError) -> Made {
        var issues: [ConfigurationIssue] = []
        let policy = TLSPolicy(configuration, environment: self.environment, issues: &issues)
        let mark = TLSPolicy.mark(configuration)
        var kept: [Mark: ServerCertificate] = [:]
        var byID: [String: ServerCertificate] = [:]
        for entity in configuration.certificates {
            let key = Mark(certificate: entity.certificate, key: entity.key, policy: mark)
            do throws(ServerCertificate.Failure) {
                let earlier = self.known.withLock { $0[key] } ?? kept[key]
                let made = if let earlier { earlier } else { try ServerCertificate(certificatePEM: entity.certificate, keyPEM: entity.key, policy: policy) }
                kept[key] = made
                byID[entity.id] = made
            } catch {
                let field = if case .certificate = error { "cert" } else { "key" }
                issues.append(ConfigurationIssue(path: "\(entity.metadata.path).\(field)", line: entity.metadata.line, problem: error.description))
            }
        }
        for entity in configuration.caCertificates where (try? NIOSSLCertificate.fromPEMBytes(Array(entity.certificate.utf8)))?.isEmpty != false {
            issues.append(ConfigurationIssue(path: "\(entity.metadata.path).cert", line: entity.metadata.line, problem: "is not a certificate in PEM"))
        }
        if !issues.isEmpty { throw ConfigurationError(issues: issues) }
        self.known.withLock { $0 = kept }
        var names: [String: ServerCertificate] = [:]
        for name in configuration.serverNames { names[name.name] = byID[name.certificateID] }
        return Made(names: names, policy: policy, isEmpty: configuration.certificates.isEmpty)
    }

    /// Whether the operator gives a default certificate.
    var hasDefault: Bool { !(self.environment["KONG_SSL_CERT"] ?? "").isEmpty }

    /// The table of a configuration, with the default certificate: KONG_SSL_CERT and KONG_SSL_CERT_KEY, else one made for this process.
    func table(_ made: Made) throws(ConfigurationError) -> ServerCertificateTable {
        let (certificate, key, source) = try self.defaultPair()
        do throws(ServerCertificate.Failure) {
            return ServerCertificateTable(names: made.names, fallback: try ServerCertificate(certificatePEM: certificate, keyPEM: key, policy: made.policy))
        } catch {
            throw ConfigurationError(issues: [ConfigurationIssue(path: source, line: 0, problem: error.description)])
        }
    }

    private func defaultPair() throws(ConfigurationError) -> (certificate: String, key: String, source: String) {
        if let certificate = self.environment["KONG_SSL_CERT"], !certificate.isEmpty {
            return (try PEMSetting.text(certificate, name: "KONG_SSL_CERT"), try PEMSetting.text(self.environment["KONG_SSL_CERT_KEY"] ?? "", name: "KONG_SSL_CERT_KEY"), "KONG_SSL_CERT")
        }
        let pair = self.selfSigned.withLock { known in
            if known == nil {
                known = SelfSigned.make()
                DiagnosticLog.shared.notice("a self-signed certificate of this process serves names that have none", ("hint", "set KONG_SSL_CERT and KONG_SSL_CERT_KEY"))
            }
            return known
        }
        guard let pair else { throw ConfigurationError(issues: [ConfigurationIssue(path: "", line: 0, problem: "a self-signed certificate cannot be made")]) }
        return (pair.certificate, pair.key, "default certificate")
    }
}

/// A certificate nobody trusts, so that a listener with TLS can be tried without one; Kong makes one too.
private enum SelfSigned {
    static func make() -> (certificate: String, key: String)? {
        var certificate: UnsafeMutablePointer<CChar>?
        var key: UnsafeMutablePointer<CChar>?
        defer {
            free(certificate)
            free(key)
        }
        guard pellucid_self_signed("localhost", 3650, &certificate, &key) != 0, let certificate, let key else { return nil }
        return (String(cString: certificate), String(cString: key))
    }
}

/// A setting that holds PEM as Kong takes it: the text itself, the same in base64, or the path of a file; of several, separated by commas, the first.
enum PEMSetting {
    static func text(_ value: String, name: String) throws(ConfigurationError) -> String {
        if value.firstRange(of: "-----BEGIN ") != nil { return value }
        let first = value.split(separator: ",").first.map(String.init)?.trimmingSpaces ?? ""
        if let decoded = Base64Text.decode(first), decoded.firstRange(of: "-----BEGIN ") != nil { return decoded }
        do throws(FileReader.Failure) { return try FileReader.text(first) } catch {
            throw ConfigurationError(issues: [ConfigurationIssue(path: name, line: 0, problem: "is neither PEM nor a file that can be read")])
        }
    }
}

extension String {
    fileprivate var trimmingSpaces: String { String(self.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}
