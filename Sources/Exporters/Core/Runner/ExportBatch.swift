/// A sealed batch on its way: in memory, on disk, or (while it is sent) both.
struct ExportBatch: Sendable {
    /// Spans, log records or data points.
    let items: Int
    /// Finished requests whose evidence it is; 0 for metrics.
    let requests: Int
    /// When its oldest item came: ``MonotonicClock``, for the time it may stay in memory only.
    let born: UInt64
    /// The same as calendar time, for the age at which it is given up.
    let bornWall: UInt64
    /// Nil while it is on disk only.
    var body: [UInt8]?
    var place: SpoolPlace?
    /// Whether it may have been delivered already (and was counted as a possible duplicate).
    var isInDoubt = false

    /// Whether it would be lost with the process.
    var isInMemoryOnly: Bool { self.place == nil && self.body != nil }
}
