internal import Telemetry

/// How an instrument is called on a metrics page.
/// Source: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#otlp-metric-points-to-prometheus
struct PrometheusName {
    enum Family { case counter, gauge, histogram, info, unknown }

    /// Name of the family as `# TYPE` states it.
    let family: String
    /// Name of its samples, before `_bucket`, `_sum` and `_count`.
    let sample: String
    let type: Family
    /// Unit for OpenMetrics, empty where the name does not end in one.
    let unit: String

    init(_ instrument: Instrument, format: PrometheusFormat) {
        let unit = PrometheusName.unitWord("\(instrument.unit)")
        var name: String
        if let given = instrument.prometheusName {
            name = "\(given)"
        } else {
            name = PrometheusName.sanitized("\(instrument.name)", allowColon: true)
            if !unit.isEmpty, !name.hasSuffix("_\(unit)") { name += "_\(unit)" }
        }
        var type: Family
        switch instrument.kind {
        case .counter, .realCounter, .observedCounter:
            type = .counter
            if instrument.prometheusName == nil, !name.hasSuffix("_total") { name += "_total" }
        case .upDownCounter, .observedGauge: type = .gauge
        case .histogram: type = .histogram
        }
        self.sample = name
        var family = name
        if format == .openMetrics {
            if type == .counter {
                // A counter's samples must end in _total; Kong has some that do not.
                if name.hasSuffix("_total") { family = String(name.dropLast(6)) } else { type = .unknown }
            } else if type == .gauge, name.hasSuffix("_info"), "\(instrument.unit)" == "1" {
                type = .info
                family = String(name.dropLast(5))
            }
        }
        self.family = family
        self.type = type
        self.unit = !unit.isEmpty && family.hasSuffix("_\(unit)") ? unit : ""
    }

    func typeName(_ format: PrometheusFormat) -> StaticString {
        switch self.type {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        case .info: "info"
        case .unknown: format == .openMetrics ? "unknown" : "untyped"
        }
    }

    /// `[a-zA-Z_:][a-zA-Z0-9_:]*` without runs of underscores; labels have no colon.
    static func sanitized(_ name: String, allowColon: Bool) -> String {
        var out = ""
        for byte in name.utf8 {
            let isAllowed: Bool
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: isAllowed = true
            case 0x3a: isAllowed = allowColon
            default: isAllowed = false
            }
            if isAllowed {
                if out.isEmpty, (0x30...0x39).contains(byte) { out = "_" }
                out.unicodeScalars.append(Unicode.Scalar(byte))
            } else if out.utf8.last != 0x5f {
                out += "_"
            }
        }
        return out
    }

    /// The words of the specification's table for UCUM units; annotations (`{token}`) and ratios (`1`) give none.
    static func unitWord(_ unit: String) -> String {
        let words = [
            "s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds", "min": "minutes", "h": "hours", "d": "days", "By": "bytes",
            "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes", "kBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "%": "percent",
        ]
        return words[unit] ?? ""
    }
}
