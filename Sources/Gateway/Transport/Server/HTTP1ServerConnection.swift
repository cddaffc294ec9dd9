import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// One client connection speaking HTTP/1.1: reads requests, one task serves them in turn, responses leave in order (pipelining included).
///
/// Parsing is pulled by the task; bytes that nobody pulls yet stay in `input`, and beyond a limit the socket is not read any more.
final class HTTP1ServerConnection: ChannelDuplexHandler, TimeoutTarget, ClientConnection, @unchecked Sendable {
    // Unchecked: confined to its event loop; the serving task runs on the loop's executor.
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Bytes that may wait in `input` before reading stops.
    static let inputLimit = 65_536
    /// Bytes collected before a write goes out without being asked.
    static let outputLimit = 16_384

    let loop: DataLoop
    private let executor: LoopExecutor
    let handler: any ExchangeHandler
    let options: ServerOptions
    let onClose: () -> Void
    private(set) var info: ConnectionInfo
    private let facts: ConnectionFacts?
    private var context: ChannelHandlerContext?
    private var channel: (any Channel)?
    private var task: Task<Void, Never>?

    private var input = ByteBuffer()
    private var parser: HTTPRequestParser
    private var isReadHeld = false
    private(set) var failure: DownstreamFailure?
    private var isReadOverdue = false
    private var reader = LoopWaiter()
    private var writer = LoopWaiter()

    private var output = ByteBuffer()
    private(set) var isServing = false
    /// Whether a request, or what was none, has not been read to its end.
    private var mayStillSend = false
    var servedBy: (any UpstreamExchange)?
    private var served = 0
    /// Bytes received since the last head ended, and when the first of them came.
    private var received = 0
    private var firstByteAt: UInt64 = 0

    private var deadlines = WaitDeadlines()
    var deadline: UInt64 { self.deadlines.next }
    var timerSlot = -1
    /// Whether everything is said, and what the client still sends is thrown away.
    private var isLingering = false

    init(loop: DataLoop, handler: any ExchangeHandler, options: ServerOptions, facts: ConnectionFacts? = nil, onClose: @escaping () -> Void) {
        self.facts = facts
        self.loop = loop
        self.executor = loop.executor
        self.handler = handler
        self.options = options
        self.onClose = onClose
        self.parser = HTTPRequestParser(limits: options.http)
        self.info = ConnectionInfo(clientAddress: "", clientPort: 0, localAddress: "", localPort: 0, isTLS: false, serverName: nil)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.channel = context.channel
        if context.channel.isActive { self.activate(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        self.executor.hold()
        self.activate(context)
        context.fireChannelActive()
        self.executor.drain()
    }

    private func activate(_ context: ChannelHandlerContext) {
        guard self.task == nil else { return }
        self.info = (self.facts ?? ConnectionFacts()).info(of: context.channel)
        self.loop.connections[ObjectIdentifier(self)] = self
        self.loop.context.telemetry.metrics.add(self.loop.connectionGauge, 1)
        self.loop.timer.add(self)
        self.deadlines.read = self.loop.timer.deadline(after: self.options.keepAliveTimeout)
        self.task = Task(executorPreference: self.executor) { await self.serve() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        self.executor.hold()
        if self.received == 0 { self.firstByteAt = MonotonicClock.now() }
        self.received &+= bytes.readableBytes
        // What comes after the last answer is taken from the socket and forgotten.
        if !self.isLingering {
            if self.input.readableBytes == 0 { self.input = bytes } else { self.input.writeBuffer(&bytes) }
            self.wakeReader()
        }
        self.executor.drain()
    }

    func read(context: ChannelHandlerContext) {
        if self.input.readableBytes > HTTP1ServerConnection.inputLimit {
            self.isReadHeld = true
        } else {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.executor.hold()
        if context.channel.isWritable { self.writer.wake() }
        self.executor.drain()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.executor.hold()
        self.close(because: .closed)
        context.fireChannelInactive()
        self.executor.drain()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset by the peer; channelInactive follows the close.
        context.close(promise: nil)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        guard self.context != nil else { return }
        self.context = nil
        self.channel = nil
        self.loop.timer.remove(self)
        self.loop.connections[ObjectIdentifier(self)] = nil
        self.loop.context.telemetry.metrics.add(self.loop.connectionGauge, -1)
        self.onClose()
    }

    private func close(because failure: DownstreamFailure) {
        if self.failure == nil { self.failure = failure }
        self.task?.cancel()
        if let upstream = self.servedBy {
            self.servedBy = nil
            upstream.cancel()
        }
        self.wakeReader()
        self.writer.wake()
    }

    /// Ends the connection now, whatever is under way.
    func forceClose(_ failure: DownstreamFailure) {
        self.close(because: failure)
        self.context?.close(promise: nil)
    }

    func closeIfIdle() {
        guard self.isLingering || !self.isServing && self.received == 0 else { return }
        self.forceClose(.shutdown)
    }

    func deadlinePassed() {
        guard self.deadlines.expire() else { return self.forceClose(.timeout) }
        guard self.reader.isWaiting else { return }
        // What did not come in time is answered by the task, where there is something to answer.
        self.isReadOverdue = true
        self.reader.wake()
    }

    // MARK: Reading

    /// Waits for bytes, for the end of the connection or for the deadline.
    private func waitForInput(until deadline: UInt64) async {
        guard self.failure == nil else { return }
        if self.isReadHeld {
            self.isReadHeld = false
            self.context?.read()
        }
        self.deadlines.read = deadline
        await withUnsafeContinuation { self.reader.keep($0) }
    }

    /// Lets who waits for input go on. The deadline ends here and not in the waiting task, which may run when somebody else waits already.
    private func wakeReader() {
        guard self.reader.isWaiting else { return }
        self.deadlines.read = .max
        self.reader.wake()
    }

    /// The next event of the request under way.
    ///
    /// - Parameter isAbandoned: checked after each wait; true ends the wait as if the client had closed.
    func nextEvent(timeout: UInt64, isAbandoned: () -> Bool = { false }) async throws(DownstreamFailure) -> HTTPRequestEvent {
        while true {
            if isAbandoned() { throw .closed }
            if let event = try self.bufferedEvent() { return event }
            if let failure = self.failure { throw failure }
            if self.isReadOverdue { throw .timeout }
            await self.waitForInput(until: self.loop.timer.deadline(after: timeout))
        }
    }

    /// The next event of the request under way, where its bytes are here.
    func bufferedEvent() throws(DownstreamFailure) -> HTTPRequestEvent? {
        do throws(HTTPParseError) { return try self.parser.next(&self.input) } catch { throw .malformed(error) }
    }

    /// Bytes as they come, on a connection that speaks another protocol.
    func nextBytes(isAbandoned: () -> Bool) async throws(DownstreamFailure) -> ByteBuffer {
        while self.input.readableBytes == 0 {
            if let failure = self.failure { throw failure }
            if isAbandoned() { throw .closed }
            await self.waitForInput(until: .max)
        }
        let bytes = self.input
        self.input = ByteBuffer()
        return bytes
    }

    /// Wakes a reader so that it sees that its exchange is over.
    func interruptReader() { self.wakeReader() }

    /// Whether an event can be had without waiting.
    var hasInput: Bool { self.input.readableBytes > 0 }
    var bufferedBytes: Int { self.input.readableBytes }

    // MARK: Serving

    private func serve() async {
        while self.failure == nil {
            guard let exchange = await self.nextExchange() else { break }
            self.isServing = true
            self.served &+= 1
            await self.handler.handle(exchange, on: self.loop.context)
            let reusable = await exchange.conclude()
            self.isServing = false
            self.mayStillSend = !exchange.isBodyEnded
            guard reusable else { break }
            self.received = self.input.readableBytes
            if self.received > 0 { self.firstByteAt = MonotonicClock.now() }
            if self.loop.isDraining && self.received == 0 { break }
        }
        self.flushOutput()
        await self.linger()
        self.context?.close(mode: .all, promise: nil)
    }

    /// Takes what a client still sends, for a while, before the connection is closed: a socket that is closed with bytes nobody read resets it, and what the
    /// client has not read of the answer is lost (RFC 9112 section 9.6).
    private func linger() async {
        guard self.failure == nil, self.mayStillSend, let context = self.context, context.channel.isActive else { return }
        self.isLingering = true
        self.isReadOverdue = false
        self.input = ByteBuffer()
        context.close(mode: .output, promise: nil)
        await self.waitForInput(until: self.loop.timer.deadline(after: self.options.lingerTimeout))
    }

    private func nextExchange() async -> HTTP1ServerExchange? {
        while true {
            do throws(HTTPParseError) {
                if case .head(let head)? = try self.parser.next(&self.input) { return self.makeExchange(head) }
            } catch {
                self.refuse(.malformed(error))
                self.mayStillSend = true
                return nil
            }
            if self.failure != nil { return nil }
            if self.isReadOverdue {
                // A head that began and did not end in time is answered; silence between requests is not.
                if self.received > 0 { self.refuse(.timeout) }
                return nil
            }
            await self.waitForInput(until: self.headDeadline)
        }
    }

    /// A head has its time from its first byte on, however many bytes follow and when; before that the connection is idle.
    private var headDeadline: UInt64 {
        guard self.received > 0 else { return self.loop.timer.deadline(after: self.options.keepAliveTimeout) }
        let (sum, overflow) = self.firstByteAt.addingReportingOverflow(self.options.headTimeout)
        return overflow ? .max : sum
    }

    private func makeExchange(_ head: HTTPRequestHead) -> HTTP1ServerExchange {
        let mayPersist = head.keepAlive && self.served + 1 < self.options.requestsPerConnection && !self.loop.isDraining
        return HTTP1ServerExchange(
            connection: self, head: head, info: self.options.trustedProxies?.resolve(self.info, head.fields) ?? self.info, startedAt: self.firstByteAt, headBytes: self.received &- self.input.readableBytes, mayPersist: mayPersist)
    }

    private func refuse(_ failure: DownstreamFailure) {
        self.loop.context.telemetry.metrics.add(self.loop.protocolErrorSeries(failure.code))
        let response = self.handler.refuse(failure, connection: self.info, startedAt: self.firstByteAt, receivedBytes: self.received, on: self.loop.context)
        var bytes = ByteBufferAllocator().buffer(capacity: 512)
        HTTPWriter.statusLine(response.status, into: &bytes)
        response.fields.write(into: &bytes)
        bytes.writeStaticString("content-length: ")
        HTTPWriter.decimal(response.body.readableBytes, into: &bytes)
        bytes.writeStaticString("\r\nconnection: close\r\n\r\n")
        bytes.writeImmutableBuffer(response.body)
        self.append(bytes)
        self.flushOutput()
    }

    // MARK: Writing

    /// Collects bytes; a large buffer is passed on as it is.
    func append(_ bytes: ByteBuffer) {
        if bytes.readableBytes > HTTP1ServerConnection.outputLimit {
            self.writeCollected()
            if let context = self.context { context.write(Self.wrapOutboundOut(bytes), promise: nil) }
        } else {
            self.withOutput { $0.writeImmutableBuffer(bytes) }
        }
    }

    /// The buffer that small pieces are written into.
    func withOutput(_ body: (inout ByteBuffer) -> Void) {
        if self.output.capacity == 0 { self.output = self.loop.buffers.take() }
        body(&self.output)
    }

    private func writeCollected() {
        guard self.output.readableBytes > 0 else { return }
        if let context = self.context { context.write(Self.wrapOutboundOut(self.output), promise: nil) }
        // The storage is taken again once the socket has it; until then it is shared, and clearing makes a new one.
        self.output.moveReaderIndex(to: self.output.writerIndex)
    }

    func flushOutput() {
        self.writeCollected()
        self.context?.flush()
        guard self.output.capacity > 0 else { return }
        var collected = ByteBuffer()
        swap(&collected, &self.output)
        self.loop.buffers.giveBack(collected)
    }

    /// Whether the client's side takes more; passes on what is collected when that is much.
    func canTakeMore() -> Bool {
        if self.output.readableBytes >= HTTP1ServerConnection.outputLimit { self.writeCollected() }
        guard let channel = self.channel, self.failure == nil else { return false }
        return channel.isWritable
    }

    /// Flushes, and waits while the client does not take it.
    func relieve() async throws(DownstreamFailure) {
        guard let context = self.context, self.failure == nil else { throw self.failure ?? .closed }
        self.flushOutput()
        while !context.channel.isWritable {
            if let failure = self.failure { throw failure }
            self.deadlines.write = self.loop.timer.deadline(after: self.options.sendTimeout)
            await withUnsafeContinuation { self.writer.keep($0) }
            self.deadlines.write = .max
        }
        if let failure = self.failure { throw failure }
    }
}
