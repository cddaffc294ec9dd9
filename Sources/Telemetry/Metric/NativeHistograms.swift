#if canImport(Glibc)
    import Glibc
#endif

/// Prometheus' native histograms (https://prometheus.io/docs/specs/native_histograms/): buckets that grow by a constant factor, kept beside the
/// configured ones when asked for.
///
/// Schema 2: the upper bound of bucket `k` is 2^(k/4), so that a quantile is off by at most 9 percent. Kept are the buckets from a microsecond to
/// 2^27; what lies outside counts in the outermost.
public enum NativeHistograms {
    public static let schema = 2
    /// Number of the lowest bucket kept: up to 2^-20.
    public static let lowest = -80
    static let highest = 108
    /// Cells of a series: one for zero and one a bucket.
    static let cellCount = highest - lowest + 2

    /// Whether histograms keep them. Set once, before the first histogram is registered; costs 1.5 KiB a series and writer.
    nonisolated(unsafe) public static var isEnabled = false

    /// The cell of a value: 0 for zero and below.
    @inline(__always)
    static func cell(_ value: Double) -> Int {
        guard value > 0, value.isFinite else { return value > 0 ? self.cellCount - 1 : 0 }
        // value = fraction * 2^exponent with the fraction from a half (inclusive) to one (exclusive), as frexp has it.
        let exponent = Int(value.exponent) + 1
        let fraction = value.significand / 2
        var step = 0
        if fraction > 0.5 { step = fraction <= 0.5946035575013605 ? 1 : fraction <= 0.7071067811865476 ? 2 : fraction <= 0.8408964152537145 ? 3 : 4 }
        let key = step + (exponent - 1) * 4
        return min(max(key, self.lowest), self.highest) - self.lowest + 1
    }
}
