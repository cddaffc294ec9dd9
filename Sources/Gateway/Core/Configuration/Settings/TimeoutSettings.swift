/// `_pellucid.timeouts`: how long a client may take; those of upstreams stand in services.
public struct TimeoutSettings: GatewayConfiguration, Hashable {
    /// From the first byte of a request to the end of its header. Default 10, 0.1 to 600.
    public let headerSeconds: Double
    /// Between two reads of a body. Default 60, 0.1 to 3,600.
    public let bodySeconds: Double
    /// An idle connection between requests. Default 75, 0 to 3,600; 0 closes after each response.
    public let idleKeepAliveSeconds: Double
    /// Between two writes a client accepts. Default 60, 0.1 to 3,600.
    public let writeSeconds: Double
    /// From the connection to the end of its PROXY header and TLS handshake. Default 10, 0.1 to 600.
    public let handshakeSeconds: Double

    public init(from node: inout ConfigurationNode) {
        self.headerSeconds = node.number("header_seconds", default: 10, in: 0.1...600)
        self.bodySeconds = node.number("body_seconds", default: 60, in: 0.1...3_600)
        self.idleKeepAliveSeconds = node.number("idle_keepalive_seconds", default: 75, in: 0...3_600)
        self.writeSeconds = node.number("write_seconds", default: 60, in: 0.1...3_600)
        self.handshakeSeconds = node.number("handshake_seconds", default: 10, in: 0.1...600)
    }
}
