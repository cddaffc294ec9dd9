import ArgumentParser
import Exporters
import Telemetry

/// `pellucid metrics`: every metric the gateway has, as docs/metrics.md.
struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "metrics", abstract: "Print every metric with its labels and meaning, as Markdown.")

    func run() throws {
        print(
            """
            # Metrics

            Written by `pellucid metrics`. What `/metrics` shows is pushed by OTLP under the names of OpenTelemetry. A histogram has `_bucket`, `_sum` and `_count`; a metric appears with its
            first value. Label values come from the configuration or from closed sets; beyond `_pellucid.series_budget` series they become `__other__`
            (`pellucid_metrics_series_overflow_total`). Metrics of Swift libraries in the process stand beside these ([libraries.md](libraries.md)).

            """)
        print(MetricReference.markdown(Instruments.all))
        print("## Under Kong's names\n\nWith Kong's `prometheus` plugin, each group by its switch.\n")
        print(MetricReference.markdown(KongMetrics.instruments), terminator: "")
    }
}
