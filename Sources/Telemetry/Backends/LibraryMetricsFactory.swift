public import CoreMetrics
import Synchronization
public import Telemetry

/// swift-metrics in the gateway's registry: what libraries count stands on `/metrics` and in OTLP metrics, within the same budget of series.
///
/// A label becomes the instrument's name as it is; Prometheus sees it with the unit of timers and `_total` for counters, as with our own. The first use of a label fixes its kind and its
/// dimensions. Later ones with other dimensions get those: what is missing is empty, what is more is left out, said once in the log. A label that another kind or the gateway itself has
/// is refused: its handlers do nothing, and the log says so.
public final class LibraryMetricsFactory: MetricsFactory {
    /// What OpenTelemetry's SDK has where nobody says otherwise (https://opentelemetry.io/docs/specs/otel/metrics/sdk/#explicit-bucket-histogram-aggregation).
    public static let recorderBounds: [Double] = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000]
    /// Seconds.
    public static let timerBounds: [Double] = [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    private static let source = "swift-metrics"

    private let registry: MetricRegistry
    private let log: DiagnosticLog
    /// Gauges made so far, by instrument; labels that were complained about.
    private let state = Mutex<(gauges: [String: [[String]: LibraryGauge]], said: Set<String>)>(([:], []))

    public init(registry: MetricRegistry, log: DiagnosticLog = .shared) {
        self.registry = registry
        self.log = log
    }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        guard let (instrument, values) = self.instrument(label, .counter, unit: "", dimensions) else { return NOOPMetricsHandler.instance }
        return LibraryCounter(self.registry, self.registry.series(instrument, values))
    }

    public func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        guard let (instrument, values) = self.instrument(label, .realCounter, unit: "", dimensions) else { return NOOPMetricsHandler.instance }
        return LibraryCounter(self.registry, self.registry.series(instrument, values))
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        self.gauge(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        guard aggregate else { return self.gauge(label, dimensions) ?? NOOPMetricsHandler.instance }
        guard let (instrument, values) = self.instrument(label, .histogram(bounds: Self.recorderBounds), unit: "", dimensions) else { return NOOPMetricsHandler.instance }
        return LibraryHistogram(self.registry, self.registry.series(instrument, values), bounds: Self.recorderBounds)
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        guard let (instrument, values) = self.instrument(label, .histogram(bounds: Self.timerBounds), unit: "s", dimensions) else { return NOOPMetricsHandler.instance }
        return LibraryHistogram(self.registry, self.registry.series(instrument, values), bounds: Self.timerBounds)
    }

    // A counter's past does not end with its handler; only gauges say something of the present.
    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) { self.forget(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { self.forget(handler) }

    // MARK: Instruments

    /// The instrument of a label, with the values of its attributes; nil where the label is taken by something else.
    private func instrument(_ label: String, _ kind: Instrument.Kind, unit: String, _ dimensions: [(String, String)]) -> (Instrument, [String])? {
        let wanted = Instrument(name: label, kind, unit: unit, help: "Recorded by a library through swift-metrics.", attributes: dimensions.map(\.0), source: Self.source)
        let known = self.registry.adopt(wanted)
        guard known.source == Self.source, known.kind == kind, known.unit == unit else {
            self.say(label, "a library's metric is refused: its label is taken by a metric of another kind")
            return nil
        }
        let given = Dictionary(dimensions, uniquingKeysWith: { _, last in last })
        if given.keys.contains(where: { !known.attributes.contains($0) }) {
            self.say(label, "a library's metric is recorded without some of its dimensions: the first use of a label fixes them")
        }
        return (known, known.attributes.map { given[$0] ?? "" })
    }

    private func say(_ label: String, _ problem: String) {
        guard self.state.withLock({ $0.said.insert(label).inserted }) else { return }
        self.log.warning(problem, ("metric", label))
    }

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> LibraryGauge? {
        guard let (instrument, values) = self.instrument(label, .observedGauge, unit: "", dimensions) else { return nil }
        let budget = self.registry.seriesBudget
        let (gauge, isNew) = self.state.withLock { state -> (LibraryGauge?, Bool) in
            if let known = state.gauges[label]?[values] { return (known, false) }
            // Gauges cannot be folded into one: those beyond the budget are not kept, and counted.
            guard state.gauges[label]?.count ?? 0 < budget else { return (nil, false) }
            let made = LibraryGauge(instrument, values)
            state.gauges[label, default: [:]][values] = made
            return (made, true)
        }
        if let gauge {
            if isNew { self.registry.observe(instrument, values) { gauge.value } }
        } else {
            self.registry.refuse(instrument)
        }
        return gauge
    }

    private func forget(_ handler: AnyObject) {
        guard let gauge = handler as? LibraryGauge else { return }
        self.state.withLock { $0.gauges[gauge.instrument.name]?[gauge.values] = nil }
        self.registry.stopObserving(gauge.instrument, gauge.values)
    }
}

/// A counter of whole or of real numbers.
private final class LibraryCounter: CounterHandler, FloatingPointCounterHandler {
    private let registry: MetricRegistry
    private let series: SeriesHandle

    init(_ registry: MetricRegistry, _ series: SeriesHandle) {
        self.registry = registry
        self.series = series
    }

    func increment(by amount: Int64) { if amount > 0 { self.registry.add(self.series, by: amount) } }
    func increment(by amount: Double) { if amount > 0, amount.isFinite { self.registry.add(self.series, real: amount) } }
    /// Counters of Prometheus and OpenTelemetry only rise: what readers compute from them would break.
    func reset() {}
}

private final class LibraryHistogram: RecorderHandler, TimerHandler {
    private let registry: MetricRegistry
    private let series: SeriesHandle
    private let bounds: [Double]

    init(_ registry: MetricRegistry, _ series: SeriesHandle, bounds: [Double]) {
        self.registry = registry
        self.series = series
        self.bounds = bounds
    }

    func record(_ value: Int64) { self.record(Double(value)) }
    func record(_ value: Double) { if value.isFinite { self.registry.record(self.series, value, bounds: self.bounds) } }
    func recordNanoseconds(_ duration: Int64) { self.record(Double(duration) / 1e9) }
}

final class LibraryGauge: MeterHandler, RecorderHandler {
    let instrument: Instrument
    let values: [String]
    private let bits = Atomic<UInt64>(0)

    init(_ instrument: Instrument, _ values: [String]) {
        self.instrument = instrument
        self.values = values
    }

    var value: Double { Double(bitPattern: self.bits.load(ordering: .relaxed)) }
    func set(_ value: Int64) { self.set(Double(value)) }
    func set(_ value: Double) { self.bits.store(value.bitPattern, ordering: .relaxed) }
    func record(_ value: Int64) { self.set(Double(value)) }
    func record(_ value: Double) { self.set(value) }
    func decrement(by amount: Double) { self.increment(by: -amount) }

    func increment(by amount: Double) {
        var old = self.bits.load(ordering: .relaxed)
        while true {
            let (exchanged, original) = self.bits.weakCompareExchange(expected: old, desired: (Double(bitPattern: old) + amount).bitPattern, ordering: .relaxed)
            if exchanged { return }
            old = original
        }
    }
}
