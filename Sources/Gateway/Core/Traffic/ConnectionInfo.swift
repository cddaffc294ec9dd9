import GatewayWire

/// What is the same for all requests of one client connection.
public final class ConnectionInfo: Sendable {
    /// Numeric address of the peer, or of the client a trusted proxy names.
    public let clientAddress: String
    public let clientPort: Int
    /// Numeric address and port the connection was accepted on.
    public let localAddress: String
    public let localPort: Int
    public let isTLS: Bool
    /// Server name of the TLS handshake (RFC 6066 section 3).
    public let serverName: String?

    /// What a request on this connection tells its upstream about the connection, but for X-Forwarded-For: written once.
    let forwardedLines: FieldLines

    public init(clientAddress: String, clientPort: Int, localAddress: String, localPort: Int, isTLS: Bool, serverName: String?) {
        self.clientAddress = clientAddress
        self.clientPort = clientPort
        self.localAddress = localAddress
        self.localPort = localPort
        self.isTLS = isTLS
        self.serverName = serverName
        var lines = FieldLines(capacity: 128)
        lines.add(.xForwardedProto, literal: isTLS ? "https" : "http")
        lines.add(.xForwardedPort, localPort)
        lines.add(.xRealIP, clientAddress)
        lines.add(.via, GatewayIdentity.via)
        self.forwardedLines = lines
    }

    public var scheme: StaticString { self.isTLS ? "https" : "http" }
}
