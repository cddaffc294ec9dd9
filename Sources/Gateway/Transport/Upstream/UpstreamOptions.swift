public import GatewayWire

/// Settings of the upstream connections of one loop.
public struct UpstreamOptions: Sendable {
    public var http = HTTPLimits()
    /// Idle connections kept for one endpoint on one loop; Kong's `upstream_keepalive_pool_size` is per worker too.
    public var idleConnectionsPerEndpoint = 512
    /// How long an idle connection is kept, nanoseconds; Kong's `upstream_keepalive_idle_timeout`.
    public var idleTimeout: UInt64 = 60_000_000_000
    /// Requests sent on one connection before it closes; Kong's `upstream_keepalive_max_requests`.
    public var requestsPerConnection = 10_000
    /// PEM file of additional trusted certificates; nil: the system's.
    public var trustedCertificatesPath: String?

    public init() {}
}
