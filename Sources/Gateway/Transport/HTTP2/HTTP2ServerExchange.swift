import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// One request and response on an HTTP/2 stream.
///
/// Byte counts are those of the fields before compression, as SETTINGS_MAX_HEADER_LIST_SIZE counts them, of the content and of nine bytes a frame.
final class HTTP2ServerExchange: DownstreamExchange {
    private enum ResponseState {
        case none
        case head(ResponseFraming)
        /// The stream speaks another protocol.
        case tunnel
        case finished
    }

    /// Content collected before a frame goes out without being asked; the size of frame every client takes (RFC 9113 section 4.2).
    private static let frameBytes = HTTP2.frameBytes

    private let stream: HTTP2ServerStream
    let head: HTTPRequestHead
    let connection: ConnectionInfo
    let startedAt: UInt64
    private(set) var requestBytes: Int
    private(set) var responseBytes = 0
    private(set) var bodyFailure: DownstreamFailure?
    private var bodyBytes = 0
    private var isContinuePending: Bool
    private var response = ResponseState.none
    /// Content that has not been sent: a piece as it came, or several in one buffer.
    private var output = ByteBuffer()
    private var isCollected = false
    private var isAbandoned = false

    init(stream: HTTP2ServerStream, head: HTTPRequestHead, info: ConnectionInfo, startedAt: UInt64, headBytes: Int) {
        self.stream = stream
        self.head = head
        self.connection = info
        self.startedAt = startedAt
        self.requestBytes = headBytes
        self.isContinuePending = head.expectsContinue
    }

    var isClosed: Bool { self.stream.failure != nil }

    var hasResponded: Bool {
        if case .none = self.response { return false }
        return true
    }

    var servedBy: (any UpstreamExchange)? {
        get { self.stream.servedBy }
        set { self.stream.servedBy = newValue }
    }

    // MARK: Request

    var isBodyComplete: Bool { self.stream.isInputEnded }

    var trailers: HTTPFields? { self.stream.trailers }

    func takeBody(limit: Int) throws(DownstreamFailure) -> ByteBuffer? {
        if let failure = self.bodyFailure { throw failure }
        guard self.stream.isInputEnded, self.bodyBytes == 0 else { return nil }
        guard self.stream.bufferedBytes <= limit else { throw .bodyTooLarge(limit: limit) }
        let maximum = self.stream.options.maximumBodyBytes
        if maximum > 0, self.stream.bufferedBytes > maximum {
            self.bodyFailure = .bodyTooLarge(limit: maximum)
            throw .bodyTooLarge(limit: maximum)
        }
        guard let bytes = self.stream.takeInput() else { return nil }
        self.requestBytes &+= bytes.readableBytes &+ 9
        self.bodyBytes = bytes.readableBytes
        return bytes
    }

    func readBody() async throws(DownstreamFailure) -> ByteBuffer? {
        if self.isContinuePending {
            self.isContinuePending = false
            if self.stream.bufferedBytes == 0, !self.stream.isInputEnded, !self.hasResponded {
                _ = self.stream.writeSection(isEnd: false) {
                    HTTP2ResponseFields.writeHead(status: 100, fields: HTTPFields(), skipping: [], lines: nil, contentLength: nil, into: &$0)
                }
                self.stream.flush()
            }
        }
        do throws(DownstreamFailure) {
            guard let bytes = try await self.stream.nextBody() else { return nil }
            self.requestBytes &+= bytes.readableBytes &+ 9
            self.bodyBytes &+= bytes.readableBytes
            let limit = self.stream.options.maximumBodyBytes
            if limit > 0, self.bodyBytes > limit { throw .bodyTooLarge(limit: limit) }
            return bytes
        } catch {
            self.bodyFailure = error
            throw error
        }
    }

    // MARK: Response

    func writeHead(status: Int, fields: HTTPFields, skipping: KnownFieldSet, lines: FieldLines?, framing: ResponseFraming) {
        guard case .none = self.response else { return }
        if status == 101, self.canSwitchProtocols {
            self.responseBytes &+= self.stream.writeSection(isEnd: false) {
                HTTP2ResponseFields.writeHead(status: 200, fields: fields, skipping: skipping, lines: lines, contentLength: nil, isTunnel: true, into: &$0)
            }
            self.response = .tunnel
            return
        }
        var length: Int?
        switch framing {
        case .length(let count): length = count
        case .stream: break
        case .none:
            // The length a HEAD or 304 answer announces is that of the representation, not of this message.
            if self.head.method == .head || status == 304 { length = fields.firstString(.contentLength).flatMap { Int($0) } }
        }
        let isEnd = framing == .none || framing == .length(0)
        self.responseBytes &+= self.stream.writeSection(isEnd: isEnd) {
            HTTP2ResponseFields.writeHead(status: status, fields: fields, skipping: skipping, lines: lines, contentLength: length, into: &$0)
        }
        self.response = isEnd ? .finished : .head(framing)
        if isEnd { self.stream.flush() }
    }

    func write(_ bytes: ByteBuffer) -> Bool {
        guard case .head = self.response, bytes.readableBytes > 0 else { return true }
        self.responseBytes &+= bytes.readableBytes
        if self.output.readableBytes > 0 {
            self.collect(bytes)
        } else if bytes.readableBytes >= HTTP2ServerExchange.frameBytes / 2 {
            self.send(bytes)
        } else if bytes.storageCapacity <= BufferStack.newBytes {
            // Nearly always nothing follows before the flush: the bytes are sent from where they lie, unless much that was read with them would have to wait with them.
            self.output = bytes
        } else {
            self.collect(bytes)
        }
        return self.stream.canTakeMore
    }

    private func collect(_ bytes: ByteBuffer) {
        if !self.isCollected {
            self.isCollected = true
            var collected = self.stream.buffers.take()
            collected.writeImmutableBuffer(self.output)
            swap(&collected, &self.output)
        }
        self.output.writeImmutableBuffer(bytes)
        if self.output.readableBytes >= HTTP2ServerExchange.frameBytes { self.sendOutput() }
    }

    private func send(_ bytes: ByteBuffer) {
        self.responseBytes &+= 9
        self.stream.send(bytes)
    }

    /// Hands the content to the stream, whose storage it then is: frames may wait for the client's window.
    private func sendOutput() {
        guard self.output.readableBytes > 0 else { return }
        self.send(self.takeOutput())
    }

    private func takeOutput() -> ByteBuffer {
        self.isCollected = false
        var output = ByteBuffer()
        swap(&output, &self.output)
        return output
    }

    func relieve() async throws(DownstreamFailure) {
        self.flush()
        try await self.stream.waitForWritability()
    }

    func flush() {
        self.sendOutput()
        self.stream.flush()
    }

    func finish(trailers: HTTPFields?) {
        guard case .head = self.response else { return }
        self.response = .finished
        if let trailers, !trailers.isEmpty {
            self.sendOutput()
            self.responseBytes &+= self.stream.sendTrailers(trailers)
        } else {
            self.responseBytes &+= 9
            self.stream.sendLast(self.takeOutput())
        }
        self.stream.flush()
    }

    func abort() { self.stream.fail(.closed) }

    // MARK: Another protocol

    /// No field of HTTP/2 is called Upgrade: it was an extended CONNECT.
    var canSwitchProtocols: Bool { self.head.fields.contains(.upgrade) }

    var webSocketKey: String? { self.canSwitchProtocols ? self.head.fields.firstString(name: "sec-websocket-key") : nil }

    func readTunnel() async throws(DownstreamFailure) -> ByteBuffer {
        let bytes = try await self.stream.nextTunnel { self.isAbandoned }
        self.requestBytes &+= bytes.readableBytes &+ 9
        return bytes
    }

    func writeTunnel(_ bytes: ByteBuffer) async throws(DownstreamFailure) {
        if let failure = self.stream.failure { throw failure }
        self.interject(bytes)
        try await self.stream.waitForWritability()
    }

    func interject(_ bytes: ByteBuffer) {
        guard case .tunnel = self.response else { return }
        self.responseBytes &+= bytes.readableBytes
        self.send(bytes)
        self.stream.flush()
    }

    func endTunnel() {
        guard case .tunnel = self.response else { return }
        self.isAbandoned = true
        self.response = .finished
        self.stream.sendLast(ByteBuffer())
        self.stream.flush()
        self.stream.interruptReader()
    }
}
