/// `_pellucid.limits`: what a client may send at most.
public struct LimitSettings: GatewayConfiguration, Hashable {
    /// Request line. Default 16 KiB, 1 KiB to 1 MiB.
    public let requestLineBytes: Int
    /// All header fields together. Default 64 KiB, 1 KiB to 8 MiB.
    public let headerBytes: Int
    /// Number of header fields. Default 200, 10 to 10,000.
    public let headerCount: Int
    /// Body of a request. Default 0: none, as in Kong, since bodies are streamed; what plugins read has limits of their own.
    public let bodyBytes: Int
    /// Connections of clients at once. Default 16,384.
    public let connections: Int
    /// Connections of one client address at once. Default 0, which is no limit.
    public let connectionsPerClient: Int
    /// Requests on one connection before it is closed. Default 10,000; 0 is no limit.
    public let requestsPerConnection: Int
    /// Connections to one upstream at once, divided among the event loops; a request that finds all busy waits as long as it may take to connect. Default 0: no limit.
    public let upstreamConnections: Int
    /// Payload of one WebSocket message, in either direction. Default 16 MiB; 0 is no limit.
    public let webSocketMessageBytes: Int

    /// Most of a request's body that is held in memory before the upstream is asked, on routes with `request_buffering: true`; a longer one is passed on as it comes from there on.
    /// Default 1 MiB; 0 to 1 GiB. Kong holds 8 KiB in memory and the rest in a file (`nginx_http_client_body_buffer_size`).
    public let requestBufferBytes: Int
    /// Most of a response's content that is held before the client gets the first of it, on routes with `response_buffering: true`. Default 64 KiB, as nginx' `proxy_buffers`; 0 to 1 GiB.
    public let responseBufferBytes: Int

    /// Every default.
    public static let defaults = PellucidSettings.defaults.limits

    public init(from node: inout ConfigurationNode) {
        self.requestLineBytes = node.int("request_line_bytes", default: 16_384, in: 1_024...1_048_576)
        self.headerBytes = node.int("header_bytes", default: 65_536, in: 1_024...8_388_608)
        self.headerCount = node.int("header_count", default: 200, in: 10...10_000)
        self.bodyBytes = node.int("body_bytes", default: 0, in: 0...(1 << 50))
        node.warnWithoutEffect("connections_per_client")
        self.connections = node.int("connections", default: 16_384, in: 1...1_000_000)
        self.connectionsPerClient = node.int("connections_per_client", default: 0, in: 0...1_000_000)
        self.webSocketMessageBytes = node.int("websocket_message_bytes", default: 16_777_216, in: 0...(1 << 40))
        self.requestBufferBytes = node.int("request_buffer_bytes", default: 1_048_576, in: 0...(1 << 30))
        self.responseBufferBytes = node.int("response_buffer_bytes", default: 65_536, in: 0...(1 << 30))
        self.upstreamConnections = node.int("upstream_connections", default: 0, in: 0...1_000_000)
        self.requestsPerConnection = node.int("requests_per_connection", default: 10_000, in: 0...1_000_000_000)
    }
}
