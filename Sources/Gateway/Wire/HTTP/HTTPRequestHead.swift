public import NIOCore

/// The request line and fields of one request, with what they mean for the connection. Never changes once read, and is shared by everything that serves the exchange.
public final class HTTPRequestHead: Sendable {
    /// The method.
    public let method: HTTPMethod
    /// The target.
    public let target: HTTPTarget
    /// The version of the sender.
    public let version: HTTPVersion
    /// The header fields as received.
    public let fields: HTTPFields
    /// How the content is framed.
    public let framing: HTTPRequestFraming
    /// Whether the connection persists after the exchange (RFC 9112 section 9.3).
    public let keepAlive: Bool
    /// Whether the client waits for a 100 (RFC 9110 section 10.1.1).
    public let expectsContinue: Bool
    /// Whether the client asks to change the protocol: Upgrade, nominated by Connection, in HTTP/1.1 (RFC 9110 section 7.8).
    public let upgradeRequested: Bool
    /// Whether an absolute-form target names another authority than Host. The target wins (RFC 9112 section 3.2.2), and Host has to be replaced when forwarding.
    public let authorityMismatch: Bool

    /// A head of our own making.
    public init(
        method: HTTPMethod, target: consuming HTTPTarget, version: HTTPVersion = .http11, fields: consuming HTTPFields = HTTPFields(), framing: HTTPRequestFraming = .none,
        keepAlive: Bool = true, expectsContinue: Bool = false, upgradeRequested: Bool = false, authorityMismatch: Bool = false
    ) {
        self.method = method
        self.version = version
        self.framing = framing
        self.keepAlive = keepAlive
        self.expectsContinue = expectsContinue
        self.upgradeRequested = upgradeRequested
        self.authorityMismatch = authorityMismatch
        // Asked for several times a request: looked at once.
        let authority = target.authority ?? fields.first(.host)
        let parts = authority.flatMap(HTTPRequestHead.parse)
        self.authority = authority
        self.host = parts.flatMap { parts in authority.map { $0[$0.startIndex..<($0.startIndex + parts.hostLength)] } }
        self.port = parts?.port
        self.target = target
        self.fields = fields
    }

    /// The effective authority: that of the target, else Host; nil for an HTTP/1.0 request without Host.
    public let authority: ByteBufferView?
    /// The host of the effective authority without its port; IPv6 literals keep their brackets.
    public let host: ByteBufferView?
    /// The port the effective authority names, or nil when it names none.
    public let port: Int?

    private static func parse(_ authority: ByteBufferView) -> HTTPAuthority.Parts? {
        authority.withUnsafeBytes { raw in
            raw.baseAddress.flatMap { HTTPAuthority.parse($0.assumingMemoryBound(to: UInt8.self), count: raw.count) }
        }
    }
}
