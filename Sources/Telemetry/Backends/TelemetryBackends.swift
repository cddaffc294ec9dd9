import CoreMetrics
import Logging
public import Telemetry
import Tracing

/// Puts the gateway's telemetry behind the APIs that Swift libraries report to: swift-log, swift-metrics and swift-distributed-tracing.
public enum TelemetryBackends {
    /// Installs all three. Once in a process and before a library asks for them, as each of the packages demands.
    ///
    /// - Parameters:
    ///   - registry: takes metrics.
    ///   - spans: takes spans; nil: none are recorded.
    ///   - logs: takes log records beside the diagnostic log.
    ///   - sampler: decides for spans whose trace begins in the process.
    public static func bootstrap(
        registry: MetricRegistry, log: DiagnosticLog = .shared, spans: (any LibrarySpanSink)? = nil, logs: (any LibraryLogSink)? = nil, sampler: LibraryTracer.Sampler? = nil
    ) {
        LoggingSystem.bootstrap({ label, provider in LibraryLogHandler(label: label, log: log, sink: logs, metadataProvider: provider) }, metadataProvider: nil)
        MetricsSystem.bootstrap(LibraryMetricsFactory(registry: registry, log: log))
        guard let spans else { return }
        InstrumentationSystem.bootstrap(sampler.map { LibraryTracer(sink: spans, sampler: $0) } ?? LibraryTracer(sink: spans))
    }
}
