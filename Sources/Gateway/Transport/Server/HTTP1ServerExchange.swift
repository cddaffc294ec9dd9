import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// One request and response on an HTTP/1.1 client connection.
final class HTTP1ServerExchange: DownstreamExchange {
    private enum BodyState {
        case unread(isContinuePending: Bool)
        case ended
    }

    private enum ResponseState {
        case none
        case head(ResponseFraming, isChunked: Bool)
        case finished
    }

    private let transport: HTTP1ServerConnection
    let head: HTTPRequestHead
    let connection: ConnectionInfo
    let startedAt: UInt64
    private(set) var requestBytes: Int
    private(set) var responseBytes = 0
    private(set) var trailers: HTTPFields?
    private(set) var bodyFailure: DownstreamFailure?
    private var body: BodyState
    private var response = ResponseState.none
    private var isAbandoned = false
    private var mayPersist: Bool
    private var bodyBytes = 0
    var servedBy: (any UpstreamExchange)? {
        get { self.transport.servedBy }
        set { self.transport.servedBy = newValue }
    }

    init(connection: HTTP1ServerConnection, head: HTTPRequestHead, info: ConnectionInfo, startedAt: UInt64, headBytes: Int, mayPersist: Bool) {
        self.transport = connection
        self.head = head
        self.connection = info
        self.startedAt = startedAt
        self.requestBytes = headBytes
        self.mayPersist = mayPersist
        self.body = .unread(isContinuePending: head.expectsContinue)
    }

    var isClosed: Bool { self.transport.failure != nil }

    /// Whether the request has been read to its end.
    var isBodyEnded: Bool {
        if case .ended = self.body { return true }
        return self.head.framing == .none
    }

    /// Whether what is left of the request will not be read after the answer: too much, or a client that waits for 100 Continue and may or may not begin now.
    private var isBodyGivenUp: Bool {
        guard case .unread(let isContinuePending) = self.body else { return false }
        switch self.head.framing {
        case .none: return false
        case .length(let length): return isContinuePending || length &- self.bodyBytes > self.transport.bufferedBytes &+ self.transport.options.lingerBytes
        case .chunked: return isContinuePending
        }
    }

    var hasResponded: Bool {
        if case .none = self.response { return false }
        return true
    }

    // MARK: Request

    var isBodyComplete: Bool {
        if case .ended = self.body { return true }
        switch self.head.framing {
        case .none: return true
        case .length(let length): return self.transport.bufferedBytes >= length
        case .chunked: return false
        }
    }

    func takeBody(limit: Int) throws(DownstreamFailure) -> ByteBuffer? {
        if let failure = self.bodyFailure { throw failure }
        // Only a body that has been announced with its length: of others the end is seen when it is read.
        guard case .unread = self.body, case .length(let length) = self.head.framing, self.transport.bufferedBytes >= length, !self.isAbandoned else { return nil }
        guard length <= limit else { throw .bodyTooLarge(limit: limit) }
        do throws(DownstreamFailure) {
            var whole = ByteBuffer()
            while let event = try self.transport.bufferedEvent() {
                guard var bytes = try self.take(event) else { return whole }
                if whole.readableBytes == 0 { whole = bytes } else { whole.writeBuffer(&bytes) }
            }
            throw .closed
        } catch {
            self.bodyFailure = error
            throw error
        }
    }

    func readBody() async throws(DownstreamFailure) -> ByteBuffer? {
        do throws(DownstreamFailure) { return try await self.readEvent() } catch {
            self.bodyFailure = error
            throw error
        }
    }

    private func readEvent() async throws(DownstreamFailure) -> ByteBuffer? {
        guard case .unread(let isContinuePending) = self.body else { return nil }
        if isContinuePending, !self.transport.hasInput, !self.hasResponded, self.head.framing != .none {
            self.transport.withOutput { $0.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n") }
            self.transport.flushOutput()
        }
        if isContinuePending { self.body = .unread(isContinuePending: false) }
        return try self.take(try await self.transport.nextEvent(timeout: self.transport.options.bodyTimeout, isAbandoned: { self.isAbandoned }))
    }

    /// What an event adds to the body; nil: that was its end.
    private func take(_ event: HTTPRequestEvent) throws(DownstreamFailure) -> ByteBuffer? {
        switch event {
        case .body(let bytes):
            self.requestBytes &+= bytes.readableBytes
            self.bodyBytes &+= bytes.readableBytes
            let limit = self.transport.options.maximumBodyBytes
            if limit > 0, self.bodyBytes > limit { throw .bodyTooLarge(limit: limit) }
            return bytes
        case .end(let trailers):
            self.body = .ended
            self.trailers = trailers
            return nil
        case .head:
            // The parser reports a head only after an end.
            throw .closed
        }
    }

    // MARK: Response

    func writeHead(status: Int, fields: HTTPFields, skipping: KnownFieldSet, lines: FieldLines?, framing: ResponseFraming) {
        guard case .none = self.response else { return }
        var isChunked = false
        // What ends the connection is said (RFC 9112 section 9.6).
        self.mayPersist = self.mayPersist && !self.transport.loop.isDraining && !self.isBodyGivenUp
        let room = fields.writtenBound &+ (lines?.count ?? 0) &+ HeadWriter.fixedRoom
        self.transport.withOutput { out in
            self.responseBytes &+= out.writeHead(room: room) { out in
                out.statusLine(status)
                out.put(fields, skipping: skipping.union([.contentLength, .transferEncoding, .connection]))
                if let lines { out.put(lines) }
                switch framing {
                case .length(let length):
                    out.put("Content-Length: " as StaticString)
                    out.put(decimal: length)
                    out.put("\r\n" as StaticString)
                case .stream:
                    if self.head.version == .http11 {
                        isChunked = true
                        out.put("Transfer-Encoding: chunked\r\n" as StaticString)
                    } else {
                        self.mayPersist = false
                    }
                case .none:
                    // The length a HEAD or 304 answer announces is that of the representation, not of this message.
                    if let length = fields.first(.contentLength), self.head.method == .head || status == 304 {
                        out.put("Content-Length: " as StaticString)
                        length.withUnsafeBytes { out.put($0) }
                        out.put("\r\n" as StaticString)
                    }
                }
                // Upgrade is for this connection only, which has to be said (RFC 9110 section 7.8).
                if status == 426, fields.knownNames.contains(.upgrade) { out.put("Connection: Upgrade\r\n" as StaticString) }
                if status == 101 {
                    // The lines say what the connection becomes.
                    out.put("\r\n" as StaticString)
                } else if !self.mayPersist {
                    out.put("Connection: close\r\n\r\n" as StaticString)
                } else if self.head.version == .http10 {
                    out.put("Connection: keep-alive\r\n\r\n" as StaticString)
                } else {
                    out.put("\r\n" as StaticString)
                }
            }
        }
        self.response = .head(framing, isChunked: isChunked)
    }

    func write(_ bytes: ByteBuffer) -> Bool {
        guard case .head(let framing, let isChunked) = self.response, framing != .none, bytes.readableBytes > 0 else { return true }
        if isChunked {
            self.transport.withOutput { HTTPWriter.chunkHeader(bytes.readableBytes, into: &$0) }
            self.transport.append(bytes)
            self.transport.withOutput { $0.writeStaticString("\r\n") }
        } else {
            self.transport.append(bytes)
        }
        self.responseBytes &+= bytes.readableBytes
        return self.transport.canTakeMore()
    }

    func relieve() async throws(DownstreamFailure) { try await self.transport.relieve() }

    func flush() { self.transport.flushOutput() }

    func finish(trailers: HTTPFields?) {
        guard case .head(_, let isChunked) = self.response else { return }
        if isChunked { self.transport.withOutput { HTTPWriter.lastChunk(trailers: trailers, into: &$0) } }
        self.response = .finished
        self.transport.flushOutput()
    }

    func abort() {
        self.mayPersist = false
        self.transport.forceClose(.closed)
    }

    /// Settles what is left after the response; true when the connection can serve another request.
    func conclude() async -> Bool {
        guard case .finished = self.response, self.mayPersist, !self.isClosed else {
            self.isAbandoned = true
            self.transport.interruptReader()
            return false
        }
        if case .ended = self.body { return true }
        // Who still passes the body on (the upstream answered before its end) must not wait beside this task.
        self.isAbandoned = true
        self.transport.interruptReader()
        // A client that waits for 100 Continue has sent nothing and may or may not begin now: the framing of what follows is unknowable.
        if case .unread(isContinuePending: true) = self.body, self.head.framing != .none { return false }
        var budget = self.transport.options.lingerBytes
        while budget >= 0 {
            do throws(DownstreamFailure) {
                guard let bytes = try self.take(try await self.transport.nextEvent(timeout: self.transport.options.bodyTimeout)) else { return true }
                budget -= bytes.readableBytes
            } catch {
                return false
            }
        }
        return false
    }

    // MARK: Another protocol

    var canSwitchProtocols: Bool { self.head.version == .http11 }

    func readTunnel() async throws(DownstreamFailure) -> ByteBuffer {
        let bytes = try await self.transport.nextBytes { self.isAbandoned }
        self.requestBytes &+= bytes.readableBytes
        return bytes
    }

    func writeTunnel(_ bytes: ByteBuffer) async throws(DownstreamFailure) {
        if let failure = self.transport.failure { throw failure }
        self.responseBytes &+= bytes.readableBytes
        self.transport.append(bytes)
        try await self.transport.relieve()
    }

    func interject(_ bytes: ByteBuffer) {
        guard self.transport.failure == nil else { return }
        self.responseBytes &+= bytes.readableBytes
        self.transport.append(bytes)
        self.transport.flushOutput()
    }

    func endTunnel() {
        self.isAbandoned = true
        self.mayPersist = false
        self.transport.flushOutput()
        self.transport.interruptReader()
    }
}
