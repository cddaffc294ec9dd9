import SideClient
import Telemetry
import Testing

@testable import Exporters

@Suite struct OTLPTraceExporterTests {
    /// A flow whose requests go to an exporter that sends to `server`.
    private final class Rig {
        let registry = MetricRegistry()
        let flow: EvidenceFlow
        let loop: LoopTelemetry
        let client = SideClient()
        let runner: ExportRunner
        let exporter: OTLPTraceExporter

        init(url: String, _ change: (inout OTLPOptions) -> Void = { _ in }) {
            var options = OTLPOptions()
            options.endpoint = url + "/v1/traces"
            options.batchDelayMilliseconds = 0
            options.retry.initialMilliseconds = 1
            options.retry.jitter = 0
            change(&options)
            self.flow = EvidenceFlow(registry: self.registry, ringCapacity: 1024)
            self.loop = self.flow.makeLoop()
            self.runner = ExportRunner(client: self.client, registry: self.registry, log: DiagnosticLog(descriptor: -1))
            self.exporter = OTLPTraceExporter(options: options, runner: self.runner)
            self.runner.start()
            self.flow.addGlobal(self.exporter)
        }

        func request(isSampled: Bool = true, stages: Int = 1) {
            let request = self.loop.begin(parent: nil, isSampled: isSampled)
            for _ in 0..<stages { request.openStage(Sample.keyAuth).finish(.passed) }
            request.finish(.passed)
            self.flow.drainOnce()
        }

        func tick() { self.exporter.tick(now: MonotonicClock.now()) }

        /// Ticks until the counts satisfy the condition.
        func settle(_ condition: (DeliveryCounts) -> Bool) -> Bool {
            waitUntil {
                self.tick()
                return condition(self.exporter.counts())
            }
        }

        func metric(_ name: String, _ values: [String]) -> Double? {
            for family in self.registry.snapshot() where "\(family.instrument.name)" == name {
                for point in family.points where point.values == values {
                    if case .number(let number) = point.value { return number }
                }
            }
            return nil
        }

        func end() {
            self.runner.shutdown(deadline: 0)
            self.client.shutdown(deadline: 0)
        }
    }

    @Test func `sampled requests arrive as one readable batch and others are counted`() throws {
        let server = LoopbackServer { _, _ in .respond(status: 200) }
        let rig = Rig(url: server.url) { $0.headers = [("Authorization", "Bearer t")] }
        for i in 0..<5 { rig.request(isSampled: i != 2) }
        #expect(rig.settle { $0.delivered == 4 })
        let counts = rig.exporter.counts()
        #expect(counts.offered == 5 && counts.sampledOut == 1 && counts.queued == 0 && counts.dropped == 0)
        #expect(rig.flow.unaccountedRequests() == 0)
        let request = try #require(server.requests.first)
        #expect(request.head.hasPrefix("POST /v1/traces "))
        #expect(request.head.contains("Content-Type: application/x-protobuf"))
        #expect(request.head.contains("Authorization: Bearer t"))
        let spans = server.requests.compactMap { OTLPOracle.decode($0.body) }.flatMap(\.spans)
        #expect(spans.count == 8)
        #expect(rig.metric("otel.sdk.exporter.span.exported", ["otlp_http_span_exporter/0", ""]) == 8)
        #expect(rig.metric("otel.sdk.exporter.span.inflight", ["otlp_http_span_exporter/0"]) == 0)
        rig.end()
        server.stop()
    }

    @Test func `a batch is sent when it is full and never splits a request`() throws {
        let server = LoopbackServer { _, _ in .respond(status: 200) }
        let rig = Rig(url: server.url) {
            $0.maximumBatchSpans = 6
            $0.batchDelayMilliseconds = 3_600_000
        }
        // Four spans each: the second would make eight.
        for _ in 0..<3 { rig.request(stages: 3) }
        #expect(rig.settle { $0.delivered == 2 })
        #expect(rig.exporter.counts().queued == 1)
        let sizes = server.requests.compactMap { OTLPOracle.decode($0.body)?.spans.count }
        #expect(sizes == [4, 4])
        rig.end()
        server.stop()
    }

    @Test func `a retryable status is tried again until it is taken`() throws {
        let server = LoopbackServer { number, _ in .respond(status: number < 2 ? 503 : 200) }
        let rig = Rig(url: server.url)
        rig.request()
        #expect(rig.settle { $0.delivered == 1 })
        #expect(server.requests.count == 3)
        #expect(Set(server.requests.map(\.body)).count == 1)
        #expect(rig.metric("pellucid.telemetry.possible_duplicates", ["otlp"]) == nil)
        rig.end()
        server.stop()
    }

    @Test func `a final status drops the payload and counts it`() throws {
        let server = LoopbackServer { _, _ in .respond(status: 400) }
        let rig = Rig(url: server.url)
        rig.request()
        #expect(rig.settle { $0.dropped == 1 })
        #expect(server.requests.count == 1)
        #expect(rig.metric("pellucid.telemetry.dropped", ["otlp", "400"]) == 1)
        #expect(rig.metric("otel.sdk.exporter.span.exported", ["otlp_http_span_exporter/0", "400"]) == 2)
        #expect(rig.flow.unaccountedRequests() == 0)
        rig.end()
        server.stop()
    }

    @Test func `a lost answer is repeated and counted as a possible duplicate`() throws {
        let server = LoopbackServer { number, _ in number == 0 ? .close : .respond(status: 200) }
        let rig = Rig(url: server.url)
        rig.request()
        #expect(rig.settle { $0.delivered == 1 })
        #expect(server.requests.count == 2)
        #expect(rig.metric("pellucid.telemetry.possible_duplicates", ["otlp"]) == 1)
        rig.end()
        server.stop()
    }

    @Test func `spans that a partial success refuses are counted as dropped and not sent again`() throws {
        let server = LoopbackServer { _, _ in .respond(status: 200, body: [0x0a, 0x02, 0x08, 0x01]) }
        let rig = Rig(url: server.url) { $0.batchDelayMilliseconds = 3_600_000; $0.maximumBatchSpans = 4 }
        rig.request()
        rig.request()
        #expect(rig.settle { $0.queued == 0 })
        let counts = rig.exporter.counts()
        #expect(counts.delivered == 1 && counts.dropped == 1)
        #expect(server.requests.count == 1)
        #expect(rig.metric("otel.sdk.exporter.span.exported", ["otlp_http_span_exporter/0", "rejected"]) == 1)
        rig.end()
        server.stop()
    }

    @Test func `a collector that is down costs only what the queue cannot hold`() throws {
        let server = LoopbackServer { _, _ in .close }
        let url = server.url
        server.stop()
        let rig = Rig(url: url) {
            $0.maximumQueuedSpans = 6
            $0.retry.initialMilliseconds = 60_000
        }
        for _ in 0..<5 {
            rig.request()
            rig.tick()
        }
        let counts = rig.exporter.counts()
        #expect(counts.offered == 5 && counts.queued == 3 && counts.dropped == 2)
        #expect(rig.metric("pellucid.telemetry.dropped", ["otlp", "queue_full"]) == 2)
        #expect(rig.metric("otel.sdk.processor.span.processed", ["batching_span_processor/0", "queue_full"]) == 4)
        #expect(rig.metric("otel.sdk.processor.span.queue.size", ["batching_span_processor/0"]) == 6)
        rig.exporter.shutdown(deadline: MonotonicClock.now())
        let after = rig.exporter.counts()
        #expect(after.queued == 0 && after.dropped == 5)
        #expect(after.unaccounted == 0)
        rig.end()
    }

    @Test func `retries end after the longest time`() throws {
        let server = LoopbackServer { _, _ in .respond(status: 503) }
        let rig = Rig(url: server.url) { $0.retry.maximumElapsedMilliseconds = 20 }
        rig.request()
        #expect(rig.settle { $0.dropped == 1 })
        #expect(server.requests.count > 1)
        #expect(rig.metric("pellucid.telemetry.dropped", ["otlp", "retries_exhausted"]) == 1)
        rig.end()
        server.stop()
    }

    @Test func `shutdown ships what is pending`() throws {
        let server = LoopbackServer { _, _ in .respond(status: 200) }
        let rig = Rig(url: server.url) { $0.batchDelayMilliseconds = 3_600_000 }
        for _ in 0..<3 { rig.request() }
        #expect(server.requests.isEmpty)
        rig.exporter.shutdown(deadline: MonotonicClock.now() + 10_000_000_000)
        #expect(rig.exporter.counts().delivered == 3)
        #expect(server.requests.count == 1)
        rig.end()
        server.stop()
    }

    @Test func `shutdown gives up a collector that does not answer`() throws {
        let server = LoopbackServer { _, _ in .silence }
        let rig = Rig(url: server.url)
        rig.request()
        let start = MonotonicClock.now()
        rig.exporter.shutdown(deadline: start + 100_000_000)
        #expect(MonotonicClock.now() - start < 5_000_000_000)
        #expect(rig.exporter.counts().dropped == 1)
        #expect(rig.metric("pellucid.telemetry.dropped", ["otlp", "shutdown"]) == 1)
        rig.end()
        server.stop()
    }
}
