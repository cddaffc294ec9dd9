import GatewayWire
import NIOCore
import Telemetry

/// What makes series: for every instrument how many it has, and for each of its attributes how many values and which of them most often.
enum CardinalityPage {
    /// Values shown of each attribute.
    private static let shown = 10

    static func json(_ registry: MetricRegistry) -> String {
        var families: [(series: Int, value: JSONValue)] = []
        for family in registry.snapshot() {
            let samples = family.points.reduce(0) { $0 + self.samples($1) }
            var attributes: [JSONValue] = []
            for (index, name) in family.instrument.attributes.enumerated() {
                var counts: [String: Int] = [:]
                for point in family.points where index < point.values.count { counts[point.values[index], default: 0] += 1 }
                let top = counts.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }.prefix(self.shown)
                attributes.append(
                    .object([
                        .init(key: "name", value: .string("\(name)")), .init(key: "values", value: .integer(counts.count)),
                        .init(key: "top", value: .array(top.map { .object([.init(key: "value", value: .string($0.key)), .init(key: "series", value: .integer($0.value))]) })),
                    ]))
            }
            let isFolded = family.points.contains { $0.values.contains(MetricRegistry.overflowValue) }
            families.append(
                (
                    family.points.count,
                    .object([
                        .init(key: "instrument", value: .string("\(family.instrument.name)")), .init(key: "series", value: .integer(family.points.count)),
                        .init(key: "samples", value: .integer(samples)), .init(key: "has_overflow", value: .bool(isFolded)), .init(key: "attributes", value: .array(attributes)),
                    ])
                ))
        }
        families.sort { $0.series > $1.series }
        let total = families.reduce(0) { $0 + $1.series }
        let page = JSONValue.object([
            .init(key: "series", value: .integer(total)), .init(key: "series_budget", value: .integer(registry.seriesBudget)),
            .init(key: "instruments", value: .array(families.map(\.value))),
        ])
        return String(buffer: page.encoded())
    }

    private static func samples(_ point: MetricPoint) -> Int {
        if case .histogram(let buckets, _) = point.value { return buckets.count + 2 }
        return 1
    }
}
