import Metrics
import Telemetry
import TelemetryBackends
import Testing

/// swift-metrics in the gateway's registry.
@Suite struct LibraryMetricsTests {
    private let registry = MetricRegistry(seriesBudget: 3)
    private let factory: LibraryMetricsFactory

    init() { self.factory = LibraryMetricsFactory(registry: self.registry, log: DiagnosticLog(descriptor: -1)) }

    private func points(_ name: String) -> [MetricPoint] { self.registry.snapshot().first { $0.instrument.name == name }?.points ?? [] }

    private func number(_ name: String, _ values: [String] = []) -> Double? {
        for point in self.points(name) where point.values == values { if case .number(let number) = point.value { return number } }
        return nil
    }

    @Test func `counters add up whoever made them`() {
        for _ in 0..<2 {
            Counter(label: "jobs", dimensions: [("kind", "a")], factory: self.factory).increment(by: 2)
            FloatingPointCounter(label: "spent", factory: self.factory).increment(by: 0.25)
        }
        #expect(self.number("jobs", ["a"]) == 4)
        #expect(self.number("spent") == 0.5)
        // Only what rises.
        Counter(label: "jobs", dimensions: [("kind", "a")], factory: self.factory).reset()
        #expect(self.number("jobs", ["a"]) == 4)
    }

    @Test func `a timer is a histogram of seconds`() throws {
        let timer = Timer(label: "query.time", factory: self.factory)
        timer.recordMilliseconds(20)
        timer.recordSeconds(3)
        guard case .histogram(let buckets, let sum)? = self.points("query.time").first?.value else {
            Issue.record("no histogram")
            return
        }
        #expect(buckets.reduce(0, +) == 2)
        #expect(abs(sum - 3.02) < 1e-9)
        #expect(self.registry.snapshot().first { $0.instrument.name == "query.time" }?.instrument.unit == "s")
    }

    @Test func `recorders keep a distribution and gauges the last value until they are destroyed`() {
        Recorder(label: "size", factory: self.factory).record(12)
        let gauge = Gauge(label: "depth", factory: self.factory)
        gauge.record(7)
        let meter = Meter(label: "open", factory: self.factory)
        meter.set(5)
        meter.decrement(by: 2)
        #expect(self.number("depth") == 7)
        #expect(self.number("open") == 3)
        guard case .histogram(let buckets, _)? = self.points("size").first?.value else {
            Issue.record("no histogram")
            return
        }
        #expect(buckets.reduce(0, +) == 1)
        gauge.destroy()
        meter.destroy()
        #expect(self.number("depth") == nil && self.number("open") == nil)
    }

    @Test func `the first use fixes the dimensions`() {
        Counter(label: "calls", dimensions: [("to", "db"), ("how", "read")], factory: self.factory).increment()
        Counter(label: "calls", dimensions: [("how", "read"), ("to", "db")], factory: self.factory).increment()
        Counter(label: "calls", dimensions: [("to", "db"), ("user", "alice")], factory: self.factory).increment()
        #expect(self.number("calls", ["db", "read"]) == 2)
        #expect(self.number("calls", ["db", ""]) == 1)
    }

    @Test func `a label the gateway or another kind has is refused`() {
        self.registry.add(Instruments.configReloads, ["success"])
        Counter(label: Instruments.configReloads.name, factory: self.factory).increment(by: 100)
        #expect(self.number(Instruments.configReloads.name, ["success"]) == 1)
        Counter(label: "mine", factory: self.factory).increment()
        Timer(label: "mine", factory: self.factory).recordSeconds(1)
        #expect(self.points("mine").count == 1)
        #expect(self.number("mine") == 1)
    }

    @Test func `the budget of series holds`() {
        for number in 0..<10 {
            Counter(label: "many", dimensions: [("id", "\(number)")], factory: self.factory).increment()
            Gauge(label: "gauges", dimensions: [("id", "\(number)")], factory: self.factory).record(number)
        }
        #expect(self.points("many").count == 4)
        #expect(self.number("many", [MetricRegistry.overflowValue]) == 7)
        #expect(self.points("gauges").count == 3)
        let overflow = self.points(Instruments.seriesOverflow.name).map(\.values)
        #expect(overflow == [["gauges"], ["many"]])
    }

    @Test func `many threads lose nothing`() async {
        let counter = Counter(label: "busy", factory: self.factory)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { for _ in 0..<1000 { counter.increment() } } }
        }
        #expect(self.number("busy") == 8000)
    }
}
