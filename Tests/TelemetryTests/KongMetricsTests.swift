import TelemetryTestSupport
import Testing

@testable import Telemetry

@Suite struct KongMetricsTests {
    private let fixture = TelemetryFixture()

    private func metrics(perConsumer: Bool = true, only: Set<String> = ["status", "latency", "bandwidth", "ai"]) -> KongMetrics {
        KongMetrics(
            registry: self.fixture.registry, statusCodes: only.contains("status"), latencies: only.contains("latency"), bandwidth: only.contains("bandwidth"),
            ai: only.contains("ai"), perConsumer: perConsumer)
    }

    private func request(sink: KongMetrics, status: UInt16 = 200, source: StaticString = "upstream", isSampled: Bool = true) {
        let record = self.fixture.begin(isSampled: isSampled)
        record.matched(Known.route, sinks: [sink])
        record.authenticated(Known.consumer)
        record.update { root, _ in
            root.status = status
            root.source = EvidenceText(source)
            root.upstreamStatus = 200
            root.requestBytes = 100
            root.responseBytes = 250
            root.upstreamWaitNanoseconds = 42_000_000
        }
        var scope = record.openAttempt()
        scope.withAttempt { attempt, evidence in
            attempt.operation = EvidenceText("chat")
            attempt.provider = EvidenceText("openai")
            attempt.requestModel = evidence.text("gpt-4o")
            attempt.isModelConfigured = true
            attempt.usage.input = 30
            attempt.usage.output = 12
            attempt.usage.source = .providerReported
            attempt.hasCost = true
            attempt.cost = 0.5
        }
        scope.finish(.passed)
        record.finish(.passed)
        self.fixture.flow.drainOnce()
    }

    /// Names, labels and buckets of Kong's exporter (kong/plugins/prometheus/exporter.lua).
    @Test func `names labels and buckets are Kong's`() {
        self.request(sink: self.metrics())
        let place = ["service", "route", "workspace"]
        let model = ["ai_provider", "ai_model", "cache_status", "vector_db", "embeddings_provider", "embeddings_model", "workspace"]
        let expected: [(name: String, labels: [String], buckets: [Double]?)] = [
            ("kong_http_requests_total", ["service", "route", "code", "source", "workspace", "consumer"], nil),
            ("kong_kong_latency_ms", place, [1, 2, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 750, 1000, 3000, 6000]),
            ("kong_upstream_latency_ms", place, [25, 50, 80, 100, 250, 400, 700, 1000, 2000, 5000, 10000, 30000, 60000]),
            ("kong_request_latency_ms", place, [25, 50, 80, 100, 250, 400, 700, 1000, 2000, 5000, 10000, 30000, 60000]),
            ("kong_bandwidth_bytes", ["service", "route", "direction", "workspace", "consumer"], nil),
            ("kong_ai_llm_requests_total", model, nil),
            ("kong_ai_llm_cost_total", model, nil),
            ("kong_ai_llm_tokens_total", Array(model.dropLast()) + ["token_type", "workspace"], nil),
            (
                "kong_ai_llm_provider_latency_ms", model,
                [250, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000, 10000, 30000, 60000]
            ),
        ]
        let families = self.fixture.registry.snapshot().filter { "\($0.instrument.name)".hasPrefix("kong.") }
        #expect(families.count == expected.count)
        for (name, labels, buckets) in expected {
            let instrument = families.map(\.instrument).first { $0.prometheusName.map { "\($0)" } == name }
            #expect(instrument?.attributes.map { "\($0)" } == labels, "\(name)")
            if case .histogram(let bounds)? = instrument?.kind { #expect(bounds == buckets) } else { #expect(buckets == nil) }
        }
    }

    @Test func `values are those of the request`() {
        self.request(sink: self.metrics())
        let registry = self.fixture.registry
        #expect(registry.total("kong.http_requests", where: ["service": "llm", "route": "chat", "code": "200", "source": "service", "workspace": "default", "consumer": "alice"]) == 1)
        #expect(registry.total("kong.bandwidth", where: ["direction": "ingress"]) == 100)
        #expect(registry.total("kong.bandwidth", where: ["direction": "egress"]) == 250)
        #expect(registry.observations("kong.upstream_latency") == (1, 42))
        #expect(registry.total("kong.ai_llm_requests", where: ["ai_provider": "openai", "ai_model": "gpt-4o"]) == 1)
        #expect(registry.total("kong.ai_llm_cost") == 0.5)
        for (type, count) in [("prompt_tokens", 30.0), ("completion_tokens", 12), ("total_tokens", 42)] {
            #expect(registry.total("kong.ai_llm_tokens", where: ["token_type": type]) == count)
        }
    }

    @Test func `what the gateway answered itself has the source kong`() {
        let sink = self.metrics()
        self.request(sink: sink, status: 401, source: "kong")
        self.request(sink: sink, status: 502, source: "error")
        #expect(self.fixture.registry.total("kong.http_requests", where: ["source": "kong"]) == 2)
        #expect(self.fixture.registry.total("kong.http_requests", where: ["source": "kong", "code": "401"]) == 1)
    }

    @Test func `without per_consumer the label is empty`() {
        self.request(sink: self.metrics(perConsumer: false))
        #expect(self.fixture.registry.total("kong.http_requests", where: ["consumer": ""]) == 1)
    }

    @Test(arguments: [
        ("status", ["kong.http_requests"]), ("latency", ["kong.kong_latency", "kong.request_latency", "kong.upstream_latency"]), ("bandwidth", ["kong.bandwidth"]),
        ("ai", ["kong.ai_llm_cost", "kong.ai_llm_provider_latency", "kong.ai_llm_requests", "kong.ai_llm_tokens"]),
    ])
    func `each selection adds its own metrics only`(selection: String, names: [String]) {
        self.request(sink: self.metrics(only: [selection]))
        let found = self.fixture.registry.snapshot().map { "\($0.instrument.name)" }.filter { $0.hasPrefix("kong.") }
        #expect(found.sorted() == names)
    }

    @Test func `everything offered is delivered at once`() {
        let sink = self.metrics()
        self.fixture.flow.addScoped(sink)
        self.request(sink: sink)
        #expect(sink.counts().offered == 1)
        #expect(self.fixture.flow.unaccountedRequests() == 0)
    }

    @Test func `a request without a route counts nowhere`() {
        let sink = self.metrics()
        self.fixture.flow.addGlobal(sink)
        self.fixture.begin().finish(.rejected)
        self.fixture.flow.drainOnce()
        #expect(self.fixture.registry.points("kong.http_requests").isEmpty)
        #expect(sink.counts().delivered == 1)
    }

    private static let histograms = ["kong.request_latency", "kong.kong_latency", "kong.upstream_latency", "kong.ai_llm_provider_latency"]

    private func exemplars(_ name: String) -> [Exemplar] { self.fixture.registry.points(name).flatMap { $0.exemplars.values } }

    @Test func `every latency names the trace of a sampled request`() throws {
        let sink = self.metrics()
        self.request(sink: sink, isSampled: false)
        for name in Self.histograms { #expect(self.exemplars(name).isEmpty, "\(name)") }
        self.request(sink: sink)
        let root = try #require(self.fixture.finished.last).root
        for name in Self.histograms {
            let exemplars = self.exemplars(name)
            #expect(exemplars.count == 1, "\(name)")
            let exemplar = try #require(exemplars.first)
            #expect(exemplar.traceIDHigh == root.traceIDHigh && exemplar.traceIDLow == root.traceIDLow && exemplar.spanID == root.spanID, "\(name)")
        }
        #expect(self.exemplars("kong.upstream_latency").first?.value == 42)
        #expect(self.exemplars("kong.request_latency").first?.value == Double(root.endMonotonic - root.startMonotonic) / 1e6)
    }

    @Test func `a request whose trace is exported after all is an exemplar too`() {
        self.fixture.flow.setTailSampling(TailSampling())
        self.request(sink: self.metrics(), status: 503, isSampled: false)
        for name in Self.histograms { #expect(self.exemplars(name).count == 1, "\(name)") }
    }
}
