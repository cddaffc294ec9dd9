import Exporters
import GatewayCore
import Synchronization
import Telemetry

/// The sinks that log plugins configure. They outlive configurations: a reload with the same settings keeps queue and file.
final class SinkStore: SinkDirectory {
    private let flow: EvidenceFlow
    private let runner: ExportRunner
    private let consumers: ConsumerMetrics
    private let files: FileLogSinks
    private let base: OTLPOptions
    private let state = Mutex<(traces: [TraceSinkSettings: OTLPTraceExporter], kong: [KongMetricsSelection: KongMetrics])>(([:], [:]))

    /// - Parameter base: resource and defaults of trace exporters, from the OTEL_* variables.
    init(flow: EvidenceFlow, runner: ExportRunner, consumers: ConsumerMetrics, lines: AuditLineCache, base: OTLPOptions) {
        self.flow = flow
        self.runner = runner
        self.consumers = consumers
        self.files = FileLogSinks(registry: flow.registry, lines: lines)
        self.base = base
    }

    func fileLog(path: String, reopen: Bool) -> any EvidenceConsumer {
        let (sink, isNew) = self.files.sink(path: path, reopen: reopen)
        if isNew { self.add(sink) }
        return sink
    }

    func traces(_ settings: TraceSinkSettings) -> any EvidenceConsumer {
        self.state.withLock { state in
            if let known = state.traces[settings] { return known }
            var options = self.base
            options.endpoint = settings.endpoint
            options.headers = settings.headers.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
            for (name, value) in settings.resourceAttributes { options.setResource(name, value) }
            options.timeoutMilliseconds = settings.connectTimeoutMilliseconds + settings.timeoutMilliseconds
            options.maximumBatchSpans = settings.batchSize
            options.batchDelayMilliseconds = Int(settings.batchDelaySeconds * 1000)
            options.maximumQueuedSpans = max(settings.maximumEntries, settings.batchSize)
            options.retry.maximumElapsedMilliseconds = UInt64(max(0, settings.maximumRetrySeconds) * 1000)
            let exporter = OTLPTraceExporter(options: options, runner: self.runner)
            state.traces[settings] = exporter
            self.add(exporter)
            return exporter
        }
    }

    func kongMetrics(_ selection: KongMetricsSelection) -> any EvidenceConsumer {
        self.state.withLock { state in
            if let known = state.kong[selection] { return known }
            let metrics = KongMetrics(
                registry: self.flow.registry, statusCodes: selection.statusCodes, latencies: selection.latencies, bandwidth: selection.bandwidth, ai: selection.ai,
                perConsumer: selection.perConsumer)
            state.kong[selection] = metrics
            self.add(metrics)
            return metrics
        }
    }

    private func add(_ consumer: any EvidenceConsumer) {
        self.flow.addScoped(consumer)
        self.consumers.add(consumer)
    }

    /// After a rotation from outside.
    func reopenFiles() { self.files.reopen() }
}

/// Sinks for checking a configuration: nothing is opened.
struct DetachedSinks: SinkDirectory {
    private final class Nowhere: EvidenceConsumer {
        let name: StaticString = "none"
        func consume(_ evidence: RequestEvidence) {}
        func tick(now: UInt64) {}
        func counts() -> DeliveryCounts { DeliveryCounts() }
        func shutdown(deadline: UInt64) {}
    }

    func fileLog(path: String, reopen: Bool) -> any EvidenceConsumer { Nowhere() }
    func traces(_ settings: TraceSinkSettings) -> any EvidenceConsumer { Nowhere() }
    func kongMetrics(_ selection: KongMetricsSelection) -> any EvidenceConsumer { Nowhere() }
}
