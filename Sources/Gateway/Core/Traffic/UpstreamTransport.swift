public import GatewayWire
public import NIOCore
public import Telemetry

/// What a request to an upstream carries as content.
public enum UpstreamBody {
    case none
    case bytes(ByteBuffer)
    /// Passed on from the client as it arrives, framed as given, behind what of it was read already.
    case stream(any DownstreamExchange, HTTPRequestFraming, begun: ByteBuffer = ByteBuffer())
}

/// A request as it is to be sent, complete but for the framing that the transport adds. Not copyable by accident: what another attempt needs is a ``copy()``.
public struct UpstreamRequest: ~Copyable {
    public var endpoint: UpstreamEndpoint
    public var method: HTTPMethod
    /// Path and query, from "/" on, as on the request line.
    public var target: ByteBuffer
    /// All fields but Host and framing; hop-by-hop fields must be gone.
    public var fields: HTTPFields
    /// Names in `fields` not to be sent.
    public var skipped: KnownFieldSet
    /// Lines sent besides `fields`.
    public var lines: FieldLines
    /// Sent as `traceparent`.
    public var trace: TraceContext?
    /// Lines of trace context in other formats, sent besides `lines`; they differ from attempt to attempt.
    public var traceLines: FieldLines?
    public var host: String
    public var body: UpstreamBody
    public var timeouts: UpstreamTimeouts
    /// Signs each attempt, or adds a token; nil: what the fields hold is enough.
    public var authorizer: (any UpstreamAuthorizer)?

    public init(
        endpoint: UpstreamEndpoint, method: HTTPMethod, target: ByteBuffer, fields: HTTPFields, skipped: KnownFieldSet = [], lines: FieldLines = FieldLines(), host: String, body: UpstreamBody,
        timeouts: UpstreamTimeouts
    ) {
        self.endpoint = endpoint
        self.method = method
        self.target = target
        self.fields = fields
        self.skipped = skipped
        self.lines = lines
        self.host = host
        self.body = body
        self.timeouts = timeouts
    }

    /// Lets go of what is only needed until the request is answered.
    mutating func release() {
        self.body = .none
        self.fields = HTTPFields()
        self.lines = FieldLines()
        self.traceLines = nil
    }

    /// The same request once more.
    public func copy() -> UpstreamRequest {
        var copy = UpstreamRequest(
            endpoint: self.endpoint, method: self.method, target: self.target, fields: self.fields, skipped: self.skipped, lines: self.lines, host: self.host, body: self.body,
            timeouts: self.timeouts)
        copy.trace = self.trace
        copy.authorizer = self.authorizer
        return copy
    }
}

/// A request to an upstream with an address of its own: what waits for an answer holds a reference, where it would hold the request in every frame of its task.
final class PreparedRequest {
    var value: UpstreamRequest

    init(_ value: consuming UpstreamRequest) { self.value = value }

    @inline(never)
    func copy() -> PreparedRequest { PreparedRequest(self.value.copy()) }
}

/// What there is of a content now.
public enum BodyPoll {
    case bytes(ByteBuffer)
    case end
    /// Nothing yet.
    case pending
}

/// One request and its response on the upstream's side. Used on one event loop only.
public protocol UpstreamExchange: AnyObject {
    var isConnectionReused: Bool { get }
    /// Numeric address of the upstream.
    var peerAddress: String { get }
    /// When the connection was ready and when the request's last byte was handed over (``MonotonicClock`` nanoseconds; 0 = not yet).
    var connectedAt: UInt64 { get }
    var sentAt: UInt64 { get }
    var requestBytes: Int { get }
    var responseBytes: Int { get }
    /// The response head; informational heads are skipped.
    func readHead() async throws(UpstreamFailure) -> HTTPResponseHead
    /// The next bytes of the content, nil at its end.
    func readBody() async throws(UpstreamFailure) -> ByteBuffer?
    /// What ``readBody()`` would return without waiting: an asynchronous call costs more than most of what it returns.
    func pollBody() throws(UpstreamFailure) -> BodyPoll
    var trailers: HTTPFields? { get }
    /// Ends the exchange early; the connection is closed. Nothing happens after a complete exchange.
    func cancel()

    /// After a head with status 101: the next bytes of the other protocol, nil at the connection's end. The time to read counts from the last byte in either direction.
    func readTunnel() async throws(UpstreamFailure) -> ByteBuffer?
    /// Writes bytes of the other protocol, and returns when the upstream can take more.
    func writeTunnel(_ bytes: ByteBuffer) async throws(UpstreamFailure)
    /// Writes a few bytes of the other protocol without waiting: for frames of the gateway's own, which nobody waits with.
    func interject(_ bytes: ByteBuffer)
}

/// Exchanges that stay with HTTP.
extension UpstreamExchange {
    public func readTunnel() async throws(UpstreamFailure) -> ByteBuffer? { throw .cancelled }
    public func writeTunnel(_ bytes: ByteBuffer) async throws(UpstreamFailure) { throw .cancelled }
    public func interject(_ bytes: ByteBuffer) {}
}

/// Sends requests to upstreams over the loop's own connections.
public protocol UpstreamTransport: AnyObject {
    /// Takes or opens a connection and sends the request (a stream body goes on being sent meanwhile).
    func send(_ request: borrowing UpstreamRequest) async throws(UpstreamFailure) -> any UpstreamExchange
}
