import Synchronization

/// The metric cells of one event loop, and the loop's cache of series handles. Used on that loop only.
public final class MetricShard: @unchecked Sendable {
    // Unchecked: confined to its loop; readers go through MetricCells' atomics.
    private let registry: MetricRegistry
    private let cells: MetricCells
    private var cache: [UInt64: SeriesHandle] = [:]
    private let exemplars: ExemplarStore
    /// Second in which a series got its last exemplar, by the series' first cell.
    private var exemplarSeconds: [Int: UInt64] = [:]

    init(registry: MetricRegistry, cells: MetricCells, exemplars: ExemplarStore) {
        self.registry = registry
        self.cells = cells
        self.exemplars = exemplars
    }

    /// The handle cached under `key`, or the registered series of the values that `values` gives.
    ///
    /// - Parameter key: a hash of instrument and values (``SeriesKey``).
    @inline(__always)
    func handle(_ key: SeriesKey, _ instrument: Instrument, _ values: () -> [String]) -> SeriesHandle {
        if let known = self.cache[key.hash] { return known }
        return self.register(key, instrument, values())
    }

    @inline(never)
    private func register(_ key: SeriesKey, _ instrument: Instrument, _ values: [String]) -> SeriesHandle {
        let handle = self.registry.series(instrument, values)
        self.cache[key.hash] = handle
        return handle
    }

    /// The handle of a series known by its values, for code that resolves once and records often.
    public func series(_ instrument: Instrument, _ values: [String] = []) -> SeriesHandle { self.registry.series(instrument, values) }

    @inline(__always)
    public func add(_ handle: SeriesHandle, _ amount: Int64 = 1) {
        let cell = self.cells.cell(handle.offset)
        cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ UInt64(bitPattern: amount), ordering: .relaxed)
    }

    @inline(__always)
    func addReal(_ handle: SeriesHandle, _ amount: Double) {
        let cell = self.cells.cell(handle.offset)
        cell.pointee.store((Double(bitPattern: cell.pointee.load(ordering: .relaxed)) + amount).bitPattern, ordering: .relaxed)
    }

    @inline(__always)
    func record(_ handle: SeriesHandle, _ value: Double, bounds: [Double]) {
        MetricShard.record(value, bounds: bounds, at: self.cells.cell(handle.offset))
    }

    /// Keeps a sampled observation as the exemplar of its bucket, unless the series has one of this second.
    func offer(_ exemplar: Exemplar, to handle: SeriesHandle, bounds: [Double]) {
        let second = exemplar.time / 1_000_000_000
        guard self.exemplarSeconds[handle.offset] != second else { return }
        self.exemplarSeconds[handle.offset] = second
        let bucket = bounds.firstIndex { exemplar.value <= $0 } ?? bounds.count
        self.exemplars.buckets.withLock { $0[handle.offset, default: [:]][bucket] = exemplar }
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
