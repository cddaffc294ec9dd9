import Synchronization

/// A sampled request that stands for the others of its bucket (OpenMetrics 1.0, "Exemplars").
public struct Exemplar: Sendable, Equatable {
    public let value: Double
    public let traceIDHigh: UInt64
    public let traceIDLow: UInt64
    public let spanID: UInt64
    /// Calendar time, nanoseconds since the epoch.
    public let time: UInt64
}

/// The newest exemplars of one loop's histograms: at most one new one per series and second, so that the lock is rarely taken.
final class ExemplarStore: Sendable {
    /// By the series' first cell, then by bucket.
    let buckets = Mutex<[Int: [Int: Exemplar]]>([:])
}
