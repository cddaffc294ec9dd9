public import GatewayCore
public import GatewayWire

/// Limits and deadlines of client connections. Nanoseconds where a name says nothing else.
public struct ServerOptions: Sendable {
    public var http = HTTPLimits()
    /// From the first byte of a request to the end of its head.
    public var headTimeout: UInt64 = 60_000_000_000
    /// From the connection to the end of PROXY header and TLS handshake.
    public var handshakeTimeout: UInt64 = 60_000_000_000
    /// Between two reads of a body.
    public var bodyTimeout: UInt64 = 60_000_000_000
    /// Between two writes that a slow reader takes.
    public var sendTimeout: UInt64 = 60_000_000_000
    /// Between the end of a response and the next request.
    public var keepAliveTimeout: UInt64 = 75_000_000_000
    /// Requests served on one connection before it closes; Kong's (nginx') default.
    public var requestsPerConnection = 10_000
    /// Open client connections of the process; more are closed at once and counted.
    public var maximumConnections = 16_384
    /// Bytes of a request body; 0: no limit of the connection.
    public var maximumBodyBytes = 0
    /// Bytes of an unread request body still read after the response, so that the connection can serve again.
    public var lingerBytes = 65_536
    /// How long a connection that is to be closed takes what the client still sends, so that the answer is not lost.
    public var lingerTimeout: UInt64 = 5_000_000_000
    public var http2 = HTTP2Limits()
    /// Peers that speak for clients; nil: none.
    public var trustedProxies: TrustedProxies?

    public init() {}
}
