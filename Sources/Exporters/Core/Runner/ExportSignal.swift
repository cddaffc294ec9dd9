/// What a stream ships; the `signal` value in self-metrics.
public enum ExportSignal: UInt8, Sendable, Hashable {
    case traces, metrics, logs

    public var name: StaticString {
        switch self {
        case .traces: "traces"
        case .metrics: "metrics"
        case .logs: "logs"
        }
    }

    /// The word of component names: `otlp_http_span_exporter`, `otlp_http_log_exporter`, ….
    var componentWord: StaticString {
        switch self {
        case .traces: "span"
        case .metrics: "metric"
        case .logs: "log"
        }
    }
}
