/// One HTTP request of the ``SideClient``.
public struct SideRequest: Sendable {
    /// `GET`, `POST`, …
    public var method: String
    /// Absolute `http` or `https` URL. Redirects are not followed.
    public var url: String
    /// Sent in this order. Values may be secret: they never appear in a log or an error.
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    /// Time to a usable connection (name, TCP, TLS), milliseconds; 0 leaves it to the total.
    public var connectTimeoutMilliseconds: Int
    /// Time from the start to the last byte of the response, milliseconds; 0 means no limit.
    public var totalTimeoutMilliseconds: Int
    /// Largest response body; a longer one fails with ``SideFailure/Code/responseTooLarge``.
    public var maximumResponseBytes: Int
    public var tls: SideTLSOptions
    /// Proxy URL; nil takes the environment's (`https_proxy`, `no_proxy`, …), empty means none.
    public var proxy: String?
    /// Which addresses may be connected to; nil: all.
    public var addressRule: SideAddressRule?

    public init(
        method: String = "GET", url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [], connectTimeoutMilliseconds: Int = 5000,
        totalTimeoutMilliseconds: Int = 30_000, maximumResponseBytes: Int = 4 << 20, tls: SideTLSOptions = SideTLSOptions(), proxy: String? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
        self.totalTimeoutMilliseconds = totalTimeoutMilliseconds
        self.maximumResponseBytes = maximumResponseBytes
        self.tls = tls
        self.proxy = proxy
    }
}
