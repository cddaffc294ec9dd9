/// One instrument's values at one instant, as exporters see them.
public struct MetricFamily: Sendable {
    public let instrument: Instrument
    public let points: [MetricPoint]
}

/// One series at one instant.
public struct MetricPoint: Sendable {
    public enum Value: Sendable {
        case number(Double)
        /// Counts per bucket (not cumulative), the last one above the highest bound.
        case histogram(buckets: [UInt64], sum: Double)
    }

    /// Values of the instrument's attributes, in its order.
    public let values: [String]
    public let value: Value
    /// Exemplars of a histogram, by bucket.
    public let exemplars: [Int: Exemplar]
    /// Counts of a histogram's native buckets (``NativeHistograms``): zero first, then from the lowest on. Empty where they are not kept.
    public let native: [UInt64]

    init(values: [String], value: Value, exemplars: [Int: Exemplar] = [:], native: [UInt64] = []) {
        self.native = native
        self.values = values
        self.value = value
        self.exemplars = exemplars
    }
}
