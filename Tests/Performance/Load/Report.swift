/// Figures of a run as one line of JSON.
struct Report {
    private var fields: [String] = []

    mutating func add(_ name: String, _ value: Int) { fields.append("\"\(name)\":\(value)") }

    /// A figure with three decimals.
    mutating func add(_ name: String, _ value: Double) { fields.append("\"\(name)\":\((value * 1000).rounded() / 1000)") }

    /// p50 and p99 of `nanoseconds`, in milliseconds.
    mutating func add(_ name: String, percentilesOf nanoseconds: [UInt64]) {
        let sorted = nanoseconds.sorted()
        for (label, share) in [("p50", 0.50), ("p99", 0.99)] {
            let value = sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
            add("\(name)_\(label)_ms", Double(value) / 1_000_000)
        }
    }

    func printLine() { Output.line("{\(fields.joined(separator: ","))}") }
}
