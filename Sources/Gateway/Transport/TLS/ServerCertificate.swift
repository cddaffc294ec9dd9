import NIOSSL
import Synchronization

/// A certificate with its key, ready for handshakes. It makes its contexts when they are first needed and keeps them: with a context go the keys of its session tickets, so that
/// sessions resume as long as the certificate is served.
public final class ServerCertificate: Sendable {
    private let chain: [NIOSSLCertificate]
    private let key: NIOSSLPrivateKey
    private let policy: TLSPolicy
    private let contexts = Mutex<(http1: NIOSSLContext?, http2: NIOSSLContext?)>((nil, nil))

    /// - Parameters:
    ///   - certificatePEM: the certificate and its chain.
    ///   - keyPEM: its private key.
    /// - Throws: ``Failure`` when the texts are no certificate and key that belong together.
    public init(certificatePEM: String, keyPEM: String, policy: TLSPolicy) throws(Failure) {
        guard let chain = try? NIOSSLCertificate.fromPEMBytes(Array(certificatePEM.utf8)), !chain.isEmpty else { throw .certificate }
        guard let key = try? NIOSSLPrivateKey(bytes: Array(keyPEM.utf8), format: .pem) else { throw .key }
        self.chain = chain
        self.key = key
        self.policy = policy
        // A key of another certificate shows when the two meet in a context.
        guard (try? self.context(allowsHTTP2: false)) != nil else { throw .mismatch }
    }

    /// What is wrong with a certificate and its key; says nothing of their content.
    public enum Failure: Error, Sendable {
        case certificate, key, mismatch

        public var description: String {
            switch self {
            case .certificate: "is not a certificate in PEM"
            case .key: "is not an unencrypted private key in PEM"
            case .mismatch: "does not belong to the certificate"
            }
        }
    }

    func context(allowsHTTP2: Bool) throws -> NIOSSLContext {
        try self.contexts.withLock { contexts in
            if let known = allowsHTTP2 ? contexts.http2 : contexts.http1 { return known }
            var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: self.chain.map { .certificate($0) }, privateKey: .privateKey(self.key))
            self.policy.apply(to: &configuration)
            configuration.applicationProtocols = allowsHTTP2 ? ["h2", "http/1.1"] : ["http/1.1"]
            let context = try NIOSSLContext(configuration: configuration)
            if allowsHTTP2 { contexts.http2 = context } else { contexts.http1 = context }
            return context
        }
    }
}

/// The certificates of a configuration by the names they serve.
public struct ServerCertificateTable: Sendable {
    private let exact: [String: ServerCertificate]
    private let fallback: ServerCertificate

    /// - Parameters:
    ///   - names: server names in lower case, perhaps with a wildcard as the first or last label, or `*`.
    ///   - fallback: for every other name, and for clients that send none.
    public init(names: [String: ServerCertificate], fallback: ServerCertificate) {
        self.exact = names
        self.fallback = fallback
    }

    /// The certificate for a name, in Kong's order: the name, `*.rest`, `first.*`, `*`, the default.
    public func certificate(for name: String?) -> ServerCertificate {
        if let name, !name.isEmpty {
            if let found = self.exact[name] { return found }
            if let dot = name.firstIndex(of: "."), let found = self.exact["*" + name[dot...]] { return found }
            if let dot = name.lastIndex(of: "."), let found = self.exact[name[...dot] + "*"] { return found }
        }
        return self.exact["*"] ?? self.fallback
    }
}

/// The certificates that listeners serve now: replaced whole by a reload, looked up by each handshake.
public final class ServerTLS: Sendable {
    private let table: Mutex<ServerCertificateTable>

    public init(_ table: ServerCertificateTable) { self.table = Mutex(table) }

    public func swap(_ table: ServerCertificateTable) { self.table.withLock { $0 = table } }

    func context(for name: String?, allowsHTTP2: Bool) throws -> NIOSSLContext {
        try self.table.withLock { $0 }.certificate(for: name).context(allowsHTTP2: allowsHTTP2)
    }
}
