public import Telemetry

/// Renders metric families as a page that Prometheus scrapes.
///
/// Deterministic: families by name, series by their labels. Empty label values are left out, which in Prometheus is the same as empty.
public enum PrometheusRenderer {
    public static func render(families: [MetricFamily], format: PrometheusFormat) -> [UInt8] {
        var out = ByteWriter(capacity: 1 << 16)
        let named = families.map { (name: PrometheusName($0.instrument, format: format), family: $0) }.sorted { $0.name.family < $1.name.family }
        var previous: String?
        for (name, family) in named {
            // Two instruments may derive one name; a family must not be declared twice.
            if name.family != previous { self.head(name, family.instrument, format, &out) }
            previous = name.family
            let labelNames = family.instrument.attributes.map { PrometheusName.sanitized("\($0)", allowColon: false) }
            let points = family.points.map { (labels: self.labels(labelNames, $0.values), point: $0) }.sorted { $0.labels < $1.labels }
            for (labels, point) in points { self.point(name, labels, point, family.instrument, format, &out) }
        }
        if format == .openMetrics { out.put("# EOF\n" as StaticString) }
        return [UInt8](out.bytes)
    }

    private static func head(_ name: PrometheusName, _ instrument: Instrument, _ format: PrometheusFormat, _ out: inout ByteWriter) {
        out.put("# HELP \(name.family) \(self.escapedHelp("\(instrument.help)", format))\n")
        out.put("# TYPE \(name.family) \(name.typeName(format))\n")
        if format == .openMetrics, !name.unit.isEmpty { out.put("# UNIT \(name.family) \(name.unit)\n") }
    }

    private static func point(
        _ name: PrometheusName, _ labels: String, _ point: MetricPoint, _ instrument: Instrument, _ format: PrometheusFormat, _ out: inout ByteWriter
    ) {
        switch point.value {
        case .number(let number):
            out.put(name.sample)
            if !labels.isEmpty { out.put("{\(labels)}") }
            out.put(" \(self.number(number))\n")
        case .histogram(let buckets, let sum):
            guard case .histogram(let bounds) = instrument.kind else { return }
            let prefix = labels.isEmpty ? "" : labels + ","
            var cumulative: UInt64 = 0
            for (index, count) in buckets.enumerated() {
                cumulative &+= count
                let bound = index < bounds.count ? self.bound(bounds[index], format) : "+Inf"
                out.put("\(name.sample)_bucket{\(prefix)le=\"\(bound)\"} \(cumulative)")
                if format == .openMetrics, let exemplar = point.exemplars[index] { self.exemplar(exemplar, &out) }
                out.put("\n")
            }
            let suffix = labels.isEmpty ? "" : "{\(labels)}"
            out.put("\(name.sample)_sum\(suffix) \(self.number(sum))\n")
            out.put("\(name.sample)_count\(suffix) \(cumulative)\n")
        }
    }

    /// ` # {trace_id="…",span_id="…"} VALUE SECONDS` (OpenMetrics 1.0, "Exemplars").
    private static func exemplar(_ exemplar: Exemplar, _ out: inout ByteWriter) {
        out.put(" # {trace_id=\"" as StaticString)
        out.putHex(exemplar.traceIDHigh)
        out.putHex(exemplar.traceIDLow)
        out.put("\",span_id=\"" as StaticString)
        out.putHex(exemplar.spanID)
        let milliseconds = exemplar.time / 1_000_000
        out.put("\"} \(self.number(exemplar.value)) \(milliseconds / 1000).\(String(milliseconds % 1000 + 1000).dropFirst())")
    }

    private static func labels(_ names: [String], _ values: [String]) -> String {
        var out = ""
        for (name, value) in zip(names, values) where !value.isEmpty {
            if !out.isEmpty { out += "," }
            out += "\(name)=\"\(self.escapedLabel(value))\""
        }
        return out
    }

    private static func escapedLabel(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0x22 || $0 == 0x5c || $0 == 0x0a }) else { return text }
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// OpenMetrics escapes quotes in help texts too.
    private static func escapedHelp(_ text: String, _ format: PrometheusFormat) -> String {
        if format == .openMetrics { return self.escapedLabel(text) }
        return text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    }

    /// Whole numbers without a fraction, others in their shortest form.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == value.rounded(), abs(value) < 1e15 { return "\(Int64(value))" }
        return "\(value)"
    }

    /// OpenMetrics wants bounds recognisable as real numbers (section "Numbers": `1.0`).
    private static func bound(_ value: Double, _ format: PrometheusFormat) -> String {
        let text = self.number(value)
        return format == .openMetrics && text.utf8.allSatisfy { $0 == 0x2d || (0x30...0x39).contains($0) } ? text + ".0" : text
    }
}
