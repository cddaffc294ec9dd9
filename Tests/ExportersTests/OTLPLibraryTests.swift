import SideClient
import Synchronization
import Telemetry
import Testing

@testable import Exporters

/// Spans and log records of libraries on their way to a collector.
@Suite struct OTLPLibraryTests {
    private var span: LibrarySpan {
        var span = LibrarySpan(
            context: TraceContext(traceIDHigh: 1, traceIDLow: 2, spanID: 3, isSampled: true), parentSpanID: 4, hasRemoteParent: true, kind: .client, start: 1_000, name: "query")
        span.end = 2_000
        span.attributes = [LibraryAttribute("a", .string("x")), LibraryAttribute("b", .array([.int(-1), .bool(true), .double(0.5)]))]
        span.events = [LibrarySpan.Event(name: "retry", time: 1_500, attributes: [LibraryAttribute("n", .int(300))])]
        span.links = [LibrarySpan.Link(context: TraceContext(traceIDHigh: 5, traceIDLow: 6, spanID: 7, isSampled: false), attributes: [])]
        span.status = .error
        span.statusMessage = "gone"
        span.droppedEvents = 200
        return span
    }

    @Test func `a span is what libprotobuf-c makes of it`() throws {
        var bytes = ByteWriter()
        OTLPLibraryEncoder.encode(self.span, into: &bytes)
        let request = OTLPEnvelope(options: OTLPOptions()).wrap(bytes.bytes)
        let decoded = try #require(OTLPOracle.decode(request))
        #expect(decoded.repacked == request)
        let span = decoded.spans[0]
        #expect(span.name == "query" && span.kind == 3 && span.start == 1_000 && span.end == 2_000 && span.isError)
        #expect(span.parentID == [0, 0, 0, 0, 0, 0, 0, 4] && span.flags == 0x301)
        #expect(span.attributes["a"] == "x" && span.attributeCount == 2)
    }

    @Test func `what libraries report arrives in batches and nothing is made before`() throws {
        let server = LoopbackServer { _, _ in .respond(status: 200) }
        let client = SideClient()
        let registry = MetricRegistry()
        let runner = ExportRunner(client: client, registry: registry, log: DiagnosticLog(descriptor: -1))
        runner.start()
        var options = OTLPOptions()
        options.endpoint = server.url + "/v1/traces"
        options.batchDelayMilliseconds = 1
        let exporter = OTLPLibraryExporter.spans(options, runner: runner)
        exporter.flush()
        #expect(!registry.snapshot().contains { $0.instrument.name == Instruments.exportQueueItems.name })
        var unsampled = LibrarySpan(context: TraceContext(traceIDHigh: 1, traceIDLow: 2, spanID: 9, isSampled: false), parentSpanID: 0, hasRemoteParent: false, kind: .internal, start: 1, name: "no")
        unsampled.end = 2
        exporter.take(unsampled)
        for _ in 0..<3 { exporter.take(self.span) }
        exporter.flush()
        #expect(waitUntil { server.requests.count >= 1 })
        let spans = server.requests.compactMap { OTLPOracle.decode($0.body) }.flatMap(\.spans)
        #expect(spans.map(\.name) == ["query", "query", "query"])
        runner.shutdown(deadline: 0)
        client.shutdown(deadline: 0)
    }

    @Test func `what a process could not deliver the next one finds before its libraries report anything`() throws {
        let directory = try TemporaryDirectory()
        let isUp = Mutex(false)
        let server = LoopbackServer { _, _ in .respond(status: isUp.withLock { $0 } ? 200 : 503) }
        var options = OTLPOptions()
        options.endpoint = server.url + "/v1/traces"
        options.retry.initialMilliseconds = 1
        let spool = SpoolOptions(directory: directory.path, flushSeconds: 0)

        func process(_ body: (OTLPLibraryExporter) -> Void) {
            let client = SideClient()
            let runner = ExportRunner(client: client, registry: MetricRegistry(), log: DiagnosticLog(descriptor: -1))
            let exporter = OTLPLibraryExporter.spans(options, runner: runner)
            exporter.recover(from: spool)
            runner.start(spool: spool)
            body(exporter)
            runner.shutdown(deadline: MonotonicClock.now())
            client.shutdown(deadline: 0)
        }

        process { exporter in
            exporter.take(self.span)
            exporter.flush()
            #expect(waitUntil { !server.requests.isEmpty })
        }
        let refused = server.requests.count
        isUp.withLock { $0 = true }
        process { _ in #expect(waitUntil { server.requests.count > refused }) }
        let delivered = server.requests.dropFirst(refused).compactMap { OTLPOracle.decode($0.body) }.flatMap(\.spans)
        // Perhaps twice: an export that was under way when the first process ended may have been answered.
        #expect(Set(delivered.map(\.name)) == ["query"])
    }
}
