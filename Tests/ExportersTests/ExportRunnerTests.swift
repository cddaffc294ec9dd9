import SideClient
import Telemetry
import Testing

@testable import Exporters

@Suite struct ExportRunnerTests {
    private let registry = MetricRegistry()
    private let client = SideClient()
    private let flow: EvidenceFlow
    private let loop: LoopTelemetry
    private let runner: ExportRunner

    init() {
        self.flow = EvidenceFlow(registry: self.registry, ringCapacity: 64)
        self.loop = self.flow.makeLoop()
        self.runner = ExportRunner(client: self.client, registry: self.registry, log: DiagnosticLog(descriptor: -1))
    }

    private func request() {
        self.loop.begin(parent: nil, isSampled: true).finish(.passed)
        self.flow.drainOnce()
    }

    private func queue(_ word: String, _ number: Int) -> (size: Double?, capacity: Double?) {
        let name = ["batching_\(word)_processor/\(number)"]
        return (self.registry.number("otel.sdk.processor.\(word).queue.size", name), self.registry.number("otel.sdk.processor.\(word).queue.capacity", name))
    }

    /// Nothing is sent: the runner's thread is never started.
    @Test func `the queue of log records is shown as that of spans is`() {
        var options = OTLPOptions()
        options.endpoint = "http://127.0.0.1:9/v1/logs"
        options.maximumQueuedSpans = 40
        self.flow.addGlobal(OTLPLogExporter(options: options, runner: self.runner, lines: AuditLineCache()))
        self.flow.addGlobal(OTLPTraceExporter(options: options, runner: self.runner))
        for _ in 0..<3 { self.request() }
        #expect(self.queue("log", 0) == (3, 40))
        #expect(self.queue("span", 0) == (3, 40))
    }

    @Test func `processors of two transports have names of their own`() {
        var options = OTLPOptions()
        options.endpoint = "http://127.0.0.1:9/v1/logs"
        options.maximumQueuedSpans = 40
        var other = HTTPSinkOptions(url: "http://127.0.0.1:9/lines")
        other.maximumQueuedRequests = 50
        self.flow.addGlobal(OTLPLogExporter(options: options, runner: self.runner, lines: AuditLineCache()))
        self.request()
        self.flow.addGlobal(HTTPLogSink(options: other, runner: self.runner, lines: AuditLineCache()))
        self.request()
        #expect(self.queue("log", 0) == (2, 40))
        #expect(self.queue("log", 1) == (1, 50))
    }

    @Test func `the queue of a stream that is closed is not shown any more`() {
        self.runner.start()
        var options = OTLPOptions()
        options.endpoint = "http://127.0.0.1:9/v1/logs"
        let exporter = OTLPLogExporter(options: options, runner: self.runner, lines: AuditLineCache())
        #expect(self.queue("log", 0).size == 0)
        exporter.shutdown(deadline: 0)
        #expect(waitUntil { self.queue("log", 0) == (nil, nil) })
        self.runner.shutdown(deadline: 0)
        self.client.shutdown(deadline: 0)
    }
}
