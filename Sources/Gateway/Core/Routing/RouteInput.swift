/// What of a request decides its route, as borrowed bytes: valid only while the caller holds them.
public struct RouteInput {
    /// `GET`, `POST`, …
    public var method: UnsafeRawBufferPointer
    /// The Host header as sent (or `:authority`); empty when there is none.
    public var host: UnsafeRawBufferPointer
    /// The path without query, normalised with ``PathNormalizer``.
    public var path: UnsafeRawBufferPointer
    /// Whether the request came over TLS, to the gateway or to a proxy it trusts.
    public var isSecure: Bool
    /// The server name of the TLS handshake.
    public var serverName: UnsafeRawBufferPointer?
    /// Port the client connected to; counts when the Host header has none.
    public var port: Int

    /// The parts of a request.
    public init(
        method: UnsafeRawBufferPointer, host: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer, isSecure: Bool,
        serverName: UnsafeRawBufferPointer? = nil, port: Int
    ) {
        self.method = method
        self.host = host
        self.path = path
        self.isSecure = isSecure
        self.serverName = serverName
        self.port = port
    }
}
