import Synchronization
public import Telemetry

/// Pushes every metric of the process at an interval: the same instruments and numbers that `/metrics` shows.
///
/// Runs on the runner's thread, so that reading tens of thousands of series holds up deliveries and nothing else.
public final class OTLPMetricExporter: PeriodicExport {
    private let encoder: OTLPMetricEncoder
    private let envelope: OTLPEnvelope
    private let stream: ExportStream
    private let runner: ExportRunner
    private let interval: UInt64
    private let next: Mutex<UInt64>
    private let includes: @Sendable (Instrument) -> Bool

    /// Points of one export: a body of about two megabytes at most.
    static let maximumPoints = 4000

    /// - Parameters:
    ///   - intervalMilliseconds: from one export to the next.
    ///   - includes: whether an instrument is pushed; all are unless said otherwise.
    public init(options: OTLPOptions, intervalMilliseconds: Int, runner: ExportRunner, includes: @escaping @Sendable (Instrument) -> Bool = { _ in true }) {
        self.includes = includes
        var options = options
        options.maximumBatchSpans = OTLPMetricExporter.maximumPoints
        options.maximumQueuedSpans = max(options.maximumQueuedSpans, 1_000_000)
        self.encoder = OTLPMetricEncoder(start: runner.startWall)
        self.envelope = OTLPEnvelope(options: options)
        self.stream = runner.makeStream(options.target(.metrics))
        self.runner = runner
        self.interval = UInt64(max(1, intervalMilliseconds)) &* 1_000_000
        self.next = Mutex(MonotonicClock.now() &+ self.interval)
        runner.add(self)
    }

    public func turn(now: UInt64) -> UInt64 {
        let (isDue, next) = self.next.withLock { next -> (Bool, UInt64) in
            guard now >= next else { return (false, next) }
            // A turn that comes late does not make the next one early.
            next = max(next &+ self.interval, now)
            return (true, next)
        }
        if isDue { self.export() }
        return next
    }

    /// Hands over what the instruments say now.
    func export() {
        let born = MonotonicClock.now()
        let now = MonotonicClock.wall()
        var body = ByteWriter(capacity: 1 << 16)
        var points = 0
        for family in self.runner.registry.snapshot() where self.includes(family.instrument) {
            var rest = family.points[...]
            while !rest.isEmpty {
                let part = rest.prefix(OTLPMetricExporter.maximumPoints - points)
                rest = rest.dropFirst(part.count)
                self.encoder.encode(family.instrument, part, now: now, into: &body)
                points += part.count
                if points >= OTLPMetricExporter.maximumPoints { self.submit(&body, &points, born) }
            }
        }
        self.submit(&body, &points, born)
    }

    private func submit(_ body: inout ByteWriter, _ points: inout Int, _ born: UInt64) {
        guard points > 0 else { return }
        if self.stream.admit(requests: 0, items: points, pendingBytes: 0) {
            self.stream.submit(self.envelope.wrap(body.bytes), items: points, requests: 0, born: born)
        }
        body.removeAll()
        points = 0
    }

    /// A last export, delivered until `deadline` (``MonotonicClock``) or spooled. Blocks the caller.
    public func shutdown(deadline: UInt64) {
        self.runner.remove(self)
        self.export()
        self.stream.finish(deadline: deadline)
    }
}
