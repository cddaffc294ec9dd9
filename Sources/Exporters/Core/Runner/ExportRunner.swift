public import SideClient
import Synchronization
public import Telemetry

/// Delivers what exporters encode: queues, batches, retries, spools and counts, for every signal, on one thread of its own.
///
/// Exporters only encode; compression, disk and network stay away from the event loops and from the thread that drains them, so that a
/// disk that hangs holds up deliveries and nothing else.
public final class ExportRunner: Sendable {
    private struct State {
        var streams: [ExportStream] = []
        var periodic: [any PeriodicExport] = []
        /// Streams made so far, by exporter and by processor: numbers in `otel.component.name`.
        var made: [String: Int] = [:]
        var observed: Set<String> = []
        var spool: (options: SpoolOptions, budget: SpoolBudget)?
        var isStarted = false
        var isStopping = false
    }

    private let state = Mutex(State())
    private let signal = ThreadSignal()
    private let client: SideClient
    public let registry: MetricRegistry
    /// When counting began: the start time of cumulative metrics, nanoseconds since the epoch.
    let startWall = MonotonicClock.wall()
    private let log: DiagnosticLog

    /// - Parameters:
    ///   - client: may be shared with others; it is not shut down here.
    ///   - registry: takes the self-metrics.
    public init(client: SideClient, registry: MetricRegistry, log: DiagnosticLog = .shared) {
        self.client = client
        self.registry = registry
        self.log = log
    }

    /// Starts the thread. Streams made before have waited for this; with `spool` they take over what an earlier process left.
    public func start(spool: SpoolOptions? = nil) {
        let isFirst = self.state.withLock { state in
            defer { state.isStarted = true }
            guard !state.isStarted else { return false }
            if let spool {
                let budget = SpoolBudget(maximumBytes: spool.maximumBytes)
                state.spool = (spool, budget)
                for stream in state.streams { stream.use(spool, budget: budget) }
            }
            return true
        }
        guard isFirst else { return }
        if let spool { self.reportOrphans(spool) }
        let code = WorkerThread.start("export") { self.run() }
        if code != 0 { self.log.error("the export thread could not be started", ("errno", "\(code)")) }
    }

    /// The way to a new destination.
    public func makeStream(_ target: ExportTarget) -> ExportStream {
        let component = "\(target.transport) \(target.signal.name)"
        let key = "\(target.consumer)\u{0}\(target.signal.name)"
        let (stream, isFirst) = self.state.withLock { state -> (ExportStream, Bool) in
            // The names of processors do not say how is sent: they are numbered over all transports, or two would share a series.
            let numbers = (exporter: ExportRunner.next(component, &state), processor: ExportRunner.next("\(target.signal.name)", &state))
            // Two streams to one place must not share a directory.
            let base = target.spoolName
            var name = base
            var ordinal = 2
            while state.streams.contains(where: { $0.spoolName == name && !$0.isClosed }) {
                name = "\(base)-\(ordinal)"
                ordinal += 1
            }
            let stream = ExportStream(
                target: target, spoolName: name, numbers: numbers, client: self.client, registry: self.registry, log: self.log, wake: { [signal] in signal.notify() })
            if let spool = state.spool { stream.use(spool.options, budget: spool.budget) }
            state.streams.append(stream)
            return (stream, state.observed.insert(key).inserted)
        }
        if isFirst { self.observe(target) }
        self.observeProcessor(stream)
        self.signal.notify()
        return stream
    }

    private static func next(_ component: String, _ state: inout State) -> Int {
        let number = state.made[component, default: 0]
        state.made[component] = number + 1
        return number
    }

    func add(_ export: any PeriodicExport) {
        self.state.withLock { $0.periodic.append(export) }
        self.signal.notify()
    }

    func remove(_ export: any PeriodicExport) { self.state.withLock { $0.periodic.removeAll { $0 === export } } }

    // MARK: The thread

    private func run() {
        while true {
            let (streams, periodic, isStopping) = self.state.withLock { ($0.streams, $0.periodic, $0.isStopping) }
            var next = MonotonicClock.now() &+ 1_000_000_000
            for export in periodic { next = min(next, export.turn(now: MonotonicClock.now())) }
            for stream in streams {
                let isNew = !stream.hasStarted
                next = min(next, stream.turn(now: MonotonicClock.now()))
                if isNew { self.inherit(stream) }
            }
            if streams.contains(where: \.isClosed) {
                self.state.withLock { $0.streams.removeAll(where: \.isClosed) }
                for stream in streams where stream.isClosed {
                    self.stopObserving(stream)
                    self.bequeath(stream)
                }
            }
            if isStopping, self.state.withLock({ $0.streams.isEmpty }) { return }
            let now = MonotonicClock.now()
            if next > now { self.signal.wait(nanoseconds: next - now) }
        }
    }

    /// Gives a stream that began what lies in other directories of its destination and is nobody's.
    private func inherit(_ stream: ExportStream) {
        guard let directory = stream.spoolOptions?.directory else { return }
        let used = Set(self.state.withLock { $0.streams.filter { !$0.isClosed }.map(\.spoolName) })
        for name in SpoolDirectory.entries(directory).sorted() where !used.contains(name) && ExportTarget.isSpool(name, of: stream.target.spoolName) {
            stream.inherit("\(directory)/\(name)")
        }
    }

    /// Gives what a stream left on disk to another of the same destination: after a reload that changed a timeout nothing waits for the next start.
    private func bequeath(_ stream: ExportStream) {
        guard let directory = stream.spoolOptions?.directory else { return }
        let base = stream.target.spoolName
        let heir = self.state.withLock { state in state.isStopping ? nil : state.streams.first { !$0.isClosed && $0.target.spoolName == base } }
        guard let heir, SpoolDirectory.entries("\(directory)/\(stream.spoolName)").contains(where: { $0.hasSuffix(".segment") }) else { return }
        heir.inherit("\(directory)/\(stream.spoolName)")
        self.signal.notify()
    }

    /// Ends the thread once every stream is closed; those that are open get until `deadline` (``MonotonicClock``).
    public func shutdown(deadline: UInt64) {
        let streams = self.state.withLock { state in
            state.isStopping = true
            return state.streams
        }
        for stream in streams { stream.end(deadline: deadline) }
        for stream in streams { stream.finish(deadline: deadline) }
        self.signal.notify()
    }

    // MARK: Gauges

    private func total(_ target: ExportTarget, _ value: (borrowing ExportStream.Shared) -> Int) -> Double {
        let streams = self.state.withLock { $0.streams }
        var sum = 0
        for stream in streams where stream.target.signal == target.signal && stream.target.consumer.description == target.consumer.description {
            sum += stream.shared.withLock { value($0) }
        }
        return Double(sum)
    }

    private func observe(_ target: ExportTarget) {
        let labels = ["\(target.consumer)", "\(target.signal.name)"]
        self.registry.observe(Instruments.exportQueueItems, labels + ["memory"]) { [weak self] in self?.total(target) { $0.memoryItems } ?? 0 }
        self.registry.observe(Instruments.exportQueueItems, labels + ["disk"]) { [weak self] in self?.total(target) { $0.diskItems } ?? 0 }
        self.registry.observe(Instruments.exportQueueBytes, labels + ["memory"]) { [weak self] in self?.total(target) { $0.memoryBytes } ?? 0 }
        self.registry.observe(Instruments.exportQueueBytes, labels + ["disk"]) { [weak self] in self?.total(target) { $0.diskBytes } ?? 0 }
        self.registry.observe(Instruments.spoolDegraded, labels) { [weak self] in self?.total(target) { $0.isDegraded ? 1 : 0 } ?? 0 > 0 ? 1 : 0 }
    }

    private func observeProcessor(_ stream: ExportStream) {
        guard let queue = stream.metrics.queue else { return }
        let name = [stream.metrics.processorName]
        let capacity = Double(stream.target.maximumQueuedItems)
        self.registry.observe(queue.size, name) { [weak stream] in Double(stream?.shared.withLock { $0.memoryItems } ?? 0) }
        self.registry.observe(queue.capacity, name) { capacity }
    }

    private func stopObserving(_ stream: ExportStream) {
        guard let queue = stream.metrics.queue else { return }
        self.registry.stopObserving(queue.size, [stream.metrics.processorName])
        self.registry.stopObserving(queue.capacity, [stream.metrics.processorName])
    }

    /// Names what waits for destinations that are not configured any more.
    private func reportOrphans(_ spool: SpoolOptions) {
        let known = Set(self.state.withLock { $0.streams.map(\.target.spoolName) })
        for name in SpoolDirectory.entries(spool.directory).sorted() where !known.contains(where: { ExportTarget.isSpool(name, of: $0) }) {
            let path = "\(spool.directory)/\(name)"
            let segments = SpoolDirectory.entries(path).filter { $0.hasSuffix(".segment") }
            guard !segments.isEmpty else { continue }
            self.log.warning("the spool holds telemetry for a destination that is not configured; it stays there", ("directory", path), ("segments", "\(segments.count)"))
        }
    }
}
