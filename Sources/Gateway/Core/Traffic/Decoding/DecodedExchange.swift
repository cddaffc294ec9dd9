import GatewayWire
import NIOCore

/// An upstream's answer without its content coding.
final class DecodedExchange: UpstreamExchange {
    private let inner: any UpstreamExchange
    private let decoder: any ContentDecoder
    private var pending = ByteBuffer() {
        didSet { self.isEmpty = self.isEmpty && self.pending.readableBytes == 0 }
    }
    /// A response without any content has no coding to be broken.
    private var isEmpty = true

    init(_ inner: any UpstreamExchange, _ decoder: any ContentDecoder) {
        self.inner = inner
        self.decoder = decoder
    }

    var isConnectionReused: Bool { self.inner.isConnectionReused }
    var peerAddress: String { self.inner.peerAddress }
    var connectedAt: UInt64 { self.inner.connectedAt }
    var sentAt: UInt64 { self.inner.sentAt }
    var requestBytes: Int { self.inner.requestBytes }
    var responseBytes: Int { self.inner.responseBytes }
    var trailers: HTTPFields? { self.inner.trailers }
    func readHead() async throws(UpstreamFailure) -> HTTPResponseHead { try await self.inner.readHead() }
    func cancel() { self.inner.cancel() }

    func readBody() async throws(UpstreamFailure) -> ByteBuffer? {
        while true {
            if let piece = try self.decode() { return piece }
            guard let more = try await self.inner.readBody() else { return try self.end() }
            self.pending = more
        }
    }

    func pollBody() throws(UpstreamFailure) -> BodyPoll {
        while true {
            if let piece = try self.decode() { return .bytes(piece) }
            switch try self.inner.pollBody() {
            case .bytes(let more): self.pending = more
            case .pending: return .pending
            case .end:
                _ = try self.end()
                return .end
            }
        }
    }

    private func decode() throws(UpstreamFailure) -> ByteBuffer? {
        do throws(ContentDecodingFailure) { return try self.decoder.decode(&self.pending) } catch {
            self.inner.cancel()
            throw .malformed(code: "content_coding_invalid")
        }
    }

    private func end() throws(UpstreamFailure) -> ByteBuffer? {
        guard self.decoder.isComplete || self.isEmpty else { throw .malformed(code: "content_coding_truncated") }
        return nil
    }
}

extension HTTPResponseHead {
    /// The head of the same answer without its content coding, whose length nobody knows; its entity tag becomes a weak one (RFC 9110 section 8.8.1).
    func decoded() -> HTTPResponseHead {
        var fields = self.fields
        fields.remove(name: "content-encoding")
        fields.remove(name: "content-length")
        if let tag = fields.firstString(name: "etag"), !tag.hasPrefix("W/") { _ = fields.replace(name: "ETag", "W/" + tag) }
        return HTTPResponseHead(
            status: self.status, reason: self.reason, version: self.version, fields: fields, framing: self.framing == .none ? .none : .chunked, keepAlive: self.keepAlive)
    }
}
