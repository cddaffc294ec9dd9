public import NIOCore

/// The status line and fields of one response, with what they mean for the connection. Never changes once read, and is shared by everything that serves the exchange.
public final class HTTPResponseHead: Sendable {
    /// The status code, 100...999.
    public let status: Int
    /// The reason phrase as sent, possibly empty. It carries no meaning (RFC 9112 section 4).
    public let reason: ByteBuffer
    /// The version of the sender.
    public let version: HTTPVersion
    /// The header fields as received.
    public let fields: HTTPFields
    /// How the content is framed.
    public let framing: HTTPResponseFraming
    /// Whether the connection persists after the exchange (RFC 9112 section 9.3).
    public let keepAlive: Bool

    /// A head of our own making.
    public init(
        status: Int, reason: consuming ByteBuffer = ByteBuffer(), version: HTTPVersion = .http11, fields: consuming HTTPFields = HTTPFields(),
        framing: HTTPResponseFraming = .none, keepAlive: Bool = true
    ) {
        self.status = status
        self.reason = reason
        self.version = version
        self.fields = fields
        self.framing = framing
        self.keepAlive = keepAlive
    }

    /// Whether the status is 1xx: another head follows on the same request, unless it is 101.
    public var isInformational: Bool { status < 200 }
}
