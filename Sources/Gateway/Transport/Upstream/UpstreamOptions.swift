public import GatewayCore
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
    /// Connections to one endpoint on one loop, idle and busy; a request that finds all busy waits as long as it may take to connect. 0: no limit.
    public var connectionsPerEndpoint = 0
    /// How names become addresses; nil: the system's resolver, which has threads of its own and no cache.
    public var resolver: DNSResolver?
    /// Forward proxies of the environment.
    public var proxies = UpstreamProxies()
    /// PEM file of additional trusted certificates; nil: the system's.
    public var trustedCertificatesPath: String?

    /// PEM of the certificate, with its key, shown to upstreams whose service names none; Kong's `client_ssl`.
    public var clientCertificate: (certificate: String, key: String)?

    public init() {}
}
