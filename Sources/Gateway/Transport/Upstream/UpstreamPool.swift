import GatewayCore
import GatewayWire
import NIOCore
import NIOPosix
import NIOSSL
import Telemetry

/// The upstream connections of one loop: kept alive per endpoint, last used first taken.
final class UpstreamPool: UpstreamTransport, @unchecked Sendable {
    // Unchecked: confined to its loop.
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
    private let tls: UpstreamTLS
    private var lastSweep: UInt64 = 0

    init(loop: any EventLoop, executor: LoopExecutor, timer: LoopTimer, buffers: BufferStack, telemetry: LoopTelemetry, options: UpstreamOptions) {
        self.loop = loop
        self.executor = executor
        self.timer = timer
        self.buffers = buffers
        self.options = options
        self.tls = UpstreamTLS(defaults: options)
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
            (connection, isReused) = try await self.open(request.endpoint, entry, timeout: request.timeouts.connect)
            self.telemetry.metrics.add(isReused ? self.reusedSeries : self.openedSeries)
        }
        return connection.begin(request, isReused: isReused)
    }

    /// A new connection; where as many are open as may be, the first that becomes free.
    private func open(_ endpoint: UpstreamEndpoint, _ entry: PoolEntry, timeout: UInt64) async throws(UpstreamFailure) -> (HTTP1UpstreamConnection, isReused: Bool) {
        let limit = self.options.connectionsPerEndpoint
        if limit > 0 {
            let wait = PoolWait(loop: self.loop, executor: self.executor, timer: self.timer)
            while entry.open + entry.connecting >= limit {
                try await wait.turn(in: entry, timeout: timeout)
                if let kept = self.takeIdle(entry) { return (kept, true) }
            }
        }
        entry.connecting += 1
        defer {
            entry.connecting -= 1
            entry.wakeNext()
        }
        return (try await self.connect(endpoint, entry, timeout: timeout), false)
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
        connection.entry.wakeNext()
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
            if entry.isUnused { self.entries[key] = nil }
        }
    }

    func closeAll() {
        let all = self.entries.values.flatMap(\.idle)
        for connection in all { connection.close() }
    }

    // MARK: Connecting

    private func connect(_ endpoint: UpstreamEndpoint, _ entry: PoolEntry, timeout: UInt64) async throws(UpstreamFailure) -> HTTP1UpstreamConnection {
        let tls = endpoint.isTLS ? try self.handler(for: endpoint) : nil
        let proxy = endpoint.proxy ?? self.options.proxies.proxy(for: endpoint)
        let bootstrap = self.bootstrap(timeout: timeout) { channel throws in
            let pipeline = channel.pipeline.syncOperations
            if let tls {
                if let proxy { try pipeline.addHandler(ProxyTunnelHandler(endpoint: endpoint, proxy: proxy)) }
                try pipeline.addHandler(try tls())
            }
            // One for each address that is tried: of two that overlap, the loser's end must not touch the winner.
            try pipeline.addHandler(HTTP1UpstreamConnection(endpoint: endpoint, entry: entry, pool: self, proxy: endpoint.isTLS ? nil : proxy))
        }
        let place = try await self.place(host: proxy?.host ?? endpoint.host, port: proxy?.port ?? endpoint.port)
        let future: EventLoopFuture<any Channel>
        if let address = try? SocketAddress(ipAddress: place.host, port: place.port) {
            future = bootstrap.connect(to: address)
        } else {
            future = bootstrap.connect(host: place.host, port: place.port)
        }
        let outcome = await PendingResult<any Channel>(loop: self.loop, executor: self.executor) { $0.close(promise: nil) }.wait(for: future, failure: UpstreamPool.failure(of:))
        let channel: any Channel
        switch outcome {
        case .success(let connected): channel = connected
        case .failure(let failure): throw failure
        }
        // Closed again already, where it is not there.
        guard let connection = try? channel.pipeline.syncOperations.handler(type: HTTP1UpstreamConnection.self) else { throw .closedBeforeResponse }
        if endpoint.isTLS { try await connection.waitForHandshake(timeout: timeout) }
        self.telemetry.metrics.add(self.gauge, 1)
        connection.isCounted = true
        connection.entry.open += 1
        return connection
    }

    /// Connects and closes again, for a health check that asks no more.
    func reach(_ endpoint: UpstreamEndpoint, timeout: UInt64) async throws(UpstreamFailure) {
        try await self.connect(UpstreamEndpoint(host: endpoint.host, port: endpoint.port, isTLS: false), PoolEntry(), timeout: timeout).close()
    }

    private func bootstrap(timeout: UInt64, _ prepare: @escaping @Sendable (any Channel) throws -> Void) -> ClientBootstrap {
        let bootstrap = ClientBootstrap(group: self.loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            // Also the number of receive buffers a channel keeps.
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 1024, maximum: 65_536))
            .connectTimeout(.nanoseconds(Int64(clamping: timeout)))
            .channelInitializer { channel in channel.eventLoop.makeCompletedFuture { try prepare(channel) } }
        guard let resolver = self.options.resolver else { return bootstrap }
        return bootstrap.resolver(LoopResolver(resolver, on: self.loop))
    }

    private func handler(for endpoint: UpstreamEndpoint) throws(UpstreamFailure) -> @Sendable () throws -> NIOSSLClientHandler {
        do { return try self.tls.handler(for: endpoint) } catch {
            // Only the kind: details may name files or certificates.
            DiagnosticLog.shared.error("TLS to an upstream cannot be set up", ("upstream", endpoint.authority), ("error", "\(type(of: error))"))
            throw .tls
        }
    }

    /// Where a host's SRV record leads, if it is asked for one; else the host itself.
    private func place(host: String, port: Int) async throws(UpstreamFailure) -> (host: String, port: Int) {
        guard let resolver = self.options.resolver, host.hasPrefix("_") || resolver.options.asksForServiceRecords, !UpstreamEndpoint.isNumeric(host) else { return (host, port) }
        let promise = self.loop.makePromise(of: [ServiceRecord].self)
        resolver.services(of: host) { result in
            switch result {
            case .success(let records): promise.succeed(records)
            case .failure(let failure): promise.fail(failure)
            }
        }
        let outcome = await PendingResult<[ServiceRecord]>(loop: self.loop, executor: self.executor).wait(for: promise.futureResult) { _ in .nameResolution }
        switch outcome {
        case .success(let records):
            guard let first = ServiceRecords.ordered(records, random: { Int.random(in: 0..<$0) }).first else { return (host, port) }
            return (first.target, first.port)
        case .failure(.cancelled): throw .cancelled
        case .failure:
            // Names that only may have such a record are asked for addresses then.
            if host.hasPrefix("_") { throw .nameResolution }
            return (host, port)
        }
    }

    func closed(_ connection: HTTP1UpstreamConnection) {
        guard connection.isCounted else { return }
        connection.entry.open -= 1
        connection.entry.wakeNext()
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
