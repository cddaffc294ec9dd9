/// Settings of name resolution: Kong's `dns_*` and `resolver_*`. Seconds where a name says so.
public struct DNSOptions: Sendable, Equatable {
    /// `host[:port]` of name servers; empty: the system's.
    public var servers: [String] = []
    /// Another hosts file; nil: the system's.
    public var hostsFile: String?
    /// How long answers are kept, instead of their own time to live; nil: their own.
    public var validSeconds: Double?
    /// How long an answer serves beyond its time while a new one is asked for. Kong: `dns_stale_ttl`.
    public var staleSeconds: Double = 3_600
    /// How long it is remembered that a name does not exist. Kong: `dns_not_found_ttl`.
    public var notFoundSeconds: Double = 30
    /// How long another failure is remembered. Kong: `dns_error_ttl`.
    public var errorSeconds: Double = 1
    /// Whether SRV records are asked for before addresses; names that begin with an underscore always are.
    public var asksForServiceRecords = false
    public var asksForIPv4 = true
    public var asksForIPv6 = true
    /// Of one query.
    public var timeoutMilliseconds = 2_000
    public var tries = 2

    public init() {}
}
