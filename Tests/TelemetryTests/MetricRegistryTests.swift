import Synchronization
import TelemetryTestSupport
import Testing

@testable import Telemetry

@Suite struct MetricRegistryTests {
    private static let counter = Instrument("test.counter", .counter, unit: "1", help: "h", attributes: ["kind"], source: "test")
    private static let cost = Instrument("test.cost", .realCounter, unit: "1", help: "h", source: "test")
    private static let gauge = Instrument("test.gauge", .upDownCounter, unit: "1", help: "h", source: "test")
    private static let observed = Instrument("test.observed", .observedGauge, unit: "1", help: "h", attributes: ["of"], source: "test")
    private static let histogram = Instrument("test.histogram", .histogram(bounds: [1, 2.5, 10]), unit: "s", help: "h", attributes: ["kind"], source: "test")

    private let registry = MetricRegistry()

    @Test func `the shards of all loops are summed`() {
        let shards = (0..<3).map { _ in self.registry.makeShard() }
        for (index, shard) in shards.enumerated() {
            shard.add(shard.series(Self.counter, ["a"]), Int64(index + 1))
            shard.add(shard.series(Self.gauge), index == 0 ? 5 : -1)
            shard.addReal(shard.local(Self.cost, []), 0.25)
        }
        self.registry.add(Self.counter, ["a"], by: 10)
        self.registry.add(Self.counter, ["b"])
        #expect(self.registry.total("test.counter", where: ["kind": "a"]) == 16)
        #expect(self.registry.total("test.counter", where: ["kind": "b"]) == 1)
        #expect(self.registry.total("test.gauge") == 3)
        #expect(self.registry.total("test.cost") == 0.75)
    }

    @Test(arguments: [(0.0, 0), (1.0, 0), (1.0.nextUp, 1), (2.5, 1), (10.0, 2), (10.0.nextUp, 3), (1e9, 3), (-1.0, 0)])
    func `a bucket's upper bound belongs to it`(value: Double, bucket: Int) throws {
        self.registry.record(Self.histogram, ["x"], value)
        guard case .histogram(let buckets, let sum)? = self.registry.points("test.histogram").first?.value else {
            Issue.record("no histogram")
            return
        }
        #expect(buckets.firstIndex(of: 1) == bucket)
        #expect(buckets.reduce(0, +) == 1)
        #expect(buckets.count == 4)
        #expect(sum == value)
    }

    @Test func `histograms of several loops are summed bucket by bucket`() {
        for value in [0.5, 2, 20] {
            let shard = self.registry.makeShard()
            shard.record(shard.local(Self.histogram, ["x"]), value, bounds: [1, 2.5, 10])
        }
        let (count, sum) = self.registry.observations("test.histogram")
        #expect(count == 3)
        #expect(sum == 22.5)
    }

    @Test func `series beyond the budget become one and are counted`() {
        let registry = MetricRegistry(seriesBudget: 3)
        for number in 0..<10 { registry.add(Self.counter, ["v\(number)"]) }
        registry.add(Self.counter, ["v0"])
        #expect(registry.points("test.counter").count == 4)
        #expect(registry.total("test.counter", where: ["kind": MetricRegistry.overflowValue]) == 7)
        #expect(registry.total("test.counter", where: ["kind": "v0"]) == 2)
        #expect(registry.total("test.counter") == 11)
        #expect(registry.total("pellucid.metrics.series_overflow", where: ["instrument": "test.counter"]) == 7)
    }

    @Test func `one instrument's budget is not another's and a series without attributes always has a place`() {
        let registry = MetricRegistry(seriesBudget: 1)
        registry.add(Self.counter, ["a"])
        registry.record(Self.histogram, ["a"], 1)
        registry.add(Self.cost)
        #expect(registry.total("test.counter", where: ["kind": "a"]) == 1)
        #expect(registry.observations("test.histogram", where: ["kind": "a"]).count == 1)
        #expect(registry.points("pellucid.metrics.series_overflow").isEmpty)
    }

    @Test func `a raised budget opens places again`() {
        let registry = MetricRegistry(seriesBudget: 1)
        registry.add(Self.counter, ["a"])
        registry.add(Self.counter, ["b"])
        registry.setSeriesBudget(10)
        registry.add(Self.counter, ["c"])
        #expect(registry.total("test.counter", where: ["kind": "c"]) == 1)
    }

    @Test func `an observer is read at every scrape until it is stopped and replaced by a second one`() {
        let counting = SharedCount()
        self.registry.observe(Self.observed, ["x"]) { counting.next() }
        #expect(self.registry.total("test.observed") == 1)
        #expect(self.registry.total("test.observed") == 2)
        self.registry.observe(Self.observed, ["x"]) { 40 }
        self.registry.observe(Self.observed, ["y"]) { 2 }
        #expect(self.registry.total("test.observed") == 42)
        self.registry.stopObserving(Self.observed, ["x"])
        #expect(self.registry.total("test.observed") == 2)
    }

    @Test func `an observer may use the registry it is read by`() {
        let registry = self.registry
        // Observers run outside the lock: one that records does not wait for itself.
        registry.observe(Self.observed, ["x"]) { [weak registry] in
            registry?.add(Self.counter, ["a"])
            return 7
        }
        #expect(registry.total("test.observed") == 7)
        #expect(registry.total("test.counter") >= 1)
    }

    @Test func `a series has one handle however it is asked for`() {
        let one = self.registry.makeShard(), two = self.registry.makeShard()
        #expect(one.series(Self.counter, ["a"]) == two.series(Self.counter, ["a"]))
        #expect(one.series(Self.counter, ["a"]) != one.series(Self.counter, ["b"]))
    }

    @Test func `series never straddle a chunk of cells and keep their values apart`() {
        let shard = self.registry.makeShard()
        // More cells than one chunk holds, in series of five cells.
        let count = MetricCells.chunkSize / 5 * 2
        let registry = MetricRegistry(seriesBudget: count)
        let own = registry.makeShard()
        for number in 0..<count { own.record(own.local(Self.histogram, ["\(number)"]), Double(number), bounds: [1, 2.5, 10]) }
        let points = registry.points("test.histogram")
        #expect(points.count == count)
        for point in points {
            guard case .histogram(let buckets, let sum) = point.value else { continue }
            #expect(sum == Double(point.values[0]))
            #expect(buckets.reduce(0, +) == 1)
        }
        #expect(shard.series(Self.counter, ["a"]) == self.registry.series(Self.counter, ["a"]))
    }

    @Test func `a scrape during recording sees whole counts that only rise`() {
        let registry = MetricRegistry()
        let running = Atomic<Int>(2)
        let wrong = Atomic<Int>(0)
        let perWriter = 20_000
        let writer: @Sendable () -> Void = {
            let shard = registry.makeShard()
            for _ in 0..<perWriter { shard.add(shard.series(Self.counter, ["a"])) }
            running.subtract(1, ordering: .sequentiallyConsistent)
        }
        onThreads([
            writer, writer,
            {
                var last = 0.0
                while running.load(ordering: .sequentiallyConsistent) > 0 {
                    let total = registry.total("test.counter")
                    if total < last { wrong.add(1, ordering: .relaxed) }
                    last = total
                }
            },
        ])
        #expect(wrong.load(ordering: .relaxed) == 0)
        #expect(registry.total("test.counter") == Double(2 * perWriter))
    }

    @Test func `a bundle keeps its series, and starting over loses no count`() {
        let shard = self.registry.makeShard()
        func add(_ number: Int) {
            var key = SeriesKey(1)
            key.mix(UInt64(number))
            let series = shard.series(shard.bundle(key), number % SeriesBundle.width, Self.counter) { ["\(number % 7)"] }
            shard.add(series)
            #expect(shard.series(shard.bundle(key), number % SeriesBundle.width, Self.counter) { ["never asked for"] } == series)
        }
        // More kinds of requests than a loop remembers.
        let kinds = MetricShard.maximumBundles + 100
        for _ in 0..<2 { for number in 0..<kinds { add(number) } }
        #expect(self.registry.total("test.counter") == Double(2 * kinds))
        #expect(self.registry.points("test.counter").count == 7)
    }

    @Test func `an index finds what was put in, and nothing else`() {
        var index = HashIndex()
        var generator = IdentifierGenerator(seed: 7)
        let keys = (0..<3000).map { $0 % 3 == 0 ? UInt64($0) << 32 : generator.next() }
        for (number, key) in keys.enumerated() where index.find(key) < 0 { index.insert(key, Int32(number)) }
        #expect(index.count == Set(keys).count)
        for key in keys { #expect(keys[Int(index.find(key))] == key) }
        for _ in 0..<1000 { #expect(index.find(generator.next()) == -1) }
    }

    @Test func `keys of different values differ`() {
        var seen: Set<UInt64> = []
        for instrument in 0..<10 {
            for text in ["", "a", "b", "ab", "12345678", "123456789", "12345678\u{0}"] {
                var key = SeriesKey(instrument)
                Array(text.utf8).withUnsafeBytes { key.mix($0) }
                seen.insert(key.hash)
            }
        }
        #expect(seen.count == 70)
    }
}

/// Counts its calls.
private final class SharedCount: Sendable {
    private let value = Atomic<Int>(0)
    func next() -> Double { Double(self.value.add(1, ordering: .relaxed).newValue) }
}
