import GatewayCore
import GatewayWire
import NIOCore
import NIOHPACK
import NIOHTTP2
import Telemetry

/// One HTTP/2 stream: takes the request's frames as they come, keeps what nobody has read yet, and writes the response's.
///
/// What is kept is bounded by the stream's window: beyond a limit frames are no longer taken from nio-http2, which then gives the client no more window.
final class HTTP2ServerStream: ChannelDuplexHandler, TimeoutTarget, @unchecked Sendable {
    // Unchecked: confined to its event loop; the serving task runs on the loop's executor.
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// Bytes that may wait before frames are no longer taken.
    static let inputLimit = 65_536

    let connection: HTTP2ServerConnection
    private var context: ChannelHandlerContext?
    private var task: Task<Void, Never>?
    private var input = CircularBuffer<ByteBuffer>()
    private(set) var bufferedBytes = 0
    private var receivedBytes = 0
    /// The request's Content-Length.
    private var announcedBytes: Int?
    private(set) var isInputEnded = false
    private(set) var trailers: HTTPFields?
    private(set) var failure: DownstreamFailure?
    private var isReadHeld = false
    private var isReadOverdue = false
    private var isOutputEnded = false
    private var isOutputSent = false
    private var reader = LoopWaiter()
    private var writer = LoopWaiter()
    /// Whether the exchange is over, and the client only has to take what is left of the response.
    private var isConcluded = false
    var servedBy: (any UpstreamExchange)?

    var deadline = UInt64.max
    var timerSlot = -1

    init(connection: HTTP2ServerConnection) { self.connection = connection }

    private var loop: DataLoop { self.connection.loop }
    var options: ServerOptions { self.connection.options }
    var isLoopDraining: Bool { self.loop.isDraining }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.loop.timer.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.loop.timer.remove(self)
        self.connection.closed(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.loop.executor.hold()
        switch Self.unwrapInboundIn(data) {
        case .headers(let headers): self.received(headers.headers, isEnd: headers.endStream, context)
        case .data(let content):
            if case .byteBuffer(let bytes) = content.data, bytes.readableBytes > 0 {
                self.input.append(bytes)
                self.bufferedBytes &+= bytes.readableBytes
                self.receivedBytes &+= bytes.readableBytes
            }
            if content.endStream { self.isInputEnded = true }
        default: break
        }
        self.reader.wake()
        self.loop.executor.drain()
    }

    func read(context: ChannelHandlerContext) {
        if self.bufferedBytes > HTTP2ServerStream.inputLimit { self.isReadHeld = true } else { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.loop.executor.hold()
        if context.channel.isWritable { self.writer.wake() }
        self.loop.executor.drain()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.loop.executor.hold()
        self.end(because: .closed)
        self.connection.closed(self)
        context.fireChannelInactive()
        self.loop.executor.drain()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset by the client, or a breach that nio-http2 answers with a reset; channelInactive follows.
        context.close(promise: nil)
    }

    func deadlinePassed() {
        self.deadline = .max
        if self.reader.isWaiting {
            self.isReadOverdue = true
            self.reader.wake()
        } else if self.writer.isWaiting || self.isConcluded {
            // Also the rest of a response that is complete on this side: a client that gives no window must not keep it for ever.
            self.fail(.timeout)
        }
    }

    private func end(because failure: DownstreamFailure) {
        if self.failure == nil { self.failure = failure }
        self.task?.cancel()
        if let upstream = self.servedBy {
            self.servedBy = nil
            upstream.cancel()
        }
        self.reader.wake()
        self.writer.wake()
    }

    /// Ends the stream now; the client sees a reset where the response is not complete.
    func fail(_ failure: DownstreamFailure) {
        self.end(because: failure)
        self.reset(.internalError)
    }

    private func reset(_ code: HTTP2ErrorCode) {
        guard let context else { return }
        context.writeAndFlush(Self.wrapOutboundOut(.rstStream(code)), promise: nil)
        self.context?.close(promise: nil)
    }

    // MARK: Reading

    private func received(_ headers: HPACKHeaders, isEnd: Bool, _ context: ChannelHandlerContext) {
        guard self.task == nil else {
            self.isInputEnded = true
            do throws(HTTPParseError) { self.trailers = try HTTP2Fields.trailers(headers, limits: self.options.http) } catch { self.fail(.malformed(error)) }
            return
        }
        let startedAt = MonotonicClock.now()
        let size = HTTP2Fields.size(headers)
        self.isInputEnded = isEnd
        self.connection.opened(self, id: (try? context.channel.syncOptions?.getOption(HTTP2StreamChannelOptions.streamID)) ?? .rootStream)
        do throws(HTTPParseError) {
            let head = try HTTP2Fields.requestHead(headers, isEnd: isEnd, limits: self.options.http)
            if case .length(let length) = head.framing { self.announcedBytes = length }
            let info = self.options.trustedProxies?.resolve(self.connection.info, head.fields) ?? self.connection.info
            let exchange = HTTP2ServerExchange(stream: self, head: head, info: info, startedAt: startedAt, headBytes: size)
            self.task = Task(executorPreference: self.loop.executor) {
                await self.connection.handler.handle(exchange, on: self.loop.context)
                self.conclude()
            }
        } catch {
            self.refuse(.malformed(error), startedAt: startedAt, size: size)
        }
    }

    private func refuse(_ failure: DownstreamFailure, startedAt: UInt64, size: Int) {
        self.loop.context.telemetry.metrics.add(self.loop.protocolErrorSeries(failure.code))
        let response = self.connection.handler.refuse(failure, connection: self.connection.info, startedAt: startedAt, receivedBytes: size, on: self.loop.context)
        let headers = HTTP2Fields.responseHeaders(
            status: response.status, fields: response.fields, skipping: [], lines: nil, contentLength: response.body.readableBytes)
        self.write(.headers(.init(headers: headers)))
        self.writeLast(.data(.init(data: .byteBuffer(response.body), endStream: true)))
        self.flush()
        self.conclude()
    }

    /// The next bytes of the body, nil at its end.
    func nextBody() async throws(DownstreamFailure) -> ByteBuffer? {
        while true {
            if let bytes = self.input.popFirst() {
                self.bufferedBytes &-= bytes.readableBytes
                self.resumeReading()
                return bytes
            }
            if self.isInputEnded { return nil }
            if let failure = self.failure { throw failure }
            if self.isReadOverdue { throw .timeout }
            self.deadline = self.loop.timer.deadline(after: self.options.bodyTimeout)
            await withUnsafeContinuation { self.reader.keep($0) }
            self.deadline = .max
        }
    }

    /// The next bytes of a stream that speaks another protocol, which may be silent as long as it likes.
    func nextTunnel(isAbandoned: () -> Bool) async throws(DownstreamFailure) -> ByteBuffer {
        while true {
            if let bytes = self.input.popFirst() {
                self.bufferedBytes &-= bytes.readableBytes
                self.resumeReading()
                return bytes
            }
            if let failure = self.failure { throw failure }
            if self.isInputEnded || isAbandoned() { throw .closed }
            await withUnsafeContinuation { self.reader.keep($0) }
        }
    }

    /// Wakes a reader so that it sees that its exchange is over.
    func interruptReader() { self.reader.wake() }

    private func resumeReading() {
        guard self.isReadHeld, self.bufferedBytes <= HTTP2ServerStream.inputLimit else { return }
        self.isReadHeld = false
        self.context?.read()
    }

    // MARK: Writing

    var buffers: BufferStack { self.loop.buffers }

    func write(_ payload: HTTP2Frame.FramePayload) { self.context?.write(Self.wrapOutboundOut(payload), promise: nil) }

    func flush() { self.context?.flush() }

    var canTakeMore: Bool { self.failure == nil && self.context?.channel.isWritable == true }

    /// Writes the response's last frame.
    func writeLast(_ payload: HTTP2Frame.FramePayload) {
        self.isOutputEnded = true
        guard !self.isInputEnded, let context else { return self.write(payload) }
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.whenSuccess { [self] in
            self.isOutputSent = true
            self.refuseRest()
        }
        context.write(Self.wrapOutboundOut(payload), promise: sent)
    }

    /// A body nobody reads is no longer asked for once the client has the whole response, which a reset before would cut (RFC 9113 section 8.1).
    private func refuseRest() {
        guard self.isConcluded, self.isOutputSent, !self.isInputEnded, self.failure == nil else { return }
        // Many clients end a body with an empty frame of its own: with all bytes there it is on its way.
        if let announced = self.announcedBytes, self.receivedBytes >= announced { return }
        self.reset(.noError)
    }

    /// Waits while the client's window, or its socket, takes no more.
    func waitForWritability() async throws(DownstreamFailure) {
        while let context = self.context, !context.channel.isWritable, self.failure == nil {
            self.deadline = self.loop.timer.deadline(after: self.options.sendTimeout)
            await withUnsafeContinuation { self.writer.keep($0) }
            self.deadline = .max
        }
        if let failure = self.failure { throw failure }
        if self.context == nil { throw .closed }
    }

    /// Settles the stream when its exchange is over.
    private func conclude() {
        guard self.context != nil, self.failure == nil else { return }
        if !self.isOutputEnded { return self.fail(.closed) }
        self.isConcluded = true
        self.deadline = self.loop.timer.deadline(after: self.options.sendTimeout)
        self.refuseRest()
    }
}
