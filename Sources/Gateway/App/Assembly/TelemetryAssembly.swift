import Exporters
import GatewayCore
import GatewayWire
import NIOCore
import Telemetry
import TelemetryBackends

/// The telemetry that belongs to the process rather than to a configuration: audit stream, the OTEL_* exporter, sampling from the environment.
final class TelemetryAssembly: Sendable {
    let lines = AuditLineCache()
    private let environment: OTLPEnvironment
    private let metrics: OTLPEnvironment
    private let logs: OTLPEnvironment
    private let detected: [(name: String, value: String)]
    private let stateDirectory: String
    private let flow: EvidenceFlow
    private let runner: ExportRunner
    private let consumers: ConsumerMetrics
    // Set once by open(settings:configurationHash:), before anything else runs.
    private nonisolated(unsafe) var audit: AuditStream?
    private nonisolated(unsafe) var decisions: DecisionRing?
    private nonisolated(unsafe) var metricExporter: OTLPMetricExporter?
    private nonisolated(unsafe) var libraries: (spans: OTLPLibraryExporter?, logs: OTLPLibraryExporter?)

    init(environment: [String: String], stateDirectory: String, flow: EvidenceFlow, runner: ExportRunner, consumers: ConsumerMetrics) {
        self.environment = OTLPOptions.fromEnvironment(environment)
        self.metrics = OTLPOptions.fromEnvironment(environment, signal: .metrics)
        self.logs = OTLPOptions.fromEnvironment(environment, signal: .logs)
        var detected = ResourceDetector(environment: environment, read: { try? FileReader.text($0) }).detect()
        detected.append(("service.version", GatewayIdentity.version))
        detected.append(("service.instance.id", TelemetryAssembly.instanceID()))
        self.detected = detected
        self.stateDirectory = stateDirectory
        self.flow = flow
        self.runner = runner
        self.consumers = consumers
        TelemetryAssembly.applyVocabulary(environment["OTEL_SEMCONV_STABILITY_OPT_IN"] ?? "")
        // The signals share most variables; each is complained about once.
        var seen: Set<String> = []
        for problem in self.environment.problems + self.metrics.problems + self.logs.problems where seen.insert(problem.variable).inserted {
            DiagnosticLog.shared.warning("\(problem.variable) is ignored: \(problem.message)")
        }
    }

    private static func applyVocabulary(_ value: String) {
        let wanted = Vocabulary.OptIn(value)
        Vocabulary.writesFormerHTTP = wanted.writesFormerHTTP
        for (word, reason) in wanted.ignored.sorted(by: { $0.key < $1.key }) {
            DiagnosticLog.shared.warning("OTEL_SEMCONV_STABILITY_OPT_IN: \(word) has no effect: \(reason)")
        }
    }

    /// A new random UUID (RFC 9562 version 4), as the convention recommends for an instance without an id of its own.
    private static func instanceID() -> String {
        let (high, low) = (UInt64.random(in: 0...UInt64.max) & ~0xf000 | 0x4000, UInt64.random(in: 0...UInt64.max) >> 2 | 1 << 63)
        let digits = [high, low].map { value in
            let text = String(value, radix: 16)
            return String(repeating: "0", count: 16 - text.utf8.count) + text
        }.joined()
        var parts: [Substring] = []
        var rest = digits[...]
        for length in [8, 4, 4, 4, 12] {
            parts.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return parts.joined(separator: "-")
    }

    /// Resource and defaults for exporters that plugins configure.
    var traceBase: OTLPOptions { self.complete(self.environment.options) }
    var metricBase: OTLPOptions { self.complete(self.metrics.options) }
    var logBase: OTLPOptions { self.complete(self.logs.options) }

    private func complete(_ options: OTLPOptions?) -> OTLPOptions {
        var options = options ?? OTLPOptions()
        options.scopeVersion = GatewayIdentity.version
        options.addResource(self.detected)
        return options
    }

    /// Opens the built-in audit stream and the exporters that the environment asks for.
    func open(settings: PellucidSettings, configurationHash: String) {
        if settings.audit.isEnabled { self.openAudit(settings.audit, configurationHash) }
        if settings.explainedRequests > 0 {
            let ring = DecisionRing(capacity: settings.explainedRequests)
            self.decisions = ring
            self.add(ring)
        }
        if self.environment.isRequested { self.add(OTLPTraceExporter(options: self.traceBase, runner: self.runner)) }
        if self.logs.isRequested { self.add(OTLPLogExporter(options: self.logBase, runner: self.runner, lines: self.lines, head: { [audit] in audit?.head() })) }
        if self.metrics.isRequested {
            self.metricExporter = OTLPMetricExporter(options: self.metricBase, intervalMilliseconds: self.metrics.metricIntervalMilliseconds, runner: self.runner)
        }
        let spool = self.spool(settings.spool)
        self.openLibraries(spool)
        self.runner.start(spool: spool)
    }

    /// What Swift libraries in the process log, count and trace goes where the gateway's own telemetry goes.
    private func openLibraries(_ spool: SpoolOptions?) {
        if self.environment.isRequested { self.libraries.spans = .spans(self.traceBase, runner: self.runner) }
        if self.logs.isRequested { self.libraries.logs = .logs(self.logBase, runner: self.runner) }
        if let spool { for exporter in [self.libraries.spans, self.libraries.logs] { exporter?.recover(from: spool) } }
        let choice = self.environment.sampler ?? SamplerChoice()
        TelemetryBackends.bootstrap(registry: self.flow.registry, spans: self.libraries.spans, logs: self.libraries.logs) { choice.isSampled(parent: $0, traceIDLow: $1) }
    }

    /// Takes spans beside those of requests; nil where no exporter is configured by the environment.
    var librarySpans: (any LibrarySpanSink)? { self.libraries.spans }

    /// Says which changes of a reload wait for the next start.
    func warnOfRestart(from old: PellucidSettings, to new: PellucidSettings) {
        for (name, isChanged) in [("spool", old.spool != new.spool), ("audit", old.audit != new.audit)] where isChanged {
            DiagnosticLog.shared.warning("_pellucid.\(name) has changed: the running gateway keeps the old settings until it is restarted")
        }
    }

    /// Ships the metrics' last values, once the requests are accounted for. Blocks the caller.
    func shutdown(deadline: UInt64) {
        for exporter in [self.libraries.spans, self.libraries.logs] { exporter?.flush() }
        // The window may be used up by a receiver of traces; the last values still get one try.
        self.metricExporter?.shutdown(deadline: max(deadline, MonotonicClock.now() &+ 1_000_000_000))
    }

    /// Where the audit chain stands; nil without one.
    var auditHead: AuditHead? { self.audit?.head() }

    /// Where undelivered telemetry waits; nil when it is to stay in memory.
    private func spool(_ settings: SpoolSettings) -> SpoolOptions? {
        guard settings.isEnabled else { return nil }
        var options = SpoolOptions(
            directory: settings.path ?? "\(self.stateDirectory)/spool", maximumBytes: settings.maximumBytes, maximumAgeSeconds: settings.maximumAgeSeconds,
            flushSeconds: settings.flushSeconds)
        options.isSynchronized = settings.isSynchronized
        return options
    }

    private func openAudit(_ settings: AuditSettings, _ configurationHash: String) {
        let path: String
        if let configured = settings.path {
            path = configured
        } else {
            guard FileReader.makeDirectory(self.stateDirectory) else {
                DiagnosticLog.shared.error("no audit log: the state directory cannot be made", ("path", self.stateDirectory))
                return
            }
            path = "\(self.stateDirectory)/audit.jsonl"
        }
        var options = AuditStreamOptions(path: path, key: settings.hmacKey.map { Array($0.utf8) })
        options.synchronization =
            switch settings.fsync {
            case .never: .none
            case .interval: .interval(milliseconds: Int(settings.fsyncIntervalSeconds * 1000))
            case .always: .always
            }
        options.rotateBytes = settings.rotateBytes
        options.rotateSeconds = settings.rotateSeconds
        options.keptFiles = settings.keptFiles
        options.keptSeconds = settings.keptSeconds
        options.compressesClosedFiles = settings.compressesClosedFiles
        options.version = GatewayIdentity.version
        options.configurationHash = configurationHash
        let stream = AuditStream(options: options, registry: self.flow.registry, lines: self.lines)
        do throws(AuditStreamFailure) { try stream.open() } catch {
            // The stream goes on trying; what it loses meanwhile is counted and declared in the next line it writes.
            DiagnosticLog.shared.error("\(error)")
        }
        self.audit = stream
        self.flow.registry.observe(Instruments.auditHeadSeq) { Double(stream.head().seq) }
        self.flow.registry.observe(Instruments.auditHeadHash) { stream.head().leadingBits }
        self.add(stream)
    }

    private func add(_ consumer: any EvidenceConsumer) {
        self.flow.addGlobal(consumer)
        self.consumers.add(consumer)
    }

    /// The tail decision of sampling and the redaction follow the configuration at once.
    func apply(_ settings: PellucidSettings) {
        self.flow.setRedaction(RedactionAssembly.policies(settings.redaction))
        let sampling = settings.sampling
        self.flow.setTailSampling(
            TailSampling(
                keepsFailures: sampling.keepsFailures, keepsSlowerThan: sampling.keepsSlowerThanSeconds.map { UInt64($0 * 1e9) }, keepsCostlierThan: sampling.keepsCostlierThan,
                overridesParent: sampling.overridesParent))
    }

    /// The decision record of a request with the routes it fits in the active configuration; nil when it is none of the last ones.
    func explain(_ requestID: String, _ snapshot: GatewaySnapshot) -> [UInt8]? {
        guard var json = self.decisions?.explanation(of: requestID.lowercased()) else { return nil }
        guard let record = try? JSONValue(parsing: ByteBuffer(bytes: json))["record"] else { return json }
        let isCurrent = record["config_hash"]?.stringValue == snapshot.hash
        json.removeLast()
        json += Array(",\"active_config_hash\":\"\(snapshot.hash)\",\"is_config_active\":\(isCurrent),\"route_candidates\":\(RouteCandidates.json(record, snapshot))}".utf8)
        return json
    }

    func reopenFiles() { self.audit?.reopen() }

    /// A sampler of the environment wins over the file's.
    func sampled(_ snapshot: GatewaySnapshot) -> GatewaySnapshot {
        guard let choice = self.environment.sampler else { return snapshot }
        let ratio =
            switch choice.root {
            case .alwaysOn: 1.0
            case .alwaysOff: 0.0
            case .ratio(let ratio): ratio
            }
        var sampler = Sampler(ratio: ratio, followsParent: choice.isParentBased)
        sampler.isFinal = true
        return snapshot.sampled(by: sampler)
    }
}
