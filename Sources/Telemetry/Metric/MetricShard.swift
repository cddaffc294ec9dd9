import Synchronization

/// The metric cells of one event loop, and what the loop remembers of the series it records into. Used on that loop only.
public final class MetricShard: @unchecked Sendable {
    // Unchecked: confined to its loop; readers go through MetricCells' atomics.
    private let registry: MetricRegistry
    private let cells: MetricCells
    private let exemplars: ExemplarStore
    private var index = HashIndex()
    /// ``SeriesBundle/width`` series for each bundle.
    private var bundles: [LocalSeries] = []
    private var entries: [Entry] = []
    /// Entries by the offset of their series, so that two bundles share one.
    private var entryIndex = HashIndex()
    /// Beyond this many bundles the loop starts over: label values are bounded, but what they combine to need not stay in use.
    static let maximumBundles = 16_384

    /// What the loop keeps of a series.
    private struct Entry {
        let offset: Int
        /// Cells never move.
        let cell: UnsafeMutablePointer<Atomic<UInt64>>
        /// Second in which the series got its last exemplar.
        var exemplarSecond: UInt64 = 0
    }

    init(registry: MetricRegistry, cells: MetricCells, exemplars: ExemplarStore) {
        self.registry = registry
        self.cells = cells
        self.exemplars = exemplars
    }

    /// The bundle of requests that are alike in everything `key` mixes.
    @inline(__always)
    func bundle(_ key: SeriesKey) -> SeriesBundle {
        let known = self.index.find(key.hash)
        return known >= 0 ? SeriesBundle(index: known) : self.makeBundle(key)
    }

    @inline(never)
    private func makeBundle(_ key: SeriesKey) -> SeriesBundle {
        if self.index.count >= MetricShard.maximumBundles {
            self.index = HashIndex()
            self.bundles.removeAll(keepingCapacity: true)
        }
        let number = Int32(self.index.count)
        self.bundles.append(contentsOf: repeatElement(LocalSeries.none, count: SeriesBundle.width))
        self.index.insert(key.hash, number)
        return SeriesBundle(index: number)
    }

    /// A series of a bundle, registered with the values that `values` gives when it is used for the first time.
    ///
    /// - Parameter slot: which of the bundle's series, below ``SeriesBundle/width``; the same slot is always the same instrument.
    @inline(__always)
    func series(_ bundle: SeriesBundle, _ slot: Int, _ instrument: Instrument, _ values: () -> [String]) -> LocalSeries {
        let known = self.bundles[Int(bundle.index) &* SeriesBundle.width &+ slot]
        if known.isResolved { return known }
        let made = self.local(instrument, values())
        self.bundles[Int(bundle.index) * SeriesBundle.width + slot] = made
        return made
    }

    /// The loop's own number of a series, registered when new.
    @inline(never)
    func local(_ instrument: Instrument, _ values: [String]) -> LocalSeries {
        let handle = self.registry.series(instrument, values)
        // Offsets are no hashes: spread them, or neighbours would queue up.
        var key = SeriesKey(0)
        key.mix(UInt64(handle.offset))
        let known = self.entryIndex.find(key.hash)
        if known >= 0 { return LocalSeries(index: known) }
        let number = Int32(self.entries.count)
        self.entries.append(Entry(offset: handle.offset, cell: self.cells.cell(handle.offset)))
        self.entryIndex.insert(key.hash, number)
        return LocalSeries(index: number)
    }

    /// The handle of a series known by its values, for code that resolves once and records often.
    public func series(_ instrument: Instrument, _ values: [String] = []) -> SeriesHandle { self.registry.series(instrument, values) }

    @inline(__always)
    public func add(_ handle: SeriesHandle, _ amount: Int64 = 1) {
        let cell = self.cells.cell(handle.offset)
        cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ UInt64(bitPattern: amount), ordering: .relaxed)
    }

    @inline(__always)
    func add(_ series: LocalSeries, _ amount: Int64 = 1) {
        let cell = self.entries[Int(series.index)].cell
        cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ UInt64(bitPattern: amount), ordering: .relaxed)
    }

    @inline(__always)
    func addReal(_ series: LocalSeries, _ amount: Double) {
        let cell = self.entries[Int(series.index)].cell
        cell.pointee.store((Double(bitPattern: cell.pointee.load(ordering: .relaxed)) + amount).bitPattern, ordering: .relaxed)
    }

    @inline(__always)
    func record(_ series: LocalSeries, _ value: Double, bounds: [Double]) {
        MetricShard.record(value, bounds: bounds, at: self.entries[Int(series.index)].cell)
    }

    /// Whether an exemplar of this second would be kept.
    @inline(__always)
    func wantsExemplar(_ series: LocalSeries, second: UInt64) -> Bool { self.entries[Int(series.index)].exemplarSecond != second }

    /// Keeps a sampled observation as the exemplar of its bucket, unless the series has one of this second.
    @inline(never)
    func offer(_ exemplar: Exemplar, to series: LocalSeries, bounds: [Double]) {
        let second = exemplar.time / 1_000_000_000
        guard self.wantsExemplar(series, second: second) else { return }
        self.entries[Int(series.index)].exemplarSecond = second
        let offset = self.entries[Int(series.index)].offset
        let bucket = bounds.firstIndex { exemplar.value <= $0 } ?? bounds.count
        self.exemplars.buckets.withLock { $0[offset, default: [:]][bucket] = exemplar }
    }

    /// Counts `value` in its bucket (upper bounds inclusive, as Prometheus' `le`) and adds it to the sum.
    @inline(__always)
    static func record(_ value: Double, bounds: [Double], at base: UnsafeMutablePointer<Atomic<UInt64>>) {
        var index = 0
        bounds.withUnsafeBufferPointer { bounds in
            while index < bounds.count, value > bounds[index] { index &+= 1 }
        }
        let bucket = base + index
        bucket.pointee.store(bucket.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        let sum = base + bounds.count + 1
        sum.pointee.store((Double(bitPattern: sum.pointee.load(ordering: .relaxed)) + value).bitPattern, ordering: .relaxed)
        if NativeHistograms.isEnabled {
            let native = sum + 1 + NativeHistograms.cell(value)
            native.pointee.store(native.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        }
    }
}

/// A 64-bit key of an instrument and its attribute values for a loop's handle cache.
///
/// Mixed with a secret of the process, so that clients cannot aim for collisions.
struct SeriesKey {
    private(set) var hash: UInt64
    private static let secret = UInt64.random(in: 1...UInt64.max)

    @inline(__always)
    init(_ instrument: Int) { self.hash = SeriesKey.secret ^ UInt64(truncatingIfNeeded: instrument) &* 0xA076_1D64_78BD_642F }

    @inline(__always)
    mutating func mix(_ value: UInt64) {
        let product = (self.hash ^ value).multipliedFullWidth(by: 0xE703_7ED1_A0B4_28DB)
        self.hash = product.high ^ product.low &+ 0x9E37_79B9_7F4A_7C15
    }

    /// Mixes the bytes and their number.
    @inline(__always)
    mutating func mix(_ bytes: UnsafeRawBufferPointer) {
        self.mix(UInt64(bytes.count))
        var i = 0
        while i &+ 8 <= bytes.count {
            self.mix(bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self))
            i &+= 8
        }
        var tail: UInt64 = 0
        while i < bytes.count {
            tail = tail << 8 | UInt64(bytes[i])
            i &+= 1
        }
        self.mix(tail)
    }
}
