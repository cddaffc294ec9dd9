public import Telemetry

/// Renders metric families as a page that Prometheus scrapes.
///
/// Deterministic: families by name, series by their labels. Empty label values are left out, which in Prometheus is the same as empty.
public enum PrometheusRenderer {
    public static func render(families: [MetricFamily], format: PrometheusFormat) -> [UInt8] {
        if format == .protobuf { return PrometheusProtobuf.render(families) }
        var out = ByteWriter(capacity: 1 << 16)
        let named = families.map { (name: PrometheusName($0.instrument, format: format), family: $0) }.sorted { $0.name.family < $1.name.family }
        var previous: String?
        for (name, family) in named {
            // Two instruments may derive one name; a family must not be declared twice.
            if name.family != previous { self.head(name, family.instrument, format, &out) }
            previous = name.family
            let series = PrometheusSeries(family)
            let bounds = self.bounds(family.instrument, format)
            for index in series.order { self.point(name, series.labels(index), family.points[index], bounds, format, &out) }
        }
        if format == .openMetrics { out.put("# EOF\n" as StaticString) }
        return [UInt8](out.bytes)
    }

    private static func head(_ name: PrometheusName, _ instrument: Instrument, _ format: PrometheusFormat, _ out: inout ByteWriter) {
        out.put("# HELP \(name.family) \(self.escapedHelp("\(instrument.help)", format))\n")
        out.put("# TYPE \(name.family) \(name.typeName(format))\n")
        if format == .openMetrics, !name.unit.isEmpty { out.put("# UNIT \(name.family) \(name.unit)\n") }
    }

    /// `le="…"} ` of every bucket, which is the same for all series of an instrument.
    private static func bounds(_ instrument: Instrument, _ format: PrometheusFormat) -> [[UInt8]] {
        guard case .histogram(let bounds) = instrument.kind else { return [] }
        return bounds.map { Array("le=\"\(self.bound($0, format))\"} ".utf8) } + [Array("le=\"+Inf\"} ".utf8)]
    }

    private static func point(
        _ name: PrometheusName, _ labels: UnsafeRawBufferPointer, _ point: MetricPoint, _ bounds: [[UInt8]], _ format: PrometheusFormat, _ out: inout ByteWriter
    ) {
        switch point.value {
        case .number(let number):
            out.put(name.sample)
            self.braces(labels, &out)
            self.put(number, &out)
        case .histogram(let buckets, let sum):
            guard bounds.count == buckets.count else { return }
            var cumulative: UInt64 = 0
            for (index, count) in buckets.enumerated() {
                cumulative &+= count
                out.put(name.sample)
                out.put("_bucket{" as StaticString)
                out.put(labels)
                if !labels.isEmpty { out.put(0x2c) }
                out.put(bounds[index])
                out.putDecimal(cumulative)
                if format == .openMetrics, let exemplar = point.exemplars[index] { self.exemplar(exemplar, &out) }
                out.put(0x0a)
            }
            out.put(name.sample)
            out.put("_sum" as StaticString)
            self.braces(labels, &out)
            self.put(sum, &out)
            out.put(name.sample)
            out.put("_count" as StaticString)
            self.braces(labels, &out)
            out.putDecimal(cumulative)
            out.put(0x0a)
        }
    }

    /// The labels in braces, where there are any, and the space behind.
    @inline(__always)
    private static func braces(_ labels: UnsafeRawBufferPointer, _ out: inout ByteWriter) {
        if !labels.isEmpty {
            out.put(0x7b)
            out.put(labels)
            out.put(0x7d)
        }
        out.put(0x20)
    }

    /// A number and the end of its line.
    private static func put(_ number: Double, _ out: inout ByteWriter) {
        if number == number.rounded(), abs(number) < 1e15 { out.putDecimal(Int64(number)) } else { out.put(self.number(number)) }
        out.put(0x0a)
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
