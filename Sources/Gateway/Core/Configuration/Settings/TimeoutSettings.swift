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
    /// How often both sides of a WebSocket session are pinged by the gateway; one that does not answer, nor send anything else, until the next is ended with 1011. Default 0: never;
    /// else 1 to 3,600. Pings also keep a session from ending by the service's `read_timeout`.
    public let webSocketPingSeconds: Double

    public init(from node: inout ConfigurationNode) {
        self.headerSeconds = node.number("header_seconds", default: 10, in: 0.1...600)
        self.bodySeconds = node.number("body_seconds", default: 60, in: 0.1...3_600)
        self.idleKeepAliveSeconds = node.number("idle_keepalive_seconds", default: 75, in: 0...3_600)
        self.writeSeconds = node.number("write_seconds", default: 60, in: 0.1...3_600)
        self.handshakeSeconds = node.number("handshake_seconds", default: 10, in: 0.1...600)
        let ping = node.number("websocket_ping_seconds", default: 0, in: 0...3_600)
        if ping > 0, ping < 1 { node.report("must be 0 or at least 1", at: "websocket_ping_seconds") }
        self.webSocketPingSeconds = ping
    }
}
