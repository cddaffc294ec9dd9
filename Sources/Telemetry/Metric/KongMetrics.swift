import Synchronization

/// Kong's own metrics under Kong's names, so that dashboards made for Kong keep working: what the `prometheus` plugin switches on.
///
/// Names, labels and buckets: https://developer.konghq.com/plugins/prometheus/ and kong/plugins/prometheus/exporter.lua. A consumer of its own
/// series cache; called on the drain thread only.
public final class KongMetrics: EvidenceConsumer, @unchecked Sendable {
    // Unchecked: `shard` is used on the drain thread only.
    public let name: StaticString = "prometheus"
    private let shard: MetricShard
    private let statusCodes: Bool
    private let latencies: Bool
    private let bandwidth: Bool
    private let ai: Bool
    private let perConsumer: Bool
    private let served = Atomic<UInt64>(0)
    private var models: LabelCache

    public init(registry: MetricRegistry, statusCodes: Bool, latencies: Bool, bandwidth: Bool, ai: Bool, perConsumer: Bool) {
        self.shard = registry.makeShard()
        self.models = LabelCache(registry.requestModels)
        self.statusCodes = statusCodes
        self.latencies = latencies
        self.bandwidth = bandwidth
        self.ai = ai
        self.perConsumer = perConsumer
    }

    public func consume(_ evidence: RequestEvidence) {
        if let route = evidence.route {
            let consumer = self.perConsumer ? evidence.consumer : nil
            if self.statusCodes { self.recordStatus(evidence, route, consumer) }
            if self.latencies { self.recordLatencies(evidence.root, route) }
            if self.bandwidth { self.recordBandwidth(evidence.root, route, consumer) }
            if self.ai { for scope in evidence.scopes where scope.kind == .attempt { self.recordOperation(scope, evidence) } }
        }
        self.served.store(self.served.load(ordering: .relaxed) &+ 1, ordering: .releasing)
    }

    public func tick(now: UInt64) {}
    public func shutdown(deadline: UInt64) {}

    public func counts() -> DeliveryCounts {
        var counts = DeliveryCounts()
        counts.offered = self.served.load(ordering: .acquiring)
        counts.delivered = counts.offered
        return counts
    }

    // MARK: Instruments

    private static let source: StaticString = "https://developer.konghq.com/plugins/prometheus/"
    private static let place: [StaticString] = ["service", "route", "workspace"]
    private static let model: [StaticString] = ["ai_provider", "ai_model", "cache_status", "vector_db", "embeddings_provider", "embeddings_model", "workspace"]
    private static let workspace = "default"

    static let requests = Instrument(
        "kong.http_requests", .counter, unit: "1", help: "HTTP status codes per consumer/service/route in Kong",
        attributes: ["service", "route", "code", "source", "workspace", "consumer"], source: source, prometheusName: "kong_http_requests_total")
    static let kongLatencyBounds: [Double] = [1, 2, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 750, 1000, 3000, 6000]
    static let upstreamLatencyBounds: [Double] = [25, 50, 80, 100, 250, 400, 700, 1000, 2000, 5000, 10000, 30000, 60000]
    static let providerLatencyBounds: [Double] = [250, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000, 10000, 30000, 60000]
    static let kongLatency = Instrument(
        "kong.kong_latency", .histogram(bounds: kongLatencyBounds), unit: "1", help: "Latency added by Kong and enabled plugins for each service/route in Kong",
        attributes: place, source: source, prometheusName: "kong_kong_latency_ms")
    static let upstreamLatency = Instrument(
        "kong.upstream_latency", .histogram(bounds: upstreamLatencyBounds), unit: "1", help: "Latency added by upstream response for each service/route in Kong",
        attributes: place, source: source, prometheusName: "kong_upstream_latency_ms")
    static let requestLatency = Instrument(
        "kong.request_latency", .histogram(bounds: upstreamLatencyBounds), unit: "1", help: "Total latency incurred during requests for each service/route in Kong",
        attributes: place, source: source, prometheusName: "kong_request_latency_ms")
    static let bandwidthBytes = Instrument(
        "kong.bandwidth", .counter, unit: "1", help: "Total bandwidth (ingress/egress) throughput in bytes",
        attributes: ["service", "route", "direction", "workspace", "consumer"], source: source, prometheusName: "kong_bandwidth_bytes")
    static let operations = Instrument(
        "kong.ai_llm_requests", .counter, unit: "1", help: "AI requests total per ai_provider in Kong", attributes: model, source: source,
        prometheusName: "kong_ai_llm_requests_total")
    static let cost = Instrument(
        "kong.ai_llm_cost", .realCounter, unit: "1", help: "AI requests cost per ai_provider/cache in Kong", attributes: model, source: source,
        prometheusName: "kong_ai_llm_cost_total")
    static let tokens = Instrument(
        "kong.ai_llm_tokens", .counter, unit: "1", help: "AI requests tokens per ai_provider/cache in Kong",
        attributes: ["ai_provider", "ai_model", "cache_status", "vector_db", "embeddings_provider", "embeddings_model", "token_type", "workspace"], source: source,
        prometheusName: "kong_ai_llm_tokens_total")
    static let providerLatency = Instrument(
        "kong.ai_llm_provider_latency", .histogram(bounds: providerLatencyBounds), unit: "1", help: "LLM response Latency for each AI plugins per ai_provider in Kong",
        attributes: model, source: source, prometheusName: "kong_ai_llm_provider_latency_ms")

    // MARK: Recording

    private func recordStatus(_ evidence: RequestEvidence, _ route: RouteIdentity, _ consumer: ConsumerIdentity?) {
        var key = SeriesKey(64)
        key.mix(route.metricIndex)
        key.mix(consumer?.metricIndex ?? 0)
        key.mix(UInt64(evidence.root.status))
        let isService = evidence.withBytes(of: evidence.root.source) { $0.elementsEqual("upstream".utf8) }
        key.mix(isService ? 1 : 0)
        let handle = self.shard.handle(key, KongMetrics.requests) {
            [route.serviceName, route.routeName, "\(evidence.root.status)", isService ? "service" : "kong", KongMetrics.workspace, consumer?.name ?? ""]
        }
        self.shard.add(handle)
    }

    private func recordLatencies(_ root: RootEvidence, _ route: RouteIdentity) {
        let total = root.endMonotonic &- root.startMonotonic
        let own = total > root.upstreamNanoseconds ? total - root.upstreamNanoseconds : 0
        let values = { [route.serviceName, route.routeName, KongMetrics.workspace] }
        for (number, instrument, bounds, nanoseconds) in [
            (65, KongMetrics.requestLatency, KongMetrics.upstreamLatencyBounds, total), (66, KongMetrics.kongLatency, KongMetrics.kongLatencyBounds, own),
            (67, KongMetrics.upstreamLatency, KongMetrics.upstreamLatencyBounds, root.upstreamWaitNanoseconds),
        ] {
            if number == 67, root.upstreamStatus == 0 { continue }
            var key = SeriesKey(number)
            key.mix(route.metricIndex)
            self.shard.record(self.shard.handle(key, instrument, values), Double(nanoseconds) / 1e6, bounds: bounds)
        }
    }

    private func recordBandwidth(_ root: RootEvidence, _ route: RouteIdentity, _ consumer: ConsumerIdentity?) {
        for (number, direction, bytes) in [(68, "ingress", root.requestBytes), (69, "egress", root.responseBytes)] where bytes > 0 {
            var key = SeriesKey(number)
            key.mix(route.metricIndex)
            key.mix(consumer?.metricIndex ?? 0)
            let handle = self.shard.handle(key, KongMetrics.bandwidthBytes) {
                [route.serviceName, route.routeName, direction, KongMetrics.workspace, consumer?.name ?? ""]
            }
            self.shard.add(handle, Int64(clamping: bytes))
        }
    }

    private func recordOperation(_ scope: ScopeEvidence, _ evidence: RequestEvidence) {
        var attempt = evidence.attempts[Int(scope.detail)]
        guard !attempt.operation.isEmpty else { return }
        if !attempt.isModelConfigured { attempt.requestModel = self.models.label(attempt.requestModel, evidence) }
        let labelled = attempt
        func key(_ number: Int) -> SeriesKey {
            var key = SeriesKey(number)
            evidence.withBytes(of: labelled.provider) { key.mix($0) }
            evidence.withBytes(of: labelled.requestModel) { key.mix($0) }
            return key
        }
        let names = { [evidence.string(of: labelled.provider), evidence.string(of: labelled.requestModel), "", "", "", ""] }
        let values = { names() + [KongMetrics.workspace] }
        self.shard.add(self.shard.handle(key(70), KongMetrics.operations, values))
        if labelled.hasCost { self.shard.addReal(self.shard.handle(key(71), KongMetrics.cost, values), labelled.cost) }
        self.shard.record(
            self.shard.handle(key(72), KongMetrics.providerLatency, values), Double(scope.end &- scope.start) / 1e6, bounds: KongMetrics.providerLatencyBounds)
        guard labelled.usage.source != .none else { return }
        for (number, type, count) in [
            (73, "prompt_tokens", labelled.usage.input), (74, "completion_tokens", labelled.usage.output), (75, "total_tokens", labelled.usage.total),
        ] {
            self.shard.add(self.shard.handle(key(number), KongMetrics.tokens) { names() + [type, KongMetrics.workspace] }, count)
        }
    }
}
