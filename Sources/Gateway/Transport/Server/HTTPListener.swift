public import GatewayCore
public import NIOCore
import NIOPosix
import Synchronization
public import Telemetry

/// A bound address that accepts client connections and spreads them over the data loops.
public final class HTTPListener: Sendable {
    public let channel: any Channel

    private init(channel: any Channel) { self.channel = channel }

    /// Binds and starts accepting.
    ///
    /// - Parameters:
    ///   - loops: the loops that serve; the event loops of `group`.
    ///   - connectionCount: open connections of the process, shared by all listeners; the limit is in `options`.
    /// - Throws: what the operating system says (address in use, permission).
    public static func bind(
        host: String, port: Int, group: any EventLoopGroup, loops: [DataLoop], handler: any ExchangeHandler, options: ServerOptions, registry: MetricRegistry,
        connectionCount: ConnectionCount
    ) async throws -> HTTPListener {
        var byLoop: [ObjectIdentifier: DataLoop] = [:]
        for loop in loops { byLoop[ObjectIdentifier(loop.loop)] = loop }
        let table = byLoop
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // Also the number of receive buffers a channel keeps: one, since thousands of streams wait at a time.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 4096, maximum: 65_536))
            .childChannelInitializer { channel in
                guard let loop = table[ObjectIdentifier(channel.eventLoop)], connectionCount.enter(limit: options.maximumConnections) else {
                    registry.add(Instruments.connectionsRefused)
                    return channel.close()
                }
                return channel.eventLoop.makeCompletedFuture {
                    let connection = HTTP1ServerConnection(loop: loop, handler: handler, options: options) { connectionCount.leave() }
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
        return HTTPListener(channel: try await bootstrap.bind(host: host, port: port).get())
    }

    /// The port really bound (of interest when 0 was asked for).
    public var port: Int { self.channel.localAddress?.port ?? 0 }

    /// Stops accepting.
    public func close() async {
        // The only failure is that it is closed already.
        try? await self.channel.close().get()
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
