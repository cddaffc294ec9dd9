public import GatewayWire

/// What is the same for all requests of one client connection.
public final class ConnectionInfo: Sendable {
    /// What TLS settled for a connection.
    public struct TLS: Sendable {
        /// `TLSv1.2`, `TLSv1.3`, as nginx spells it.
        public let version: StaticString
        /// DER of the client's certificate, verified against the configured authorities; nil: it showed none.
        public let clientCertificate: [UInt8]?

        public init(version: StaticString, clientCertificate: [UInt8]? = nil) {
            self.version = version
            self.clientCertificate = clientCertificate
        }
    }

    /// Numeric address of the peer, or of the client a trusted proxy names.
    public let clientAddress: String
    public let clientPort: Int
    /// Numeric address of the other end of the socket.
    public let peerAddress: String
    /// Whether the peer is a trusted proxy, whose X-Forwarded fields are believed.
    public let isPeerTrusted: Bool
    /// Numeric address and port the connection was accepted on.
    public let localAddress: String
    public let localPort: Int
    /// Whether the connection itself runs over TLS.
    public let isTLS: Bool
    /// Whether the client's connection does: this one, or the one that a trusted proxy took.
    public let isSecure: Bool
    public let isHTTP2: Bool
    /// Server name of the TLS handshake (RFC 6066 section 3).
    public let serverName: String?
    public let tls: TLS?
    /// The connection that a PROXY header names, where the listener reads one.
    public let proxied: ProxyHeader.Addresses?

    public init(
        clientAddress: String, clientPort: Int, peerAddress: String? = nil, isPeerTrusted: Bool = false, localAddress: String, localPort: Int, isTLS: Bool,
        isSecure: Bool? = nil, isHTTP2: Bool = false, serverName: String?, tls: TLS? = nil, proxied: ProxyHeader.Addresses? = nil
    ) {
        self.clientAddress = clientAddress
        self.clientPort = clientPort
        self.peerAddress = peerAddress ?? clientAddress
        self.isPeerTrusted = isPeerTrusted
        self.localAddress = localAddress
        self.localPort = localPort
        self.isTLS = isTLS
        self.isSecure = isSecure ?? isTLS
        self.isHTTP2 = isHTTP2
        self.serverName = serverName
        self.tls = tls
        self.proxied = proxied
    }

    public var scheme: StaticString { self.isSecure ? "https" : "http" }

    /// The same connection, whose trusted peer speaks for a client.
    func speakingFor(_ address: String, port: Int, isSecure: Bool) -> ConnectionInfo {
        ConnectionInfo(
            clientAddress: address, clientPort: port, peerAddress: self.peerAddress, isPeerTrusted: true, localAddress: self.localAddress, localPort: self.localPort,
            isTLS: self.isTLS, isSecure: isSecure, isHTTP2: self.isHTTP2, serverName: self.serverName, tls: self.tls, proxied: self.proxied)
    }
}
