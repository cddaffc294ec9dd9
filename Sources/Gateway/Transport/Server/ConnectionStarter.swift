import GatewayCore
import GatewayWire
import NIOCore
import NIOSSL
import NIOTLS
import Telemetry

/// Brings a client connection from its first byte to the protocol it speaks, in the time a handshake may take, and leaves the pipeline.
///
/// It is the last handler until then. Over TLS it waits for the handshake and goes by ALPN; in plaintext it compares the first bytes with HTTP/2's preface.
final class ConnectionStarter: ChannelInboundHandler, RemovableChannelHandler, TimeoutTarget, ClientConnection, @unchecked Sendable {
    // Unchecked: confined to its event loop.
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum Stage { case waiting, begun, over }

    let facts = ConnectionFacts()
    private let loop: DataLoop
    private let handler: any ExchangeHandler
    private let options: ServerOptions
    private let listener: ListenOptions
    private var stage = Stage.waiting
    private var bytes = ByteBuffer()
    private var context: ChannelHandlerContext?

    var deadline = UInt64.max
    var timerSlot = -1

    init(loop: DataLoop, handler: any ExchangeHandler, options: ServerOptions, listener: ListenOptions) {
        self.loop = loop
        self.handler = handler
        self.options = options
        self.listener = listener
    }

    /// Puts the handlers that this listener needs into a new connection's pipeline.
    func start(_ channel: any Channel, tls: ServerTLS?) throws {
        let pipeline = channel.pipeline.syncOperations
        if self.listener.readsProxyHeader {
            try pipeline.addHandler(ProxyHeaderHandler(facts: self.facts) { [self] in self.refuse("proxy_header_invalid") })
        }
        if let tls {
            let names = SNIHandler { [self] result in
                if case .hostname(let name) = result { self.facts.serverName = name.lowercased() }
                return channel.eventLoop.makeCompletedFuture {
                    let context = try tls.context(for: self.facts.serverName, allowsHTTP2: self.listener.allowsHTTP2)
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context), position: .before(self))
                }
            }
            try pipeline.addHandler(ByteToMessageHandler(names))
        }
        try pipeline.addHandler(self)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.loop.connections[ObjectIdentifier(self)] = self
        self.loop.timer.add(self)
        self.deadline = self.loop.timer.deadline(after: self.options.handshakeTimeout)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.stage = .over
        self.loop.timer.remove(self)
        self.loop.connections[ObjectIdentifier(self)] = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent {
            self.readTLS(context)
            self.begin(context, isHTTP2: negotiated == "h2")
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard self.stage == .waiting, !self.listener.isTLS else { return context.fireChannelRead(data) }
        var received = Self.unwrapInboundIn(data)
        self.bytes.writeBuffer(&received)
        let isHTTP2: Bool
        if self.listener.allowsHTTP2 {
            isHTTP2 = HTTP2.isPreface(self.bytes)
            guard !isHTTP2 || self.bytes.readableBytes >= HTTP2.preface.utf8CodeUnitCount else { return }
        } else {
            isHTTP2 = false
        }
        self.begin(context, isHTTP2: isHTTP2)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if self.listener.isTLS, self.stage == .waiting {
            // Scanners and clients that distrust the certificate: counted, and not worth a line of the log each.
            self.refuse("tls_handshake_failed")
            DiagnosticLog.shared.debug("TLS handshake with a client failed", ("reason", "\(type(of: error))"))
        }
        context.close(promise: nil)
    }

    func deadlinePassed() {
        self.refuse(self.listener.isTLS ? "tls_handshake_timeout" : "client_timeout")
        self.forceClose(.timeout)
    }

    func closeIfIdle() { self.forceClose(.shutdown) }

    func forceClose(_ failure: DownstreamFailure) { self.context?.close(promise: nil) }

    private func refuse(_ code: StaticString) {
        guard self.stage == .waiting else { return }
        self.stage = .over
        self.loop.context.telemetry.metrics.add(self.loop.protocolErrorSeries(code))
    }

    // MARK: Protocol

    private func readTLS(_ context: ChannelHandlerContext) {
        // The handler is there: the event came from it.
        guard let ssl = try? context.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self) else { return }
        let version: StaticString =
            switch ssl.tlsVersion {
            case .tlsv1: "TLSv1"
            case .tlsv11: "TLSv1.1"
            case .tlsv12: "TLSv1.2"
            case .tlsv13, nil: "TLSv1.3"
            }
        self.facts.tls = ConnectionInfo.TLS(version: version, clientCertificate: try? ssl.peerCertificate?.toDERBytes())
    }

    private func begin(_ context: ChannelHandlerContext, isHTTP2: Bool) {
        guard self.stage == .waiting else { return }
        self.stage = .begun
        do {
            if isHTTP2 {
                try HTTP2ServerConnection.start(context.channel, facts: self.facts, loop: self.loop, handler: self.handler, options: self.options)
            } else {
                let connection = HTTP1ServerConnection(loop: self.loop, handler: self.handler, options: self.options, facts: self.facts) {}
                try context.pipeline.syncOperations.addHandler(connection)
            }
        } catch {
            // The channel closed meanwhile.
            return context.close(promise: nil)
        }
        let bytes = self.bytes
        self.bytes = ByteBuffer()
        if bytes.readableBytes > 0 { context.fireChannelRead(Self.wrapInboundOut(bytes)) }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}
