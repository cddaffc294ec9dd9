/// The formats of a metrics page.
public enum PrometheusFormat: Sendable, Equatable, CaseIterable {
    /// Prometheus text format 0.0.4, https://prometheus.io/docs/instrumenting/exposition_formats/
    case text
    /// OpenMetrics 1.0.0, https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
    case openMetrics
    /// Length-delimited messages of https://github.com/prometheus/client_model/blob/v0.6.2/io/prometheus/client/metrics.proto: the only one that carries
    /// native histograms.
    case protobuf

    /// The `Content-Type` of a page in this format.
    public var contentType: StaticString {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        case .protobuf: "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
        }
    }

    /// The format that an `Accept` value prefers (RFC 9110 section 12.5.1): OpenMetrics only where it is named, else text.
    public static func negotiate(accept: String) -> PrometheusFormat {
        var best = (format: PrometheusFormat.text, quality: 0.0)
        for range in accept.split(separator: ",") {
            let parts = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let type = parts.first else { continue }
            var quality = 1.0
            var version: Substring?
            var (message, encoding) = ("", "")
            for parameter in parts.dropFirst() {
                if parameter.hasPrefix("q=") { quality = Double(parameter.dropFirst(2)) ?? 0 }
                if parameter.hasPrefix("version=") { version = parameter.dropFirst(8) }
                if parameter.hasPrefix("proto=") { message = String(parameter.dropFirst(6)) }
                if parameter.hasPrefix("encoding=") { encoding = String(parameter.dropFirst(9)) }
            }
            let format: PrometheusFormat
            switch type {
            case "application/openmetrics-text" where version == nil || version == "1.0.0" || version == "0.0.1": format = .openMetrics
            case "application/vnd.google.protobuf" where message == "io.prometheus.client.metricfamily" && encoding == "delimited": format = .protobuf
            case "text/plain" where version == nil || version == "0.0.4": format = .text
            case "text/*", "*/*": format = .text
            default: continue
            }
            if quality > best.quality { best = (format, quality) }
        }
        return best.format
    }
}
