/// Where upstream connections go, and what makes two of them interchangeable. Immutable, shared.
public final class UpstreamEndpoint: Sendable {
    public let host: String
    public let port: Int
    public let isTLS: Bool
    /// Name sent in the TLS handshake and checked in the certificate; nil for numeric hosts.
    public let serverName: String?
    /// Whether the certificate chain and name are verified.
    public let verifiesCertificate: Bool
    /// What TLS is set up with besides; nil: the gateway's defaults.
    public let tls: UpstreamTLSOptions?
    /// The proxy that connections go through; nil: the one that the environment names for the host, if any.
    public let proxy: UpstreamProxy?
    /// Key of the connection pool: equal keys mean interchangeable connections.
    public let poolKey: String
    /// `host` or `host:port`, as a Host field names it (default ports left out).
    public let authority: String
    /// `scheme://authority`.
    public let origin: String

    public init(
        host: String, port: Int, isTLS: Bool, serverName: String? = nil, verifiesCertificate: Bool = true, tls: UpstreamTLSOptions? = nil, proxy: UpstreamProxy? = nil
    ) {
        self.host = host
        self.port = port
        self.isTLS = isTLS
        let name = serverName ?? host
        self.serverName = UpstreamEndpoint.isNumeric(name) ? nil : name
        self.verifiesCertificate = verifiesCertificate
        self.tls = isTLS ? tls : nil
        self.proxy = proxy
        var key = "\(isTLS ? verifiesCertificate ? "https" : "https-unverified" : "http")|\(host)|\(port)|\(isTLS ? name : "")"
        if let tls = self.tls { key += "|\(tls.identity)" }
        if let proxy { key += "|\(proxy.host):\(proxy.port)|\(proxy.authorization ?? "")" }
        self.poolKey = key
        let bracketed = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        let authority = port == (isTLS ? 443 : 80) ? bracketed : "\(bracketed):\(port)"
        self.authority = authority
        self.origin = (isTLS ? "https://" : "http://") + authority
    }

    /// Whether the name is an IPv4 or IPv6 literal, which SNI must not carry (RFC 6066 section 3).
    public static func isNumeric(_ name: String) -> Bool {
        name.contains(":") || (!name.isEmpty && name.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2e })
    }
}

/// How long the steps of an upstream exchange may take. Kong's `connect_timeout`, `write_timeout`, `read_timeout`; nanoseconds.
public struct UpstreamTimeouts: Sendable, Hashable {
    public var connect: UInt64
    /// Between two successful writes.
    public var send: UInt64
    /// Between two successful reads.
    public var read: UInt64

    public init(connect: UInt64 = 60_000_000_000, send: UInt64 = 60_000_000_000, read: UInt64 = 60_000_000_000) {
        self.connect = connect
        self.send = send
        self.read = read
    }
}
