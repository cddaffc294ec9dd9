import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// One client connection speaking HTTP/2 (RFC 9113): its streams are exchanges like those of HTTP/1.1.
///
/// Frames are read and acted on as they come; what is to be sent is collected and leaves in one write at the end of a turn of the loop, however many streams it is of.
final class HTTP2ServerConnection: ChannelDuplexHandler, TimeoutTarget, ClientConnection, @unchecked Sendable {
    // Unchecked: confined to its event loop.
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let loop: DataLoop
    let handler: any ExchangeHandler
    let options: ServerOptions
    let info: ConnectionInfo
    var context: ChannelHandlerContext?

    // Reading, in HTTP2ServerConnection+Frames.
    var input = ByteBuffer()
    var stage = Stage.preface
    let decoder = HPACKDecoder()
    /// A field section that has not ended.
    var section: Section?
    var streams: [UInt32: HTTP2ServerStream] = [:]
    /// The highest stream that was begun.
    var lastStream: UInt32 = 0
    /// Streams that ended here before the client knew of it: what is still on its way for them is no error.
    var endedEarly: [UInt32] = []
    var receiveWindow: Int
    var receivedSinceUpdate = 0
    var emptyDataFrames = 0
    var resets = HTTP2Rate()
    var controlFrames = HTTP2Rate()
    var streamErrors = HTTP2Rate()

    // Writing, in HTTP2ServerConnection+Sending.
    var output = ByteBuffer()
    var sendWindow = HTTP2.initialWindow
    /// What the client gives a new stream (SETTINGS_INITIAL_WINDOW_SIZE).
    var initialSendWindow = HTTP2.initialWindow
    /// Streams that the connection's window holds up, in the order of their turn.
    var blocked = CircularBuffer<UInt32>()
    /// Whether the client has changed the size of its table, which is to be acknowledged (RFC 7541 section 4.2).
    var owesTableUpdate = false
    /// Whether ``channelReadComplete(context:)`` will flush.
    var isReading = false
    var isFlushPending = false
    /// Bytes given to the socket since it took no more.
    var stalledBytes = 0
    private var isReadHeld = false

    private var served = 0
    private var isDraining = false
    private var isEnding = false

    var deadline = UInt64.max
    var timerSlot = -1

    enum Stage {
        case preface, settings, open
        /// After a breach: nothing is read any more.
        case over
    }

    struct Section {
        var stream: UInt32
        var isEnd: Bool
        var frames: Int
        var bytes: ByteBuffer
    }

    private init(info: ConnectionInfo, loop: DataLoop, handler: any ExchangeHandler, options: ServerOptions) {
        self.info = info
        self.loop = loop
        self.handler = handler
        self.options = options
        self.receiveWindow = max(HTTP2.initialWindow, options.http2.connectionWindowBytes)
    }

    /// Puts HTTP/2 at the end of a connection's pipeline.
    static func start(_ channel: any Channel, facts: ConnectionFacts, loop: DataLoop, handler: any ExchangeHandler, options: ServerOptions) throws {
        try channel.pipeline.syncOperations.addHandler(HTTP2ServerConnection(info: facts.info(of: channel, isHTTP2: true), loop: loop, handler: handler, options: options))
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.loop.connections[ObjectIdentifier(self)] = self
        self.loop.context.telemetry.metrics.add(self.loop.connectionGauge, 1)
        self.loop.timer.add(self)
        self.greet()
        self.rest()
    }

    /// The server's preface (RFC 9113 section 3.4), and the connection's window.
    private func greet() {
        let limits = self.options.http2
        self.withOutput {
            $0.writeHTTP2Settings([
                (.maxConcurrentStreams, limits.concurrentStreams),
                (.maxHeaderListSize, self.options.http.fieldsBytes),
                (.initialWindowSize, limits.streamWindowBytes),
                // WebSockets on streams (RFC 8441 section 3).
                (.enableConnectProtocol, 1),
            ])
            if self.receiveWindow > HTTP2.initialWindow { $0.writeHTTP2WindowUpdate(0, self.receiveWindow - HTTP2.initialWindow) }
        }
        self.flushNow()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        guard self.context != nil else { return }
        self.context = nil
        self.loop.timer.remove(self)
        self.loop.connections[ObjectIdentifier(self)] = nil
        self.loop.context.telemetry.metrics.add(self.loop.connectionGauge, -1)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.loop.executor.hold()
        self.isReading = true
        self.receive(Self.unwrapInboundIn(data))
        self.loop.executor.drain()
    }

    /// Nothing is read from a client that takes no answers: each frame may ask for another one (CVE-2019-9512, CVE-2019-9515).
    func read(context: ChannelHandlerContext) {
        if self.stalledBytes > HTTP2ServerConnection.stalledLimit { self.isReadHeld = true } else { context.read() }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.isReading = false
        self.flushNow()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.loop.executor.hold()
        if context.channel.isWritable {
            self.stalledBytes = 0
            if self.isReadHeld {
                self.isReadHeld = false
                context.read()
            }
            self.wakeWriters()
        }
        self.loop.executor.drain()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.loop.executor.hold()
        self.stage = .over
        for stream in self.streams.values { stream.end(because: .closed) }
        self.streams = [:]
        context.fireChannelInactive()
        self.loop.executor.drain()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The socket failed, which is no error of the protocol.
        context.close(promise: nil)
    }

    // MARK: Streams

    func opened(_ stream: HTTP2ServerStream) {
        self.streams[stream.id] = stream
        self.served &+= 1
        self.deadline = .max
        if self.served >= self.options.requestsPerConnection || self.loop.isDraining { self.drain() }
    }

    /// Forgets a stream. One that the client has not ended may still be sent to.
    func closed(_ stream: HTTP2ServerStream, isEarly: Bool) {
        guard self.streams.removeValue(forKey: stream.id) != nil else { return }
        if isEarly { self.noteEarlyEnd(stream.id) }
        self.rest()
    }

    func noteEarlyEnd(_ stream: UInt32) {
        if self.endedEarly.count >= 2 * self.options.http2.concurrentStreams { self.endedEarly.removeFirst(self.options.http2.concurrentStreams) }
        self.endedEarly.append(stream)
    }

    /// With no stream open: waits for the next one, or closes.
    private func rest() {
        guard self.streams.isEmpty, self.stage != .over else { return }
        if self.isDraining || self.loop.isDraining { return self.end() }
        self.deadline = self.loop.timer.deadline(after: self.options.keepAliveTimeout)
    }

    // MARK: The end

    /// Whether streams that begin now are refused: the client has been told of the last one that is taken.
    private(set) var isGone = false

    /// Says goodbye, and closes when the client has taken everything or the time for that is over.
    private func end() {
        guard !self.isEnding else { return }
        self.isEnding = true
        self.deadline = self.loop.timer.deadline(after: self.options.sendTimeout)
        self.announceEnd(after: self.lastStream, .noError)
        self.closeWhenWritten()
    }

    private func closeWhenWritten() {
        guard let context else { return }
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.whenComplete { _ in self.context?.close(promise: nil) }
        self.flushNow(sent)
    }

    /// Ends the connection for a breach of the protocol or of a limit.
    func fail(_ breach: HTTP2Breach) {
        guard self.stage != .over else { return }
        self.stage = .over
        self.isEnding = true
        self.loop.context.telemetry.metrics.add(self.loop.protocolErrorSeries(breach.name))
        DiagnosticLog.shared.debug("an HTTP/2 connection was ended", ("code", "\(breach.name)"), ("error", "\(breach.code)"))
        for stream in self.streams.values { stream.end(because: .closed) }
        self.streams = [:]
        self.deadline = self.loop.timer.deadline(after: self.options.sendTimeout)
        self.announceEnd(after: self.lastStream, breach.code)
        self.closeWhenWritten()
    }

    /// Graceful shutdown in two steps (RFC 9113 section 6.8): requests already on their way are still taken.
    private func drain() {
        guard !self.isDraining, self.stage != .over else { return }
        self.isDraining = true
        self.announceEnd(after: UInt32(HTTP2.largestWindow), .noError)
        self.withOutput { $0.writeHTTP2Ping(HTTP2ServerConnection.drainPing, isAck: false) }
        self.flush()
    }

    /// "pellucid": what the ping says that tells when the client knows of the end.
    private static let drainPing: UInt64 = 0x7065_6c6c_7563_6964

    /// The client has answered a ping.
    func pingAnswered() {
        if self.isDraining, !self.isGone { self.announceEnd(after: self.lastStream, .noError) }
    }

    private func announceEnd(after stream: UInt32, _ code: HTTP2ErrorCode) {
        if stream <= self.lastStream { self.isGone = true }
        self.withOutput { $0.writeHTTP2GoAway(lastStream: stream, code) }
        self.flush()
    }

    func closeIfIdle() { if self.streams.isEmpty { self.end() } else { self.drain() } }

    func forceClose(_ failure: DownstreamFailure) {
        self.loop.executor.hold()
        for stream in self.streams.values { stream.fail(failure) }
        self.flushNow()
        self.context?.close(promise: nil)
        self.loop.executor.drain()
    }

    func deadlinePassed() {
        self.deadline = .max
        if self.isEnding { self.context?.close(promise: nil) } else if self.streams.isEmpty { self.end() }
    }
}

/// Why a connection is ended: the code the client is told, and the name that is counted.
struct HTTP2Breach: Error {
    let code: HTTP2ErrorCode
    let name: StaticString

    init(_ code: HTTP2ErrorCode, _ name: StaticString = "http2_protocol_error") {
        self.code = code
        self.name = name
    }
}
