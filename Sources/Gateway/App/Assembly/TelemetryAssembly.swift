import Exporters
import GatewayCore
import Telemetry

/// The telemetry that belongs to the process rather than to a configuration: audit stream, the OTEL_* exporter, sampling from the environment.
final class TelemetryAssembly: Sendable {
    let lines = AuditLineCache()
    private let environment: OTLPEnvironment
    private let stateDirectory: String
    private let flow: EvidenceFlow
    private let runner: ExportRunner
    private let consumers: ConsumerMetrics
    private nonisolated(unsafe) var audit: AuditStream?
    // Set once by open(settings:configurationHash:), before anything else runs.

    init(environment: [String: String], stateDirectory: String, flow: EvidenceFlow, runner: ExportRunner, consumers: ConsumerMetrics) {
        self.environment = OTLPOptions.fromEnvironment(environment)
        self.stateDirectory = stateDirectory
        self.flow = flow
        self.runner = runner
        self.consumers = consumers
        for problem in self.environment.problems { DiagnosticLog.shared.warning("\(problem.variable) is ignored: \(problem.message)") }
    }

    /// Resource and defaults for exporters that plugins configure.
    var traceBase: OTLPOptions {
        var options = self.environment.options ?? OTLPOptions()
        options.scopeVersion = GatewayIdentity.version
        return options
    }

    /// Opens the built-in audit stream and the exporter that the environment asks for.
    func open(settings: PellucidSettings, configurationHash: String) {
        if settings.audit.isEnabled { self.openAudit(settings.audit, configurationHash) }
        if self.environment.isRequested, !self.environment.isDisabled, self.environment.options != nil {
            self.add(OTLPTraceExporter(options: self.traceBase, runner: self.runner))
        }
        self.runner.start(spool: self.spool(settings.spool))
    }

    /// Where undelivered telemetry waits; nil when it is to stay in memory.
    private func spool(_ settings: SpoolSettings) -> SpoolOptions? {
        guard settings.isEnabled else { return nil }
        return SpoolOptions(
            directory: settings.path ?? "\(self.stateDirectory)/spool", maximumBytes: settings.maximumBytes, maximumAgeSeconds: settings.maximumAgeSeconds,
            flushSeconds: settings.flushSeconds)
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
        options.version = GatewayIdentity.version
        options.configurationHash = configurationHash
        let stream = AuditStream(options: options, registry: self.flow.registry, lines: self.lines)
        do throws(AuditStreamFailure) { try stream.open() } catch {
            // The stream goes on trying; what it loses meanwhile is counted and declared in the next line it writes.
            DiagnosticLog.shared.error("\(error)")
        }
        self.audit = stream
        self.add(stream)
    }

    private func add(_ consumer: any EvidenceConsumer) {
        self.flow.addGlobal(consumer)
        self.consumers.add(consumer)
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
        return snapshot.sampled(by: Sampler(ratio: ratio, followsParent: choice.isParentBased))
    }
}
