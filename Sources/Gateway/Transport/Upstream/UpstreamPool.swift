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
    let options: UpstreamOptions
    private let telemetry: LoopTelemetry
    private var idle: [String: [HTTP1UpstreamConnection]] = [:]
    private var idleCount = 0
    private let reusedSeries: SeriesHandle
    private let openedSeries: SeriesHandle
    private let gauge: SeriesHandle
    private let tls = UpstreamTLS()
    private var lastSweep: UInt64 = 0

    init(loop: any EventLoop, executor: LoopExecutor, timer: LoopTimer, telemetry: LoopTelemetry, options: UpstreamOptions) {
        self.loop = loop
        self.executor = executor
        self.timer = timer
        self.options = options
        self.telemetry = telemetry
        self.reusedSeries = telemetry.metrics.series(Instruments.upstreamConnections, ["true"])
        self.openedSeries = telemetry.metrics.series(Instruments.upstreamConnections, ["false"])
        self.gauge = telemetry.metrics.series(Instruments.connectionsOpen, ["upstream"])
    }

    func send(_ request: UpstreamRequest) async throws(UpstreamFailure) -> any UpstreamExchange {
        let connection: HTTP1UpstreamConnection
        let isReused: Bool
        if let kept = self.takeIdle(request.endpoint.poolKey) {
            connection = kept
            isReused = true
            self.telemetry.metrics.add(self.reusedSeries)
        } else {
            connection = try await self.connect(request.endpoint, timeout: request.timeouts.connect)
            isReused = false
            self.telemetry.metrics.add(self.openedSeries)
        }
        return connection.begin(request, isReused: isReused)
    }

    private func takeIdle(_ key: String) -> HTTP1UpstreamConnection? {
        guard let index = self.idle.index(forKey: key) else { return nil }
        while let connection = self.idle.values[index].popLast() {
            self.idleCount -= 1
            if connection.isUsable { return connection }
            connection.close()
        }
        return nil
    }

    /// Takes back a connection whose exchange is complete.
    func giveBack(_ connection: HTTP1UpstreamConnection) {
        let key = connection.endpoint.poolKey
        guard connection.served < self.options.requestsPerConnection, self.idle[key, default: []].count < self.options.idleConnectionsPerEndpoint else {
            connection.close()
            return
        }
        connection.idleSince = MonotonicClock.now()
        self.idle[key, default: []].append(connection)
        self.idleCount += 1
    }

    /// Forgets an idle connection that its peer closed.
    func lost(_ connection: HTTP1UpstreamConnection) {
        guard let index = self.idle[connection.endpoint.poolKey]?.firstIndex(where: { $0 === connection }) else { return }
        self.idle[connection.endpoint.poolKey]?.remove(at: index)
        self.idleCount -= 1
    }

    func closeIdle(now: UInt64) {
        guard self.idleCount > 0, now &- self.lastSweep > 1_000_000_000 else { return }
        self.lastSweep = now
        for (key, connections) in self.idle {
            let stale = connections.filter { now &- $0.idleSince > self.options.idleTimeout }
            guard !stale.isEmpty else { continue }
            self.idle[key]?.removeAll { now &- $0.idleSince > self.options.idleTimeout }
            self.idleCount -= stale.count
            for connection in stale { connection.close() }
            if self.idle[key]?.isEmpty == true { self.idle[key] = nil }
        }
    }

    func closeAll() {
        let all = self.idle.values.joined()
        self.idle = [:]
        self.idleCount = 0
        for connection in all { connection.close() }
    }

    // MARK: Connecting

    private func connect(_ endpoint: UpstreamEndpoint, timeout: UInt64) async throws(UpstreamFailure) -> HTTP1UpstreamConnection {
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
        let connection = HTTP1UpstreamConnection(endpoint: endpoint, pool: self)
        let bootstrap = ClientBootstrap(group: self.loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 4)
            .channelOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 4096, maximum: 65_536))
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
        let executor = self.executor
        let outcome: Result<Void, UpstreamFailure> = await withUnsafeContinuation { continuation in
            future.whenComplete { result in
                switch result {
                case .success: continuation.resume(returning: .success(()))
                case .failure(let error): continuation.resume(returning: .failure(UpstreamPool.failure(of: error)))
                }
                executor.drain()
            }
        }
        if case .failure(let failure) = outcome { throw failure }
        if endpoint.isTLS { try await connection.waitForHandshake(timeout: timeout) }
        self.telemetry.metrics.add(self.gauge, 1)
        connection.isCounted = true
        return connection
    }

    func closed(_ connection: HTTP1UpstreamConnection) {
        if connection.isCounted { self.telemetry.metrics.add(self.gauge, -1) }
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
