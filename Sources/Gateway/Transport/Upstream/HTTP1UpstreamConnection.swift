import GatewayCore
import GatewayWire
import NIOCore
import NIOSSL
import NIOTLS
import Telemetry

/// One upstream connection speaking HTTP/1.1, serving one exchange at a time.
final class HTTP1UpstreamConnection: ChannelDuplexHandler, TimeoutTarget, @unchecked Sendable {
    // Unchecked: confined to its event loop.
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Bytes that may wait in `input` before reading stops.
    static let inputLimit = 65_536
    /// Bytes that an empty socket buffer takes at once.
    private static let smallWrite = 16_384

    let endpoint: UpstreamEndpoint
    let entry: PoolEntry
    private let pool: UpstreamPool
    private let executor: LoopExecutor
    private var context: ChannelHandlerContext?
    private(set) var input = ByteBuffer()
    private(set) var parser: HTTPResponseParser
    private var isReadHeld = false
    private var hasEnded = false
    /// Whether it ended otherwise than by the upstream's own end: what the end delimits is incomplete.
    private var isBroken = false
    /// Whether both sides have said the end of TLS: what happens to the socket afterwards breaks nothing.
    private var isTLSEnded = false
    private(set) var failure: UpstreamFailure?
    private var reader = LoopWaiter()
    private var writer = LoopWaiter()
    private var handshake = Handshake.notStarted
    /// Whether an exchange is under way.
    private var isBusy = false
    /// Whether it is writing what it has of the request.
    private var isStarting = false
    private(set) var peerAddress = ""
    private(set) var received = 0
    private(set) var served = 0
    var idleSince: UInt64 = 0
    var isCounted = false

    private var deadlines = WaitDeadlines()
    var deadline: UInt64 { self.deadlines.next }
    var timerSlot = -1
    /// What it means when the time to read is over.
    private var readOverdue: UpstreamFailure = .readTimeout

    private enum Handshake { case notStarted, done, failed }

    /// What stands before a request's target where a forward proxy passes requests on (RFC 9112 section 3.2.2); nil: nothing.
    let targetPrefix: String?
    /// Sent to that proxy: a secret.
    let proxyAuthorization: String?

    init(endpoint: UpstreamEndpoint, entry: PoolEntry, pool: UpstreamPool, proxy: UpstreamProxy?) {
        self.targetPrefix = proxy == nil ? nil : endpoint.origin
        self.proxyAuthorization = proxy?.authorization
        self.endpoint = endpoint
        self.entry = entry
        self.pool = pool
        self.executor = pool.executor
        self.parser = HTTPResponseParser(limits: pool.options.http)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.pool.timer.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.pool.timer.remove(self)
    }

    func channelActive(context: ChannelHandlerContext) {
        self.peerAddress = context.channel.remoteAddress?.ipAddress ?? ""
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        self.executor.hold()
        self.received &+= bytes.readableBytes
        if self.input.readableBytes == 0 { self.input = bytes } else { self.input.writeBuffer(&bytes) }
        if !self.isBusy {
            // Bytes that answer nothing: whatever they are, they must not reach the next client.
            self.close()
        }
        self.reader.wake()
        self.executor.drain()
    }

    func read(context: ChannelHandlerContext) {
        if self.input.readableBytes > HTTP1UpstreamConnection.inputLimit { self.isReadHeld = true } else { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.executor.hold()
        if context.channel.isWritable { self.writer.wake() }
        self.executor.drain()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event as? TLSUserEvent {
        case .handshakeCompleted?:
            self.handshake = self.hasAcceptedName(context) ? .done : .failed
            self.executor.hold()
            self.reader.wake()
            self.executor.drain()
        case .shutdownCompleted?: self.isTLSEnded = true
        case nil: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// Whether the peer's certificate carries a name that the service accepts instead of its host, where it says so.
    private func hasAcceptedName(_ context: ChannelHandlerContext) -> Bool {
        guard self.endpoint.verifiesCertificate, let options = self.endpoint.tls, !(options.acceptedNames.isEmpty && options.acceptedURIs.isEmpty) else { return true }
        // The handler is there: the event came from it.
        let certificate = try? context.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self).peerCertificate
        if PeerNames.match(certificate, options) { return true }
        DiagnosticLog.shared.warning("the upstream's certificate has none of the names in tls_sans", ("upstream", self.endpoint.authority))
        return false
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset, a broken record, or an end without TLS' closure alert, which anybody on the way could have made (RFC 9112 section 9.8).
        if !self.isTLSEnded { self.isBroken = true }
        if let refused = error as? ProxyTunnelHandler.Refused {
            self.failure = .proxyRefused
            DiagnosticLog.shared.warning("the proxy opened no tunnel", ("upstream", self.endpoint.authority), ("status", "\(refused.status)"))
        } else if self.endpoint.isTLS, self.handshake == .notStarted {
            self.handshake = .failed
            DiagnosticLog.shared.warning("TLS handshake with upstream failed", ("upstream", self.endpoint.authority), ("error", HTTP1UpstreamConnection.describe(error)))
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.executor.hold()
        self.hasEnded = true
        if !self.isBusy { self.pool.lost(self) }
        self.pool.closed(self)
        if self.endpoint.isTLS, self.handshake == .notStarted { self.handshake = .failed }
        self.reader.wake()
        self.writer.wake()
        context.fireChannelInactive()
        self.executor.drain()
    }

    /// The kind of a TLS error without its details, which may name certificates.
    private static func describe(_ error: any Error) -> String {
        switch error {
        case NIOSSLError.handshakeFailed(let reason): "handshake failed: \(reason)"
        case let error as NIOSSLExtraError: "\(error)"
        default: "\(type(of: error))"
        }
    }

    var isUsable: Bool { !self.hasEnded && self.failure == nil && self.context?.channel.isActive == true && self.parser.isIdle && self.input.readableBytes == 0 }

    func close() {
        // An answer under way has not ended by the gateway's own doing.
        if self.isBusy { self.isBroken = true }
        self.context?.close(promise: nil)
    }

    func deadlinePassed() {
        let overdue: UpstreamFailure = self.deadlines.expire() ? self.readOverdue : .sendTimeout
        if self.failure == nil { self.failure = overdue }
        self.reader.wake()
        self.writer.wake()
        self.close()
    }

    func waitForHandshake(timeout: UInt64) async throws(UpstreamFailure) {
        self.deadlines.read = self.pool.timer.deadline(after: timeout)
        self.readOverdue = .connectTimeout
        await withTaskCancellationHandler {
            while self.handshake == .notStarted, self.failure == nil { await withUnsafeContinuation { self.reader.keep($0) } }
        } onCancel: {
            // The client that needed the connection is gone.
            self.executor.loop.execute {
                guard self.handshake == .notStarted else { return }
                self.executor.hold()
                self.cancel(.cancelled)
                self.executor.drain()
            }
        }
        self.deadlines.read = .max
        if let failure = self.failure {
            self.close()
            throw failure
        }
        guard self.handshake == .done else {
            self.close()
            throw .tls
        }
    }

    // MARK: Exchange

    func begin(_ request: borrowing UpstreamRequest, isReused: Bool) -> HTTP1UpstreamExchange {
        self.served &+= 1
        self.received = 0
        self.parser.expect(request.method)
        let exchange = HTTP1UpstreamExchange(connection: self, timeouts: request.timeouts, isReused: isReused)
        self.isBusy = true
        self.isStarting = true
        exchange.start(request, executor: self.executor)
        self.isStarting = false
        return exchange
    }

    /// Ends the exchange: the connection goes back to the pool when it can serve again.
    func conclude(reusable: Bool) {
        self.isBusy = false
        self.deadlines = WaitDeadlines()
        self.writer.wake()
        if reusable, self.isUsable { self.pool.giveBack(self) } else { self.close() }
    }

    func write(_ bytes: ByteBuffer) {
        guard let context = self.context else { return }
        // What the socket takes at once cannot fail behind an answer; another protocol's end is its own matter.
        if self.isStarting && bytes.readableBytes <= HTTP1UpstreamConnection.smallWrite || self.parser.isTunnel { return context.write(Self.wrapOutboundOut(bytes), promise: nil) }
        // A channel that a write finds broken closes without an error of its own.
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.whenFailure { error in
            // Those that the channel makes say that it has ended.
            if !(error is ChannelError) { self.isBroken = true }
        }
        context.write(Self.wrapOutboundOut(bytes), promise: written)
    }
    func flush() { self.context?.flush() }
    var buffers: BufferStack { self.pool.buffers }

    /// Waits until the upstream takes more bytes, or the exchange is over.
    func waitForWritability(timeout: UInt64, until isOver: () -> Bool) async throws(UpstreamFailure) {
        while let context = self.context, !context.channel.isWritable, !isOver() {
            if let failure = self.failure { throw failure }
            self.deadlines.write = self.pool.timer.deadline(after: timeout)
            await withUnsafeContinuation { self.writer.keep($0) }
            self.deadlines.write = .max
        }
        if let failure = self.failure { throw failure }
        if self.hasEnded, !isOver() { throw .closedBeforeResponse }
    }

    /// What the parser has without waiting.
    enum Poll {
        case event(HTTPResponseEvent)
        /// The connection ended, and with it a response that its end delimits.
        case ended
        case pending
    }

    func poll() throws(UpstreamFailure) -> Poll {
        do throws(HTTPParseError) {
            if let event = try self.parser.next(&self.input) { return .event(event) }
        } catch {
            throw .malformed(code: error.code)
        }
        if let failure = self.failure { throw failure }
        if self.hasEnded {
            if case .complete = self.parser.finish(isBroken: self.isBroken) { return .ended }
            throw self.received == 0 ? .closedBeforeResponse : .closedMidResponse
        }
        return .pending
    }

    /// Waits for bytes, for the end of the connection or for the deadline.
    ///
    /// - Parameter timeout: nanoseconds; `.max`: no deadline, until ``restartReadTime(_:)`` sets one.
    func waitForInput(timeout: UInt64) async {
        if self.isReadHeld {
            self.isReadHeld = false
            self.context?.read()
        }
        self.restartReadTime(timeout)
        await withUnsafeContinuation { self.reader.keep($0) }
        self.deadlines.read = .max
    }

    func cancel(_ failure: UpstreamFailure) {
        if self.failure == nil { self.failure = failure }
        self.isBusy = false
        self.close()
        self.reader.wake()
        self.writer.wake()
    }

    /// Lets the time to read begin again: what the answer depends on has gone on.
    func restartReadTime(_ timeout: UInt64) {
        self.deadlines.read = self.pool.timer.deadline(after: timeout)
        self.readOverdue = .readTimeout
    }

    var isWaitingForInput: Bool { self.reader.isWaiting }

    // MARK: Another protocol

    /// Bytes as they came, on a connection that speaks another protocol; nil: none are there, and the connection is open.
    func takeBytes() throws(UpstreamFailure) -> ByteBuffer? {
        if self.input.readableBytes > 0 {
            let bytes = self.input
            self.input = ByteBuffer()
            return bytes
        }
        if let failure = self.failure { throw failure }
        return nil
    }

    var isEnded: Bool { self.hasEnded }
}
