public import GatewayWire
public import NIOCore

/// How long a response's content is, as written to the client.
public enum ResponseFraming: Sendable, Equatable {
    /// No content and no framing fields of ours (1xx, 204, 304, answers to HEAD keep what the fields say).
    case none
    /// Content-Length is in the fields or written from this number.
    case length(Int)
    /// The transport chooses: chunked, or closing the connection for an HTTP/1.0 client.
    case stream
}

/// One request and its response on the client's side. Used on the connection's event loop only, whatever the HTTP version.
public protocol DownstreamExchange: AnyObject {
    var head: HTTPRequestHead { get }
    var connection: ConnectionInfo { get }
    /// When the first byte of the head was read (``MonotonicClock`` nanoseconds).
    var startedAt: UInt64 { get }
    /// Bytes received and sent for this exchange so far, framing included.
    var requestBytes: Int { get }
    var responseBytes: Int { get }
    /// Whether the whole body is here already: then it can be taken without waiting.
    var isBodyComplete: Bool { get }
    /// Whether the response head was handed over.
    var hasResponded: Bool { get }

    /// The whole body where it is here already; nil: it has to be waited for, by ``collectBody(limit:)``.
    ///
    /// - Throws: ``DownstreamFailure/bodyTooLarge(limit:)`` for more than `limit` bytes, with nothing taken.
    func takeBody(limit: Int) throws(DownstreamFailure) -> ByteBuffer?
    /// The next bytes of the body, nil at its end. Sends 100 Continue first where the client waits for it.
    func readBody() async throws(DownstreamFailure) -> ByteBuffer?
    /// Why the body could not be read to its end, once ``readBody()`` has thrown; whoever was reading it.
    var bodyFailure: DownstreamFailure? { get }
    /// Trailers, once ``readBody()`` has returned nil.
    var trailers: HTTPFields? { get }

    /// Writes the response head: `fields` without those in `skipping`, then `lines`. What is left must not be hop-by-hop.
    func writeHead(status: Int, fields: HTTPFields, skipping: KnownFieldSet, lines: FieldLines?, framing: ResponseFraming)
    /// Writes content; small writes are collected until ``flush()``.
    ///
    /// - Returns: whether the client's side can take more; otherwise ``relieve()`` comes before the next write.
    func write(_ bytes: ByteBuffer) -> Bool
    /// Flushes and waits until the client's side can take more.
    ///
    /// - Throws: why it cannot.
    func relieve() async throws(DownstreamFailure)
    /// The upstream exchange that serves this one: cancelled at once when the client goes away.
    var servedBy: (any UpstreamExchange)? { get set }

    /// Hands collected bytes to the socket; called before waiting for an upstream.
    func flush()
    /// Ends the response.
    func finish(trailers: HTTPFields?)
    /// Ends the connection because the response cannot be completed; what the client has is recognisably truncated.
    func abort()
    var isClosed: Bool { get }

    /// Whether the connection can go over to another protocol after a 101 (RFC 9110 section 7.8); on HTTP/2 the stream after a 200 (RFC 8441).
    var canSwitchProtocols: Bool { get }
    /// The `Sec-WebSocket-Key` that the gateway chose, since the client's protocol has none (RFC 8441 section 5); nil: the client's own is in the fields, and the client checks the answer.
    var webSocketKey: String? { get }
    /// The next bytes of the other protocol, once a 101 is written.
    ///
    /// - Throws: why no more come.
    func readTunnel() async throws(DownstreamFailure) -> ByteBuffer
    /// Writes bytes of the other protocol, and returns when the client's side can take more.
    func writeTunnel(_ bytes: ByteBuffer) async throws(DownstreamFailure)
    /// Writes a few bytes of the other protocol without waiting: for frames of the gateway's own, which nobody waits with.
    func interject(_ bytes: ByteBuffer)
    /// Ends the connection after what was written; whoever reads from it is told.
    func endTunnel()
}

/// Exchanges whose bodies always are waited for.
extension DownstreamExchange {
    public func takeBody(limit: Int) throws(DownstreamFailure) -> ByteBuffer? { nil }
}

/// Exchanges that stay with HTTP.
extension DownstreamExchange {
    public var canSwitchProtocols: Bool { false }
    public var webSocketKey: String? { nil }
    public func readTunnel() async throws(DownstreamFailure) -> ByteBuffer { throw .closed }
    public func writeTunnel(_ bytes: ByteBuffer) async throws(DownstreamFailure) { throw .closed }
    public func interject(_ bytes: ByteBuffer) {}
    public func endTunnel() {}
}

extension DownstreamExchange {
    /// Writes the response head of a response of the gateway's own.
    public func writeHead(status: Int, fields: HTTPFields, framing: ResponseFraming) {
        self.writeHead(status: status, fields: fields, skipping: [], lines: nil, framing: framing)
    }

    /// Writes content and returns when the client's side can take more.
    public func writeBody(_ bytes: ByteBuffer) async throws(DownstreamFailure) {
        if !self.write(bytes) { try await self.relieve() }
    }

    /// The whole body in one buffer.
    ///
    /// - Throws: ``DownstreamFailure/bodyTooLarge(limit:)`` as soon as more than `limit` bytes, or than one buffer holds, are announced or seen.
    public func collectBody(limit: Int) async throws(DownstreamFailure) -> ByteBuffer {
        var whole = ByteBuffer()
        try await self.collectBody(limit: limit, into: &whole)
        return whole
    }

    /// The rest of the body behind what stands in a buffer already, which also has what came where this throws: bytes come from a client only once.
    ///
    /// - Throws: as ``collectBody(limit:)``; `limit` is of the whole.
    public func collectBody(limit: Int, into whole: inout ByteBuffer) async throws(DownstreamFailure) {
        let limit = min(limit, 1 << 31)
        if case .length(let length) = self.head.framing, length > limit { throw .bodyTooLarge(limit: limit) }
        if whole.readableBytes == 0 {
            guard let first = try await self.readBody() else { return }
            whole = first
        }
        guard whole.readableBytes <= limit else { throw .bodyTooLarge(limit: limit) }
        guard var next = try await self.readBody() else { return }
        if case .length(let length) = self.head.framing {
            // No more than has some chance to come: what is announced costs the client nothing.
            whole.reserveCapacity(min(length, max(2 << 20, whole.readableBytes + next.readableBytes)))
        }
        while true {
            whole.writeBuffer(&next)
            guard whole.readableBytes <= limit else { throw .bodyTooLarge(limit: limit) }
            guard let more = try await self.readBody() else { return }
            next = more
        }
    }
}
