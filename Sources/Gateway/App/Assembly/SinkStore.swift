import Exporters
import GatewayCore
import SideClient
import Synchronization
import Telemetry

/// The sinks that log plugins configure. They outlive configurations: a reload with the same settings keeps queue and file, and what no
/// configuration uses any more is retired.
final class SinkStore: SinkDirectory {
    private enum Key: Hashable {
        case traces(TraceSinkSettings)
        case kong(KongMetricsSelection)
        case sink(SinkSettings)
    }

    private let flow: EvidenceFlow
    private let runner: ExportRunner
    private let consumers: ConsumerMetrics
    private let lines: AuditLineCache
    private let files: FileLogSinks
    private let bases: (traces: OTLPOptions, metrics: OTLPOptions, logs: OTLPOptions)
    private let syslogPath: String
    private let state = Mutex<[Key: any EvidenceConsumer]>([:])

    /// - Parameter telemetry: resource and defaults of exporters, from the OTEL_* variables.
    init(flow: EvidenceFlow, runner: ExportRunner, consumers: ConsumerMetrics, telemetry: TelemetryAssembly, syslogPath: String) {
        self.flow = flow
        self.runner = runner
        self.consumers = consumers
        self.lines = telemetry.lines
        self.files = FileLogSinks(registry: flow.registry, lines: telemetry.lines)
        self.bases = (telemetry.traceBase, telemetry.metricBase, telemetry.logBase)
        self.syslogPath = syslogPath
    }

    func fileLog(path: String, reopen: Bool) -> any EvidenceConsumer {
        let (sink, isNew) = self.files.sink(path: path, reopen: reopen)
        if isNew { self.add(sink) }
        return sink
    }

    func traces(_ settings: TraceSinkSettings) -> any EvidenceConsumer {
        self.known(.traces(settings)) { OTLPTraceExporter(options: SinkStore.options(settings, self.bases.traces), runner: self.runner) }
    }

    func kongMetrics(_ selection: KongMetricsSelection) -> any EvidenceConsumer {
        self.known(.kong(selection)) {
            KongMetrics(
                registry: self.flow.registry, statusCodes: selection.statusCodes, latencies: selection.latencies, bandwidth: selection.bandwidth, ai: selection.ai,
                perConsumer: selection.perConsumer, showsUpstreamHealth: selection.upstreamHealth)
        }
    }

    func edited(_ sink: any EvidenceConsumer, by editor: any LogLineEditor) -> any EvidenceConsumer {
        guard let sink = sink as? any LogLineSink else { return sink }
        return EditedLogLines(sink, editor: editor, lines: self.lines)
    }

    func sink(_ settings: SinkSettings) -> any EvidenceConsumer { self.known(.sink(settings)) { self.make(settings) } }

    // MARK: Making

    private func make(_ settings: SinkSettings) -> any EvidenceConsumer {
        switch settings {
        case .http(let log):
            var options = SinkStore.options(log.queue, url: log.url)
            options.method = log.method
            options.contentType = log.contentType
            options.headers = log.headers.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
            options.connectTimeoutMilliseconds = SinkStore.wait(log.timeoutMilliseconds)
            options.timeoutMilliseconds = SinkStore.wait(log.timeoutMilliseconds)
            options.tls = SideTLSOptions(certificatePEM: log.certificate?.chain, keyPEM: log.certificate?.key, verifiesPeer: log.verifiesPeer)
            return HTTPLogSink(options: options, runner: self.runner, lines: self.lines)
        case .socket(let log):
            let timeout = SinkStore.wait(log.timeoutMilliseconds)
            let place: SocketLogPlace =
                switch log.transport {
                case .udp: .udp(host: log.host, port: log.port, timeoutMilliseconds: timeout)
                case .tcp: .tcp(host: log.host, port: log.port, timeoutMilliseconds: timeout)
                case .tls(let name, let verifies): .tls(host: log.host, port: log.port, serverName: name, verifiesPeer: verifies, timeoutMilliseconds: timeout)
                }
            return SocketLogSink(place: place, registry: self.flow.registry, lines: self.lines)
        case .syslog(let log):
            let place = SocketLogPlace.syslog(
                path: self.syslogPath, facility: log.facility, logLevel: log.logLevel,
                severities: (log.successfulSeverity, log.clientErrorsSeverity, log.serverErrorsSeverity))
            return SocketLogSink(place: place, registry: self.flow.registry, lines: self.lines)
        case .zipkin(let zipkin): return self.makeZipkin(zipkin)
        case .otlpLogs(let settings): return OTLPLogExporter(options: SinkStore.options(settings, self.bases.logs), runner: self.runner, lines: self.lines)
        case .otlpMetrics(let settings, let push):
            let exporter = OTLPMetricExporter(
                options: SinkStore.options(settings, self.bases.metrics), intervalMilliseconds: Int(min(push.intervalSeconds * 1000, Double(RetryOptions.forever))), runner: self.runner,
                includes: { SinkStore.includes($0, push) })
            return MetricPush(exporter)
        }
    }

    private func makeZipkin(_ zipkin: ZipkinSettings) -> any EvidenceConsumer {
        var options = SinkStore.options(zipkin.queue, url: zipkin.url)
        options.connectTimeoutMilliseconds = SinkStore.wait(zipkin.connectTimeoutMilliseconds)
        options.timeoutMilliseconds = options.connectTimeoutMilliseconds + SinkStore.wait(zipkin.timeoutMilliseconds)
        var naming = ZipkinNaming()
        naming.localServiceName = zipkin.localServiceName
        naming.defaultServiceName = zipkin.defaultServiceName
        naming.includesCredential = zipkin.includesCredential
        naming.namesPath = zipkin.namesPath
        naming.traceIDBytes = zipkin.traceIDBytes
        naming.tags = zipkin.tags.map { ($0.name, $0.value) }
        return ZipkinExporter(options: options, naming: naming, runner: self.runner)
    }

    private static func options(_ settings: TraceSinkSettings, _ base: OTLPOptions) -> OTLPOptions {
        var options = base
        options.endpoint = settings.endpoint
        options.headers = settings.headers.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
        for (name, value) in settings.resourceAttributes { options.setResource(name, value) }
        options.connectTimeoutMilliseconds = self.wait(settings.connectTimeoutMilliseconds)
        options.timeoutMilliseconds = options.connectTimeoutMilliseconds + self.wait(settings.timeoutMilliseconds)
        options.maximumBatchSpans = settings.queue.batchSize
        options.batchDelayMilliseconds = Int(settings.queue.batchDelaySeconds * 1000)
        options.maximumQueuedSpans = max(settings.queue.maximumEntries, settings.queue.batchSize)
        if let bytes = settings.queue.maximumBytes { options.maximumQueuedBytes = max(1, bytes) }
        options.retry = self.retry(settings.queue)
        return options
    }

    private static func options(_ queue: QueueSettings, url: String) -> HTTPSinkOptions {
        var options = HTTPSinkOptions(url: url)
        options.batchRequests = queue.batchSize
        options.batchDelayMilliseconds = Int(queue.batchDelaySeconds * 1000)
        options.maximumQueuedRequests = queue.maximumEntries
        if let bytes = queue.maximumBytes { options.maximumQueuedBytes = max(1, bytes) }
        options.retry = self.retry(queue)
        return options
    }

    private static func retry(_ queue: QueueSettings) -> RetryOptions {
        var retry = RetryOptions()
        retry.initialMilliseconds = UInt64(max(1, queue.initialRetryDelaySeconds * 1000))
        retry.maximumMilliseconds = UInt64(max(1, queue.maximumRetryDelaySeconds * 1000))
        // Kong's schema has no upper limit.
        retry.maximumElapsedMilliseconds = UInt64(min(max(0, queue.maximumRetrySeconds) * 1000, Double(RetryOptions.forever)))
        return retry
    }

    /// A timeout of Kong's as it is meant: 0 leaves it to the client's default there, a minute. The longest are ten years.
    private static func wait(_ milliseconds: Int) -> Int { milliseconds > 0 ? min(milliseconds, Int(RetryOptions.forever)) : 60_000 }

    /// Which of Kong's groups an instrument belongs to; what is in none is always pushed.
    private static func includes(_ instrument: Instrument, _ push: MetricPushSettings) -> Bool {
        let name = "\(instrument.name)"
        if name.hasPrefix("gen_ai.") || name == "pellucid.cost" || name.hasPrefix("kong.ai_") { return push.includesAI }
        if name.hasPrefix("kong.bandwidth") { return push.includesBandwidth }
        if name.hasSuffix(".request.duration") || name == "pellucid.overhead.duration" || name == "pellucid.stage.duration" || name.hasSuffix("_latency") { return push.includesLatency }
        if name == "pellucid.requests.finished" || name == "kong.http_requests" { return push.includesRequests }
        if name.hasPrefix("pellucid.upstream.target.") || name == "kong.upstream_target_health" { return push.includesUpstreamHealth }
        return true
    }

    private func known(_ key: Key, _ make: () -> any EvidenceConsumer) -> any EvidenceConsumer {
        self.state.withLock { state in
            if let known = state[key] { return known }
            let sink = make()
            state[key] = sink
            self.add(sink)
            return sink
        }
    }

    private func add(_ consumer: any EvidenceConsumer) {
        self.flow.addScoped(consumer)
        self.consumers.add(consumer)
    }

    // MARK: Later

    /// Every sink that was made and not retired, those of a configuration among them that was refused in the end.
    var all: [any EvidenceConsumer] { self.state.withLock { Array($0.values) } + self.files.open }

    /// After a rotation from outside.
    func reopenFiles() { self.files.reopen() }

    /// Lets go of sinks that the active configuration does not use: takes them out of the flow, delivers what they hold, keeps their totals.
    ///
    /// To be called once no request runs under a configuration that uses them. Blocks while they deliver, some seconds at most.
    func retire(_ sinks: [any EvidenceConsumer]) {
        self.state.withLock { state in
            for (key, known) in state where sinks.contains(where: { $0 === known }) { state[key] = nil }
        }
        // Out of the flow first: the drain thread is the only one that may feed a sink, and it must be done with it.
        self.flow.retire(sinks, within: 2_000_000_000)
        for sink in sinks {
            self.consumers.remove(sink)
            DiagnosticLog.shared.notice("a sink is no longer configured and was closed", ("sink", "\(sink.name)"), ("delivered", "\(sink.counts().delivered)"))
        }
    }
}

/// Metrics that a plugin has pushed. They are those of the process, so requests pass by.
private final class MetricPush: EvidenceConsumer {
    let name: StaticString = "otlp-metrics"
    private let exporter: OTLPMetricExporter

    init(_ exporter: OTLPMetricExporter) { self.exporter = exporter }

    func consume(_ evidence: RequestEvidence) {}
    func tick(now: UInt64) {}
    func counts() -> DeliveryCounts { DeliveryCounts() }
    func shutdown(deadline: UInt64) { self.exporter.shutdown(deadline: deadline) }
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
    func edited(_ sink: any EvidenceConsumer, by editor: any LogLineEditor) -> any EvidenceConsumer { sink }

    func sink(_ settings: SinkSettings) -> any EvidenceConsumer { Nowhere() }
}
