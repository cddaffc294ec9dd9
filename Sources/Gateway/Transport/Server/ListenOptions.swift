/// What a listener speaks and how its sockets are set up: the words behind an address in Kong's `proxy_listen`.
public struct ListenOptions: Sendable, Equatable {
    /// TLS on every connection (`ssl`).
    public var isTLS = false
    /// HTTP/2 beside HTTP/1.1 (`http2`): by ALPN over TLS, by prior knowledge in plaintext (RFC 9113 section 3.3).
    public var allowsHTTP2 = false
    /// A PROXY header before everything else (`proxy_protocol`).
    public var readsProxyHeader = false
    /// One listening socket an event loop, among which the kernel spreads connections (`reuseport`).
    public var reusesPort = false
    /// Connections the kernel accepts ahead (`backlog=`).
    public var backlog: Int32 = 4096
    /// Whether the kernel waits for the first bytes (`deferred`).
    public var defersAccept = false
    /// TCP keep-alive probes (`so_keepalive=`); nil leaves it to the system.
    public var keepsAlive: Bool?

    public init() {}
}
