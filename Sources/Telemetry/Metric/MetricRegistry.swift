import Synchronization

/// A registered (instrument, attribute values) pair: where its cells lie in every shard.
public struct SeriesHandle: Sendable, Equatable {
    let offset: Int
}

/// All series of the process. Registering takes a lock and happens once per series and loop; recording touches only the loop's own cells.
public final class MetricRegistry: Sendable {
    /// Attribute value of the series that takes what exceeds the budget.
    public static let overflowValue = "__other__"

    final class Family: Sendable {
        let instrument: Instrument
        let bounds: [Double]
        init(_ instrument: Instrument) {
            self.instrument = instrument
            if case .histogram(let bounds) = instrument.kind { self.bounds = bounds } else { self.bounds = [] }
        }
    }

    struct Series {
        let values: [String]
        let offset: Int
    }

    private struct State {
        var families: [Family] = []
        var familyIndex: [String: Int] = [:]
        var series: [[Series]] = []
        var seriesIndex: [[[String]: Int]] = []
        var nextOffset = 0
        var shards: [MetricCells] = []
        var exemplars: [ExemplarStore] = []
        var observers: [[String: [Observer]]] = []
        var overflowed: [String: UInt64] = [:]
        var seriesBudget: Int
    }

    private struct Observer {
        let values: [String]
        let read: @Sendable () -> Double
    }

    private let state: Mutex<State>
    /// Model names that clients and providers may turn into attribute values; beyond, they share one.
    static let openValueLimit = 100
    let requestModels = LabelRoster(limit: MetricRegistry.openValueLimit)
    let responseModels = LabelRoster(limit: MetricRegistry.openValueLimit)
    let providerLimits = ProviderLimitGauges()

    /// Cells written from threads that are no event loop, under a lock.
    let shared: Mutex<MetricCells>

    /// - Parameter seriesBudget: most series of one instrument; values beyond it are folded into one `__other__` series and counted.
    public init(seriesBudget: Int = 2000) {
        let cells = MetricCells()
        self.shared = Mutex(cells)
        var state = State(seriesBudget: seriesBudget)
        state.shards.append(cells)
        self.state = Mutex(state)
    }

    /// Most series of one instrument.
    public var seriesBudget: Int { self.state.withLock { $0.seriesBudget } }
    public func setSeriesBudget(_ budget: Int) { self.state.withLock { $0.seriesBudget = max(1, budget) } }

    func makeShard() -> MetricShard {
        let cells = MetricCells()
        let exemplars = ExemplarStore()
        self.state.withLock { state in
            state.shards.append(cells)
            state.exemplars.append(exemplars)
        }
        return MetricShard(registry: self, cells: cells, exemplars: exemplars)
    }

    /// The handle of a series, registered when new. Past the budget the overflow series is returned.
    public func series(_ instrument: Instrument, _ values: [String]) -> SeriesHandle {
        precondition(values.count == instrument.attributes.count, "attribute values do not match the instrument")
        return self.state.withLock { state in
            let family = MetricRegistry.family(instrument, &state)
            if let known = state.seriesIndex[family][values] { return SeriesHandle(offset: state.series[family][known].offset) }
            var values = values
            // Native histograms take many cells: the room for all instruments together is a budget too, of which a part stays for overflow series.
            let isFull = state.nextOffset + instrument.cellCount > MetricCells.chunkSize * (MetricCells.maximumChunks - 256)
            if state.series[family].count >= state.seriesBudget || isFull, !values.isEmpty {
                state.overflowed[instrument.name, default: 0] += 1
                values = values.map { _ in MetricRegistry.overflowValue }
                if let known = state.seriesIndex[family][values] { return SeriesHandle(offset: state.series[family][known].offset) }
            }
            var offset = state.nextOffset
            let count = instrument.cellCount
            // A series never straddles two chunks, so that its cells are addressed from one pointer.
            if offset / MetricCells.chunkSize != (offset + count - 1) / MetricCells.chunkSize {
                offset = (offset / MetricCells.chunkSize + 1) * MetricCells.chunkSize
            }
            precondition(offset + count <= MetricCells.chunkSize * MetricCells.maximumChunks, "the budget keeps the number of series far below this")
            state.nextOffset = offset + count
            state.seriesIndex[family][values] = state.series[family].count
            state.series[family].append(Series(values: values, offset: offset))
            return SeriesHandle(offset: offset)
        }
    }

    /// Registers a callback that is read at every scrape; a second one with the same values replaces the first.
    public func observe(_ instrument: Instrument, _ values: [String] = [], _ read: @escaping @Sendable () -> Double) {
        self.state.withLock { state in
            let family = MetricRegistry.family(instrument, &state)
            state.observers[family][values.joined(separator: "\u{0}")] = [Observer(values: values, read: read)]
        }
    }

    public func stopObserving(_ instrument: Instrument, _ values: [String] = []) {
        self.state.withLock { state in
            let family = MetricRegistry.family(instrument, &state)
            state.observers[family][values.joined(separator: "\u{0}")] = nil
        }
    }

    /// Adds to a counter from a thread that is no event loop.
    public func add(_ instrument: Instrument, _ values: [String] = [], by amount: Int64 = 1) {
        let handle = self.series(instrument, values)
        self.shared.withLock { cells in
            let cell = cells.cell(handle.offset)
            cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ UInt64(bitPattern: amount), ordering: .relaxed)
        }
    }

    /// Records into a histogram from a thread that is no event loop.
    public func record(_ instrument: Instrument, _ values: [String] = [], _ value: Double) {
        guard case .histogram(let bounds) = instrument.kind else { return }
        let handle = self.series(instrument, values)
        self.shared.withLock { MetricShard.record(value, bounds: bounds, at: $0.cell(handle.offset)) }
    }

    // MARK: Instruments of libraries

    /// The instrument that bears a name: `instrument` itself where the name is new.
    package func adopt(_ instrument: Instrument) -> Instrument {
        self.state.withLock { state in state.families[MetricRegistry.family(instrument, &state)].instrument }
    }

    /// Counts a series that was refused because its instrument has as many as it may.
    package func refuse(_ instrument: Instrument) { self.state.withLock { $0.overflowed[instrument.name, default: 0] += 1 } }

    /// Adds to a counter's series from any thread.
    package func add(_ handle: SeriesHandle, by amount: Int64) {
        self.shared.withLock { cells in
            let cell = cells.cell(handle.offset)
            cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ UInt64(bitPattern: amount), ordering: .relaxed)
        }
    }

    /// Adds to a real counter's series from any thread.
    package func add(_ handle: SeriesHandle, real amount: Double) {
        self.shared.withLock { cells in
            let cell = cells.cell(handle.offset)
            cell.pointee.store((Double(bitPattern: cell.pointee.load(ordering: .relaxed)) + amount).bitPattern, ordering: .relaxed)
        }
    }

    /// Records into a histogram's series from any thread.
    package func record(_ handle: SeriesHandle, _ value: Double, bounds: [Double]) {
        self.shared.withLock { MetricShard.record(value, bounds: bounds, at: $0.cell(handle.offset)) }
    }

    private static func family(_ instrument: Instrument, _ state: inout State) -> Int {
        let name = instrument.name
        if let known = state.familyIndex[name] { return known }
        state.families.append(Family(instrument))
        state.series.append([])
        state.seriesIndex.append([:])
        state.observers.append([:])
        state.familyIndex[name] = state.families.count - 1
        return state.families.count - 1
    }

    /// All values now, summed over the shards. Observers run outside the lock.
    public func snapshot() -> [MetricFamily] {
        let (families, series, shards, observers, overflowed, stores) = self.state.withLock {
            ($0.families, $0.series, $0.shards, $0.observers, $0.overflowed, $0.exemplars)
        }
        let exemplars = MetricRegistry.newest(stores)
        var result: [MetricFamily] = []
        for (index, family) in families.enumerated() {
            var points: [MetricPoint] = []
            points.reserveCapacity(series[index].count)
            for one in series[index] { points.append(MetricRegistry.point(one, family, shards, exemplars[one.offset] ?? [:])) }
            for observer in observers[index].values.joined() { points.append(MetricPoint(values: observer.values, value: .number(observer.read()))) }
            if !points.isEmpty { result.append(MetricFamily(instrument: family.instrument, points: points)) }
        }
        if !overflowed.isEmpty {
            let points = overflowed.sorted { $0.key < $1.key }.map { MetricPoint(values: [$0.key], value: .number(Double($0.value))) }
            result.append(MetricFamily(instrument: Instruments.seriesOverflow, points: points))
        }
        return result
    }

    private static func newest(_ stores: [ExemplarStore]) -> [Int: [Int: Exemplar]] {
        var result: [Int: [Int: Exemplar]] = [:]
        for store in stores {
            for (series, buckets) in store.buckets.withLock({ $0 }) {
                result[series, default: [:]].merge(buckets) { $0.time >= $1.time ? $0 : $1 }
            }
        }
        return result
    }

    private static func point(_ series: Series, _ family: Family, _ shards: [MetricCells], _ exemplars: [Int: Exemplar]) -> MetricPoint {
        switch family.instrument.kind {
        case .histogram(let bounds):
            var buckets = [UInt64](repeating: 0, count: bounds.count + 1)
            var sum = 0.0
            for shard in shards {
                for i in buckets.indices { buckets[i] &+= shard.value(series.offset + i) }
                sum += Double(bitPattern: shard.value(series.offset + bounds.count + 1))
            }
            guard NativeHistograms.isEnabled else { return MetricPoint(values: series.values, value: .histogram(buckets: buckets, sum: sum), exemplars: exemplars) }
            var native = [UInt64](repeating: 0, count: NativeHistograms.cellCount)
            let first = series.offset + bounds.count + 2
            for shard in shards { for i in native.indices { native[i] &+= shard.value(first + i) } }
            return MetricPoint(values: series.values, value: .histogram(buckets: buckets, sum: sum), exemplars: exemplars, native: native)
        case .realCounter:
            return MetricPoint(values: series.values, value: .number(shards.reduce(0.0) { $0 + Double(bitPattern: $1.value(series.offset)) }))
        case .counter, .upDownCounter, .observedGauge, .observedCounter:
            var total: Int64 = 0
            for shard in shards { total &+= Int64(bitPattern: shard.value(series.offset)) }
            return MetricPoint(values: series.values, value: .number(Double(total)))
        }
    }
}
