package import Telemetry

extension MetricRegistry {
    package func points(_ name: String) -> [MetricPoint] { self.snapshot().first { "\($0.instrument.name)" == name }?.points ?? [] }

    /// Sum of all series' numbers whose attributes hold these values.
    package func total(_ name: String, where attributes: [String: String] = [:]) -> Double {
        self.matching(name, attributes).reduce(0) { sum, point in
            if case .number(let value) = point.value { sum + value } else { sum }
        }
    }

    /// Count and sum of all histogram series whose attributes hold these values.
    package func observations(_ name: String, where attributes: [String: String] = [:]) -> (count: UInt64, sum: Double) {
        self.matching(name, attributes).reduce(into: (0, 0)) { result, point in
            guard case .histogram(let buckets, let sum) = point.value else { return }
            result.count += buckets.reduce(0, +)
            result.sum += sum
        }
    }

    private func matching(_ name: String, _ attributes: [String: String]) -> [MetricPoint] {
        guard let family = self.snapshot().first(where: { "\($0.instrument.name)" == name }) else { return [] }
        let keys = family.instrument.attributes.map { "\($0)" }
        return family.points.filter { point in
            attributes.allSatisfy { key, value in keys.firstIndex(of: key).map { point.values[$0] == value } ?? false }
        }
    }
}
