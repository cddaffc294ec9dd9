public import GatewayCore
import Glibc
public import NIOCore
import NIOPosix
import Synchronization
public import Telemetry

/// A bound address that accepts client connections and spreads them over the data loops.
public final class HTTPListener: Sendable {
    /// One socket, or one an event loop.
    private let channels: [any Channel]

    private init(channels: [any Channel]) { self.channels = channels }

    /// What the connections of a listener are served with.
    public struct Service: Sendable {
        public var loops: [DataLoop]
        public var handler: any ExchangeHandler
        public var options: ServerOptions
        public var registry: MetricRegistry
        /// Open connections of the process, shared by all listeners; the limit is in `options`.
        public var count: ConnectionCount
        /// Needed by listeners with TLS.
        public var tls: ServerTLS?

        public init(loops: [DataLoop], handler: any ExchangeHandler, options: ServerOptions, registry: MetricRegistry, count: ConnectionCount, tls: ServerTLS? = nil) {
            self.loops = loops
            self.handler = handler
            self.options = options
            self.registry = registry
            self.count = count
            self.tls = tls
        }
    }

    /// Binds and starts accepting in plaintext HTTP/1.1.
    ///
    /// - Parameters:
    ///   - loops: the loops that serve; the event loops of `group`.
    ///   - connectionCount: open connections of the process, shared by all listeners; the limit is in `options`.
    /// - Throws: what the operating system says (address in use, permission).
    public static func bind(
        host: String, port: Int, group: any EventLoopGroup, loops: [DataLoop], handler: any ExchangeHandler, options: ServerOptions, registry: MetricRegistry,
        connectionCount: ConnectionCount
    ) async throws -> HTTPListener {
        let service = Service(loops: loops, handler: handler, options: options, registry: registry, count: connectionCount)
        return try await self.bind(host: host, port: port, group: group, service: service, listener: ListenOptions())
    }

    /// Binds and starts accepting what the listener's options say.
    public static func bind(
        host: String, port: Int, group: any EventLoopGroup, service: Service, listener: ListenOptions
    ) async throws -> HTTPListener {
        guard listener.reusesPort, service.loops.count > 1 else {
            return HTTPListener(channels: [try await self.bootstrap(group, service, listener).bind(host: host, port: port).get()])
        }
        var channels: [any Channel] = []
        do {
            for loop in service.loops {
                // What the first got where the system was to choose a port.
                let port = channels.first?.localAddress?.port ?? port
                channels.append(try await self.bootstrap(loop.loop, service, listener).bind(host: host, port: port).get())
            }
        } catch {
            await HTTPListener(channels: channels).close()
            throw error
        }
        return HTTPListener(channels: channels)
    }

    private static func bootstrap(_ group: any EventLoopGroup, _ service: Service, _ listener: ListenOptions) -> ServerBootstrap {
        var byLoop: [ObjectIdentifier: DataLoop] = [:]
        for loop in service.loops { byLoop[ObjectIdentifier(loop.loop)] = loop }
        let table = byLoop
        var bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: listener.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // Also the number of receive buffers a channel keeps: one, since thousands of streams wait at a time.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: 65_536))
        if listener.reusesPort { bootstrap = bootstrap.serverChannelOption(.socketOption(NIOBSDSocket.Option(rawValue: SO_REUSEPORT)), value: 1) }
        if listener.defersAccept { bootstrap = bootstrap.serverChannelOption(.tcpOption(.init(rawValue: TCP_DEFER_ACCEPT)), value: 1) }
        if let keepsAlive = listener.keepsAlive { bootstrap = bootstrap.childChannelOption(.socketOption(.so_keepalive), value: keepsAlive ? 1 : 0) }
        return bootstrap.childChannelInitializer { channel in
            guard let loop = table[ObjectIdentifier(channel.eventLoop)], service.count.enter(limit: service.options.maximumConnections) else {
                service.registry.add(Instruments.connectionsRefused)
                return channel.close()
            }
            return channel.eventLoop.makeCompletedFuture {
                if listener.isTLS || listener.allowsHTTP2 || listener.readsProxyHeader {
                    channel.closeFuture.whenComplete { _ in service.count.leave() }
                    let starter = ConnectionStarter(loop: loop, handler: service.handler, options: service.options, listener: listener)
                    try starter.start(channel, tls: listener.isTLS ? service.tls : nil)
                } else {
                    let connection = HTTP1ServerConnection(loop: loop, handler: service.handler, options: service.options) { service.count.leave() }
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
        }
    }

    /// The port really bound (of interest when 0 was asked for).
    public var port: Int { self.channels.first?.localAddress?.port ?? 0 }

    /// Stops accepting.
    public func close() async {
        for channel in self.channels {
            // The only failure is that it is closed already.
            try? await channel.close().get()
        }
    }
}

/// Open client connections of the process.
public final class ConnectionCount: Sendable {
    private let value = Atomic<Int>(0)

    public init() {}

    func enter(limit: Int) -> Bool {
        if self.value.wrappingAdd(1, ordering: .relaxed).newValue <= limit { return true }
        self.leave()
        return false
    }

    func leave() { self.value.wrappingSubtract(1, ordering: .relaxed) }
}
