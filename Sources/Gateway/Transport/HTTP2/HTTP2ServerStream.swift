import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// One HTTP/2 stream: keeps what of the request nobody has read yet, and what of the response the client's windows do not let through.
///
/// Both are bounded: the former by the window that the stream gives and widens only as its reader reads, the latter by whoever writes waiting for ``isWritable``.
final class HTTP2ServerStream: TimeoutTarget, @unchecked Sendable {
    // Unchecked: confined to its event loop; the serving task runs on the loop's executor.
    let id: UInt32
    let connection: HTTP2ServerConnection
    private let loop: DataLoop
    private var task: StreamTask?

    // The request.
    private var input = BufferQueue()
    private(set) var bufferedBytes = 0
    private var receivedBytes = 0
    /// Bytes of the window that the client has used and not got back.
    private var usedWindow = 0
    /// The part of them that was read, or was padding.
    private var readWindow = 0
    /// The request's Content-Length.
    private var announcedBytes: Int?
    private(set) var isInputEnded: Bool
    private(set) var trailers: HTTPFields?
    private(set) var failure: DownstreamFailure?
    private var isReadOverdue = false
    private var reader = LoopWaiter()

    // The response.
    /// Content that has not been written; an empty buffer at the end is the end of the stream alone.
    private var pending = BufferQueue()
    private(set) var pendingBytes = 0
    private var pendingTrailers: HTTPFields?
    /// What the client lets this stream send; negative after it took back some.
    private(set) var sendWindow: Int
    /// Whether it waits for the connection's window.
    var isBlocked = false
    private var isOutputEnded = false
    /// Whether the last frame is written.
    private var isOutputSent = false
    private var writer = LoopWaiter()

    /// Whether the exchange is over, and the client only has to take what is left of the response.
    private var isConcluded = false
    private var isClosed = false
    var servedBy: (any UpstreamExchange)?

    private var deadlines = WaitDeadlines()
    var deadline: UInt64 { self.deadlines.next }
    var timerSlot = -1

    init(id: UInt32, connection: HTTP2ServerConnection, isInputEnded: Bool) {
        self.id = id
        self.connection = connection
        self.loop = connection.loop
        self.isInputEnded = isInputEnded
        self.sendWindow = connection.initialSendWindow
    }

    var options: ServerOptions { self.connection.options }

    // MARK: Beginning and end

    func begin(_ head: HTTPRequestHead, startedAt: UInt64, size: Int) {
        if case .length(let length) = head.framing { self.announcedBytes = length }
        self.open()
        let info = self.options.trustedProxies?.resolve(self.connection.info, head.fields) ?? self.connection.info
        let exchange = HTTP2ServerExchange(stream: self, head: head, info: info, startedAt: startedAt, headBytes: size)
        let task = self.loop.takeTask()
        self.task = task
        task.serve(self, exchange)
    }

    /// Serves the exchange, in its task.
    func serve(_ exchange: HTTP2ServerExchange) async {
        await self.connection.handler.handle(exchange, on: self.loop.context)
        // The task goes on with other streams.
        self.task = nil
        self.conclude()
    }

    /// Answers a request that is none.
    func refuse(_ failure: DownstreamFailure, startedAt: UInt64, size: Int) {
        self.open()
        self.loop.context.telemetry.metrics.add(self.loop.protocolErrorSeries(failure.code))
        let response = self.connection.handler.refuse(failure, connection: self.connection.info, startedAt: startedAt, receivedBytes: size, on: self.loop.context)
        _ = self.connection.writeSection(self.id, isEnd: false) {
            HTTP2ResponseFields.writeHead(status: response.status, fields: response.fields, skipping: [], lines: nil, contentLength: response.body.readableBytes, into: &$0)
        }
        self.sendLast(response.body)
        self.flush()
        self.conclude()
    }

    private func open() {
        self.loop.timer.add(self)
        self.connection.opened(self)
    }

    /// Settles the stream when its exchange is over.
    private func conclude() {
        guard !self.isClosed, self.failure == nil else { return }
        if !self.isOutputEnded { return self.fail(.closed) }
        self.isConcluded = true
        // Who still passes the body on (the upstream answered before its end) has nobody to pass it to.
        self.wakeReader()
        self.deadlines.write = self.loop.timer.deadline(after: self.options.sendTimeout)
        self.closeIfOver()
    }

    /// Forgets everything and tells whoever waits; nothing is said to the client.
    func end(because failure: DownstreamFailure) {
        if self.failure == nil { self.failure = failure }
        self.close()
        self.task?.cancel()
        if let upstream = self.servedBy {
            self.servedBy = nil
            upstream.cancel()
        }
        self.wakeReader()
        self.writer.wake()
    }

    private func close() {
        guard !self.isClosed else { return }
        self.isClosed = true
        self.wakeReader()
        self.writer.wake()
        self.deadlines = WaitDeadlines()
        self.loop.timer.remove(self)
        self.pending.removeAll()
        self.pendingBytes = 0
        self.pendingTrailers = nil
    }

    /// Ends the stream now; the client sees a reset where the response is not complete.
    func fail(_ failure: DownstreamFailure) {
        let wasClosed = self.isClosed
        self.end(because: failure)
        if !wasClosed { self.reset(.internalError) }
    }

    private func reset(_ code: HTTP2ErrorCode) {
        self.connection.withOutput { $0.writeHTTP2Reset(self.id, code) }
        self.connection.flush()
        self.connection.closed(self, isEarly: !self.isInputEnded)
    }

    /// Both sides have said everything, or what the client still says is not wanted.
    private func closeIfOver() {
        guard self.isOutputSent, !self.isClosed else { return }
        if self.isInputEnded {
            guard self.isConcluded else { return }
            self.close()
            return self.connection.closed(self, isEarly: false)
        }
        // A body nobody reads is no longer asked for once the client has the whole response, which a reset before would cut (RFC 9113 section 8.1).
        // Many clients end a body with an empty frame of its own: with all bytes there it is on its way.
        guard self.isConcluded, self.announcedBytes.map({ self.receivedBytes < $0 }) ?? true else { return }
        self.close()
        self.reset(.noError)
    }

    func deadlinePassed() {
        // Also the rest of a response that is complete on this side: a client that gives no window must not keep it for ever.
        guard self.deadlines.expire() else { return self.fail(.timeout) }
        guard self.reader.isWaiting else { return }
        self.isReadOverdue = true
        self.reader.wake()
    }

    /// Lets who waits for input go on; its deadline ends with the wait.
    private func wakeReader() {
        guard self.reader.isWaiting else { return }
        self.deadlines.read = .max
        self.reader.wake()
    }

    // MARK: Reading

    /// Takes a frame's content; false: the client has sent more than it was let.
    func receive(_ content: ByteBuffer, length: Int, isEnd: Bool) -> Bool {
        self.usedWindow += length
        // Settings that narrow the window are not in force before the client has seen them.
        guard self.usedWindow <= max(HTTP2.initialWindow, self.options.http2.streamWindowBytes) else { return false }
        self.readWindow += length - content.readableBytes
        if content.readableBytes > 0 {
            self.receivedBytes &+= content.readableBytes
            if self.isConcluded {
                self.readWindow += content.readableBytes
            } else {
                self.input.append(content)
                self.bufferedBytes &+= content.readableBytes
            }
        }
        if isEnd { self.endInput() }
        self.wakeReader()
        return true
    }

    /// Takes the trailers, and with them the end of the request; false: they are none, and the stream was reset.
    func receiveTrailers(_ fields: HTTP2RequestFields) -> Bool {
        do throws(HTTPParseError) {
            self.trailers = try fields.trailers()
            self.endInput()
            self.wakeReader()
            return true
        } catch {
            self.fail(.malformed(error))
            return false
        }
    }

    private func endInput() {
        self.isInputEnded = true
        self.closeIfOver()
    }

    /// Whether there is more content than announced, or, at its end, less (RFC 9113 section 8.1.1).
    var isLong: Bool { self.announcedBytes.map { self.receivedBytes > $0 } ?? false }
    var isShort: Bool { self.announcedBytes.map { self.receivedBytes < $0 } ?? false }

    /// Everything that is here, where that is all there will be; nil: the body has not ended.
    func takeInput() -> ByteBuffer? {
        guard self.isInputEnded, self.failure == nil else { return nil }
        var whole = self.input.popFirst() ?? ByteBuffer()
        while let next = self.input.popFirst() { whole.writeImmutableBuffer(next) }
        self.bufferedBytes = 0
        return whole
    }

    /// The next bytes of the body, nil at its end.
    func nextBody() async throws(DownstreamFailure) -> ByteBuffer? {
        while true {
            // First of all: a malformed request must not look like one that has ended (RFC 9113 section 8.1.1).
            if let failure = self.failure { throw failure }
            if self.isConcluded || self.isClosed { throw .closed }
            if let bytes = self.takeFirst() { return bytes }
            if self.isInputEnded { return nil }
            if self.isReadOverdue { throw .timeout }
            self.deadlines.read = self.loop.timer.deadline(after: self.options.bodyTimeout)
            await withUnsafeContinuation { self.reader.keep($0) }
        }
    }

    /// The next bytes of a stream that speaks another protocol, which may be silent as long as it likes.
    func nextTunnel(isAbandoned: () -> Bool) async throws(DownstreamFailure) -> ByteBuffer {
        while true {
            if let bytes = self.takeFirst() { return bytes }
            if let failure = self.failure { throw failure }
            if self.isInputEnded || self.isClosed || isAbandoned() { throw .closed }
            await withUnsafeContinuation { self.reader.keep($0) }
        }
    }

    /// Wakes a reader so that it sees that its exchange is over.
    func interruptReader() { self.wakeReader() }

    private func takeFirst() -> ByteBuffer? {
        guard let bytes = self.input.popFirst() else { return nil }
        self.bufferedBytes &-= bytes.readableBytes
        self.readWindow += bytes.readableBytes
        // In large steps: a window update for every frame would be as many frames again.
        if !self.isInputEnded, !self.isClosed, self.readWindow >= self.options.http2.streamWindowBytes / 2 {
            self.connection.withOutput { $0.writeHTTP2WindowUpdate(self.id, self.readWindow) }
            self.connection.flush()
            self.usedWindow -= self.readWindow
            self.readWindow = 0
        }
        return bytes
    }

    // MARK: Writing

    var buffers: BufferStack { self.loop.buffers }

    /// Writes a field section; returns its size.
    func writeSection(isEnd: Bool, _ body: (inout ByteBuffer) -> Int) -> Int {
        guard !self.isClosed else { return 0 }
        let size = self.connection.writeSection(self.id, isEnd: isEnd, body)
        if isEnd { self.outputEnded() }
        return size
    }

    func send(_ bytes: ByteBuffer) {
        guard !self.isClosed, bytes.readableBytes > 0 else { return }
        self.pending.append(bytes)
        self.pendingBytes += bytes.readableBytes
        self.connection.send(self)
    }

    /// Sends the last content, and the end of the stream with it.
    func sendLast(_ bytes: ByteBuffer) {
        guard !self.isClosed else { return }
        self.isOutputEnded = true
        // Where content waits already, it is the last piece that ends the stream.
        if bytes.readableBytes > 0 || self.pending.isEmpty { self.pending.append(bytes) }
        self.pendingBytes += bytes.readableBytes
        self.connection.send(self)
    }

    /// Ends the stream with trailers behind the content. Returns their size.
    func sendTrailers(_ fields: HTTPFields) -> Int {
        guard !self.isClosed else { return 0 }
        if self.pending.isEmpty { return self.writeSection(isEnd: true) { HTTP2ResponseFields.writeTrailers(fields, into: &$0) } }
        self.isOutputEnded = true
        self.pendingTrailers = fields
        return fields.reduce(0) { $0 + $1.name.count + $1.value.count + 32 }
    }

    var hasPending: Bool { !self.pending.isEmpty }

    /// Writes a DATA frame of so many of the bytes that wait, however many pieces they came in.
    func writeData(_ count: Int, into output: inout ByteBuffer) {
        self.sendWindow -= count
        self.pendingBytes -= count
        let isEnd = self.isOutputEnded && self.pendingBytes == 0 && self.pendingTrailers == nil
        HTTP2FrameHeader(length: count, kind: .data, flags: isEnd ? .endStream : [], stream: self.id).write(into: &output)
        var rest = count
        while var first = self.pending.first, first.readableBytes <= rest {
            rest -= output.writeBuffer(&first)
            _ = self.pending.popFirst()
        }
        if rest > 0, let piece = self.pending.readSliceOfFirst(length: rest) { output.writeImmutableBuffer(piece) }
    }

    /// A frame of content has been written.
    func settleOutput() {
        if self.pendingBytes <= self.options.http2.streamOutputBytes / 2 { self.wakeWriter() }
        guard self.isOutputEnded, self.pending.isEmpty else { return }
        if let trailers = self.pendingTrailers {
            self.pendingTrailers = nil
            _ = self.connection.writeSection(self.id, isEnd: true) { HTTP2ResponseFields.writeTrailers(trailers, into: &$0) }
        }
        self.outputEnded()
    }

    private func outputEnded() {
        self.isOutputEnded = true
        self.isOutputSent = true
        self.closeIfOver()
    }

    /// The client lets more through, or takes back some; false: more than a window can be (RFC 9113 section 6.9.1).
    func widen(by change: Int) -> Bool {
        guard self.sendWindow + change <= HTTP2.largestWindow else { return false }
        self.sendWindow += change
        if change > 0, !self.pending.isEmpty, !self.isBlocked {
            self.connection.send(self)
            self.connection.flush()
        }
        return true
    }

    func flush() { self.connection.flush() }

    /// Whether the client's windows, and its socket, take more.
    var isWritable: Bool { self.pendingBytes < self.options.http2.streamOutputBytes && self.connection.isWritable }

    var canTakeMore: Bool { self.failure == nil && self.isWritable }

    func wakeWriter() { if self.isWritable { self.writer.wake() } }

    /// Waits while the client's window, or its socket, takes no more.
    func waitForWritability() async throws(DownstreamFailure) {
        self.connection.flushNow()
        while !self.isClosed, !self.isWritable, self.failure == nil {
            self.deadlines.write = self.loop.timer.deadline(after: self.options.sendTimeout)
            await withUnsafeContinuation { self.writer.keep($0) }
            // The exchange's end has a deadline of its own.
            if !self.isConcluded { self.deadlines.write = .max }
        }
        if let failure = self.failure { throw failure }
        if self.isClosed { throw .closed }
    }
}
