import GatewayCore
import GatewayWire
import NIOCore
import NIOHTTP2
import Telemetry

/// One client connection speaking HTTP/2 (RFC 9113): its streams are exchanges like those of HTTP/1.1; the connection itself only counts, drains and ends.
final class HTTP2ServerConnection: ChannelInboundHandler, TimeoutTarget, ClientConnection, @unchecked Sendable {
    // Unchecked: confined to its event loop.
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    let loop: DataLoop
    let handler: any ExchangeHandler
    let options: ServerOptions
    let info: ConnectionInfo
    private var context: ChannelHandlerContext?
    private var streams: [ObjectIdentifier: HTTP2ServerStream] = [:]
    private var served = 0
    private var lastStream = HTTP2StreamID.rootStream
    private var isDraining = false
    private var isEnding = false

    var deadline = UInt64.max
    var timerSlot = -1

    private init(info: ConnectionInfo, loop: DataLoop, handler: any ExchangeHandler, options: ServerOptions) {
        self.info = info
        self.loop = loop
        self.handler = handler
        self.options = options
    }

    /// Puts HTTP/2 at the end of a connection's pipeline.
    static func start(_ channel: any Channel, facts: ConnectionFacts, loop: DataLoop, handler: any ExchangeHandler, options: ServerOptions) throws {
        let connection = HTTP2ServerConnection(info: facts.info(of: channel, isHTTP2: true), loop: loop, handler: handler, options: options)
        let http2 = NIOHTTP2Handler(
            mode: .server, eventLoop: channel.eventLoop, connectionConfiguration: self.connectionConfiguration(options), streamConfiguration: self.streamConfiguration(options)
        ) { stream in
            stream.eventLoop.makeCompletedFuture { try stream.pipeline.syncOperations.addHandler(HTTP2ServerStream(connection: connection)) }
        }
        try channel.pipeline.syncOperations.addHandlers([http2, connection])
    }

    private static func connectionConfiguration(_ options: ServerOptions) -> NIOHTTP2Handler.ConnectionConfiguration {
        let limits = options.http2
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        configuration.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: limits.concurrentStreams),
            HTTP2Setting(parameter: .maxHeaderListSize, value: options.http.fieldsBytes),
            HTTP2Setting(parameter: .initialWindowSize, value: limits.streamWindowBytes),
            // WebSockets on streams (RFC 8441 section 3).
            HTTP2Setting(parameter: .enableConnectProtocol, value: 1),
        ]
        configuration.targetWindowSize = limits.connectionWindowBytes
        configuration.maximumBufferedControlFrames = limits.queuedControlFrames
        // A head of the allowed size in frames of the smallest allowed size, and some to spare.
        configuration.maximumSequentialContinuationFrames = options.http.fieldsBytes / 16_384 + 4
        configuration.controlFrameRateLimit.maximumCount = limits.controlFrames
        configuration.controlFrameRateLimit.windowLength = .seconds(limits.rateSeconds)
        // What arrives for a stream that was reset is no error of the client, whose frames were on their way.
        configuration.maximumRecentlyResetStreams = 2 * limits.concurrentStreams
        configuration.maximumConnectionGlitches = limits.streamErrors
        return configuration
    }

    private static func streamConfiguration(_ options: ServerOptions) -> NIOHTTP2Handler.StreamConfiguration {
        let limits = options.http2
        var configuration = NIOHTTP2Handler.StreamConfiguration()
        configuration.targetWindowSize = limits.streamWindowBytes
        configuration.outboundBufferSizeHighWatermark = limits.streamOutputBytes
        configuration.outboundBufferSizeLowWatermark = limits.streamOutputBytes / 2
        configuration.streamResetFrameRateLimit.maximumCount = limits.resets
        configuration.streamResetFrameRateLimit.windowLength = .seconds(limits.rateSeconds)
        configuration.streamErrorRateLimit.maximumCount = limits.streamErrors
        configuration.streamErrorRateLimit.windowLength = .seconds(limits.rateSeconds)
        return configuration
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.loop.connections[ObjectIdentifier(self)] = self
        self.loop.context.telemetry.metrics.add(self.loop.connectionGauge, 1)
        self.loop.timer.add(self)
        self.rest()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        guard self.context != nil else { return }
        self.context = nil
        self.loop.timer.remove(self)
        self.loop.connections[ObjectIdentifier(self)] = nil
        self.loop.context.telemetry.metrics.add(self.loop.connectionGauge, -1)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Frames of the connection: nio-http2 has acted on them. The answer to the ping that drain() sent says that the client knows of the end.
        if case .ping(_, ack: true) = Self.unwrapInboundIn(data).payload, self.isDraining { self.announceEnd(after: self.lastStream) }
        self.loop.executor.drain()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        self.loop.executor.drain()
    }

    func channelInactive(context: ChannelHandlerContext) {
        context.fireChannelInactive()
        self.loop.executor.drain()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is NIOHTTP2Errors.StreamError {
            // The stream was reset, and the connection goes on.
            return self.count("http2_stream_error")
        }
        if let code = HTTP2ServerConnection.code(of: error) {
            self.count(code)
            DiagnosticLog.shared.debug("an HTTP/2 connection was ended", ("code", "\(code)"), ("reason", "\(type(of: error))"))
        }
        context.close(promise: nil)
    }

    private func count(_ code: StaticString) { self.loop.context.telemetry.metrics.add(self.loop.protocolErrorSeries(code), 1) }

    /// Why a connection was ended; nil: the socket failed, which is no error of the protocol.
    private static func code(of error: any Error) -> StaticString? {
        switch error {
        case is NIOHTTP2Errors.ExcessiveRSTFrames: "http2_rapid_reset"
        case is NIOHTTP2Errors.ExcessiveControlFrames, is NIOHTTP2Errors.ExcessiveOutboundFrameBuffering: "http2_control_flood"
        case is NIOHTTP2Errors.ExcessiveContinuationFrames: "http2_continuation_flood"
        case is NIOHTTP2Errors.ExcessivelyLargeHeaderBlock: "http2_headers_too_large"
        case is NIOHTTP2Errors.ExcessiveEmptyDataFrames: "http2_empty_data_flood"
        case is NIOHTTP2Errors.ExcessiveStreamErrors, is NIOHTTP2Errors.ExcessiveNumberOfGlitches: "http2_stream_errors"
        case is NIOHTTP2Errors.BadClientMagic: "http2_preface_invalid"
        case is ChannelError, is IOError: nil
        default: "http2_protocol_error"
        }
    }

    // MARK: Streams

    func opened(_ stream: HTTP2ServerStream, id: HTTP2StreamID) {
        self.streams[ObjectIdentifier(stream)] = stream
        self.served &+= 1
        self.lastStream = max(self.lastStream, id)
        self.deadline = .max
        if self.served >= self.options.requestsPerConnection || self.loop.isDraining { self.drain() }
    }

    func closed(_ stream: HTTP2ServerStream) {
        guard self.streams.removeValue(forKey: ObjectIdentifier(stream)) != nil else { return }
        self.rest()
    }

    /// With no stream open: waits for the next one, or closes.
    private func rest() {
        guard self.streams.isEmpty else { return }
        if self.isDraining || self.loop.isDraining {
            // Not at once: the stream's last frame is only being written.
            self.loop.loop.execute { if self.streams.isEmpty { self.end() } }
            return
        }
        self.deadline = self.loop.timer.deadline(after: self.options.keepAliveTimeout)
    }

    /// Says goodbye, and closes when the client has taken everything or the time for that is over.
    private func end() {
        guard let context, !self.isEnding else { return }
        self.isEnding = true
        self.deadline = self.loop.timer.deadline(after: self.options.sendTimeout)
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.whenComplete { _ in self.context?.close(promise: nil) }
        self.announceEnd(after: self.lastStream, sent)
    }

    /// Graceful shutdown in two steps (RFC 9113 section 6.8): requests already on their way are still taken.
    private func drain() {
        guard !self.isDraining, let context else { return }
        self.isDraining = true
        self.announceEnd(after: .maxID)
        context.writeAndFlush(Self.wrapOutboundOut(HTTP2Frame(streamID: .rootStream, payload: .ping(HTTP2PingData(withInteger: 0x70656c6c75636964), ack: false))), promise: nil)
    }

    private func announceEnd(after stream: HTTP2StreamID, _ promise: EventLoopPromise<Void>? = nil) {
        guard let context else { return }
        context.writeAndFlush(
            Self.wrapOutboundOut(HTTP2Frame(streamID: .rootStream, payload: .goAway(lastStreamID: stream, errorCode: .noError, opaqueData: nil))), promise: promise)
    }

    func closeIfIdle() { if self.streams.isEmpty { self.end() } else { self.drain() } }

    func forceClose(_ failure: DownstreamFailure) {
        self.loop.executor.hold()
        for stream in self.streams.values { stream.fail(failure) }
        self.context?.close(promise: nil)
        self.loop.executor.drain()
    }

    func deadlinePassed() {
        self.deadline = .max
        if self.isEnding { self.context?.close(promise: nil) } else if self.streams.isEmpty { self.end() }
    }
}
