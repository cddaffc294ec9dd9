import GatewayCore
public import NIOCore
public import Telemetry

/// One event loop of the data plane with everything that is confined to it: executor, timer, upstream pool, telemetry.
public final class DataLoop: @unchecked Sendable {
    // Unchecked: reached from other threads only through `loop.execute`.
    public let loop: any EventLoop
    let executor: LoopExecutor
    let timer = LoopTimer()
    let buffers = BufferStack()
    let context: LoopContext
    let pool: UpstreamPool
    /// Open client connections of this loop.
    var connections: [ObjectIdentifier: any ClientConnection] = [:]
    var isDraining = false
    let connectionGauge: SeriesHandle
    let protocolErrorSeries: (StaticString) -> SeriesHandle

    public init(loop: any EventLoop, telemetry: LoopTelemetry, upstream: UpstreamOptions) {
        self.loop = loop
        let executor = LoopExecutor(loop: loop)
        self.executor = executor
        self.pool = UpstreamPool(loop: loop, executor: executor, timer: self.timer, buffers: self.buffers, telemetry: telemetry, options: upstream)
        self.context = LoopContext(telemetry: telemetry, upstream: self.pool)
        self.context.decoder = { StreamDecoder(coding: $0) }
        self.connectionGauge = telemetry.metrics.series(Instruments.connectionsOpen, ["client"])
        self.protocolErrorSeries = { code in telemetry.metrics.series(Instruments.protocolErrors, ["\(code)"]) }
    }

    /// Begins the loop's periodic work. Any thread.
    public func start() {
        self.loop.execute {
            self.refreshDate()
            self.timer.onTick = { [weak self] in self?.tick() }
            self.timer.start(on: self.loop)
        }
    }

    /// Connections whose output leaves at the end of the loop's turn.
    private var unflushed: [HTTP2ServerConnection] = []

    /// Flushes a connection once everything that is ready now has been dealt with: what several upstreams answer at once leaves in one write.
    func flushLater(_ connection: HTTP2ServerConnection) {
        self.unflushed.append(connection)
        guard self.unflushed.count == 1 else { return }
        self.loop.execute {
            let ready = self.unflushed
            self.unflushed.removeAll(keepingCapacity: true)
            for connection in ready { connection.flushNow() }
        }
    }

    /// Tasks that have served a stream and wait for the next.
    private var idleTasks: [StreamTask] = []
    /// More are not kept: each has room for the frames of a request.
    private static let keptTasks = 64
    private var hasStopped = false

    func takeTask() -> StreamTask { self.idleTasks.popLast() ?? StreamTask(loop: self) }

    /// - Returns: false where the task is to end.
    func keep(_ task: StreamTask) -> Bool {
        guard !self.hasStopped, self.idleTasks.count < DataLoop.keptTasks else { return false }
        self.idleTasks.append(task)
        return true
    }

    private var ticks = 0
    private func tick() {
        self.ticks &+= 1
        self.executor.hold()
        if self.ticks % 5 == 0 {
            self.refreshDate()
            self.context.tendWebSockets(now: self.timer.tickTime)
        }
        self.pool.closeIdle(now: self.timer.tickTime)
        self.executor.drain()
    }

    private func refreshDate() { self.context.dateField = Timestamp(nanosecondsSinceEpoch: MonotonicClock.wall()).httpDate }

    /// Stops taking requests: idle connections close, busy ones after their response. Any thread.
    public func drain() {
        self.loop.execute {
            self.isDraining = true
            self.executor.hold()
            self.context.goAway()
            self.executor.drain()
            for connection in self.connections.values { connection.closeIfIdle() }
        }
    }

    /// Ends what is still open. Any thread.
    public func abort() {
        self.loop.execute {
            self.executor.hold()
            for connection in self.connections.values { connection.forceClose(.shutdown) }
            self.pool.closeAll()
            self.executor.drain()
        }
    }

    /// Number of open client connections.
    public func openConnections() -> EventLoopFuture<Int> { self.loop.submit { self.connections.count } }

    /// Runs the loop's own timer and pool down. Any thread.
    public func stop() -> EventLoopFuture<Void> {
        self.loop.submit {
            self.timer.stop()
            self.pool.closeAll()
            self.hasStopped = true
            self.executor.hold()
            for task in self.idleTasks { task.end() }
            self.idleTasks = []
            self.executor.drain()
        }
    }
}
