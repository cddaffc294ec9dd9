import GatewayCore
import GatewayWire
import NIOCore
import NIOPosix
import NIOSSL
import Telemetry

/// The upstream connections of one loop: kept alive per endpoint, last used first taken.
final class UpstreamPool: UpstreamTransport {
    private let loop: any EventLoop
    let executor: LoopExecutor
    let timer: LoopTimer
    let buffers: BufferStack
    let options: UpstreamOptions
    private let telemetry: LoopTelemetry
    private var entries: [String: PoolEntry] = [:]
    private let reusedSeries: SeriesHandle
    private let openedSeries: SeriesHandle
    private let gauge: SeriesHandle
    private let tls = UpstreamTLS()
    private var lastSweep: UInt64 = 0

    init(loop: any EventLoop, executor: LoopExecutor, timer: LoopTimer, buffers: BufferStack, telemetry: LoopTelemetry, options: UpstreamOptions) {
        self.loop = loop
        self.executor = executor
        self.timer = timer
        self.buffers = buffers
        self.options = options
        self.telemetry = telemetry
        self.reusedSeries = telemetry.metrics.series(Instruments.upstreamConnections, ["true"])
        self.openedSeries = telemetry.metrics.series(Instruments.upstreamConnections, ["false"])
        self.gauge = telemetry.metrics.series(Instruments.connectionsOpen, ["upstream"])
    }

    func send(_ request: borrowing UpstreamRequest) async throws(UpstreamFailure) -> any UpstreamExchange {
        let connection: HTTP1UpstreamConnection
        let isReused: Bool
        let entry = self.entry(of: request.endpoint)
        if let kept = self.takeIdle(entry) {
            connection = kept
            isReused = true
            self.telemetry.metrics.add(self.reusedSeries)
        } else {
            connection = try await self.connect(request.endpoint, entry, timeout: request.timeouts.connect)
            isReused = false
            self.telemetry.metrics.add(self.openedSeries)
        }
        return connection.begin(request, isReused: isReused)
    }

    private func takeIdle(_ entry: PoolEntry) -> HTTP1UpstreamConnection? {
        while let connection = entry.idle.popLast() {
            if connection.isUsable { return connection }
            connection.close()
        }
        return nil
    }

    private func entry(of endpoint: UpstreamEndpoint) -> PoolEntry {
        if let known = self.entries[endpoint.poolKey] { return known }
        let entry = PoolEntry()
        self.entries[endpoint.poolKey] = entry
        return entry
    }

    /// Takes back a connection whose exchange is complete.
    func giveBack(_ connection: HTTP1UpstreamConnection) {
        guard connection.served < self.options.requestsPerConnection, connection.entry.idle.count < self.options.idleConnectionsPerEndpoint else {
            connection.close()
            return
        }
        connection.idleSince = self.timer.tickTime
        connection.entry.idle.append(connection)
    }

    /// Forgets an idle connection that its peer closed.
    func lost(_ connection: HTTP1UpstreamConnection) {
        guard let index = connection.entry.idle.firstIndex(where: { $0 === connection }) else { return }
        connection.entry.idle.remove(at: index)
    }

    func closeIdle(now: UInt64) {
        guard now &- self.lastSweep > 1_000_000_000 else { return }
        self.lastSweep = now
        for (key, entry) in self.entries {
            let stale = entry.idle.filter { now &- $0.idleSince > self.options.idleTimeout }
            if stale.isEmpty, entry.open > 0 { continue }
            entry.idle.removeAll { now &- $0.idleSince > self.options.idleTimeout }
            for connection in stale { connection.close() }
            if entry.open == 0 { self.entries[key] = nil }
        }
    }

    func closeAll() {
        let all = self.entries.values.flatMap(\.idle)
        for connection in all { connection.close() }
    }

    // MARK: Connecting

    private func connect(_ endpoint: UpstreamEndpoint, _ entry: PoolEntry, timeout: UInt64) async throws(UpstreamFailure) -> HTTP1UpstreamConnection {
        let context: NIOSSLContext?
        if endpoint.isTLS {
            do {
                context = try self.tls.context(verifying: endpoint.verifiesCertificate, trustedCertificatesPath: self.options.trustedCertificatesPath)
            } catch {
                DiagnosticLog.shared.error("TLS to upstreams cannot be set up", ("error", "\(error)"))
                throw .tls
            }
        } else {
            context = nil
        }
        let connection = HTTP1UpstreamConnection(endpoint: endpoint, entry: entry, pool: self)
        let bootstrap = ClientBootstrap(group: self.loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            // Also the number of receive buffers a channel keeps.
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 1024, maximum: 65_536))
            .connectTimeout(.nanoseconds(Int64(clamping: timeout)))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: endpoint.serverName))
                    }
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
        let future: EventLoopFuture<any Channel>
        if let address = try? SocketAddress(ipAddress: endpoint.host, port: endpoint.port) {
            future = bootstrap.connect(to: address)
        } else {
            future = bootstrap.connect(host: endpoint.host, port: endpoint.port)
        }
        let outcome = await PendingConnect(loop: self.loop, executor: self.executor).wait(for: future, failure: UpstreamPool.failure(of:))
        if case .failure(let failure) = outcome { throw failure }
        if endpoint.isTLS { try await connection.waitForHandshake(timeout: timeout) }
        self.telemetry.metrics.add(self.gauge, 1)
        connection.isCounted = true
        connection.entry.open += 1
        return connection
    }

    func closed(_ connection: HTTP1UpstreamConnection) {
        guard connection.isCounted else { return }
        connection.entry.open -= 1
        self.telemetry.metrics.add(self.gauge, -1)
    }

    /// Sorts what NIO reports into our closed set.
    private static func failure(of error: any Error) -> UpstreamFailure {
        switch error {
        case let error as NIOConnectionError:
            if !error.connectionErrors.isEmpty {
                let isTimeout = error.connectionErrors.contains { if case ChannelError.connectTimeout = $0.error { true } else { false } }
                return isTimeout ? .connectTimeout : .connectRefused
            }
            return .nameResolution
        case ChannelError.connectTimeout: return .connectTimeout
        default: return .connectRefused
        }
    }
}

/// The connections of one endpoint on one loop.
final class PoolEntry {
    var idle: [HTTP1UpstreamConnection] = []
    /// Idle and busy ones; the entry stays while there is one.
    var open = 0
}
