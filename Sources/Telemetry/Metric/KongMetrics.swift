import Synchronization

/// Kong's own metrics under Kong's names, so that dashboards made for Kong keep working: what the `prometheus` plugin switches on.
///
/// Names, labels and buckets: https://developer.konghq.com/plugins/prometheus/ and kong/plugins/prometheus/exporter.lua. A consumer of its own
/// series cache; called on the drain thread only.
public final class KongMetrics: EvidenceConsumer, @unchecked Sendable {
    // Unchecked: `shard`, `models` and `sampled` are used on the drain thread only.
    public let name: StaticString = "prometheus"
    private let shard: MetricShard
    private let statusCodes: Bool
    private let latencies: Bool
    private let bandwidth: Bool
    private let ai: Bool
    private let perConsumer: Bool
    /// Whether the health of targets is shown; whoever knows the targets does that.
    public let showsUpstreamHealth: Bool
    private let served = Atomic<UInt64>(0)
    private var models: LabelCache
    /// The request being recorded, when its trace is exported: its observations may become exemplars.
    private var sampled: (traceIDHigh: UInt64, traceIDLow: UInt64, spanID: UInt64, time: UInt64, second: UInt64)?

    public init(registry: MetricRegistry, statusCodes: Bool, latencies: Bool, bandwidth: Bool, ai: Bool, perConsumer: Bool, showsUpstreamHealth: Bool = false) {
        self.shard = registry.makeShard()
        self.models = LabelCache(registry.requestModels)
        self.statusCodes = statusCodes
        self.latencies = latencies
        self.bandwidth = bandwidth
        self.ai = ai
        self.perConsumer = perConsumer
        self.showsUpstreamHealth = showsUpstreamHealth
    }

    public func consume(_ evidence: RequestEvidence) {
        if let route = evidence.route {
            if self.latencies || self.ai { self.sampled = KongMetrics.sampled(evidence) }
            self.recordRoot(evidence, route)
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

    /// Unlike the loops' metrics these come after the decision on whole traces, so what that keeps is among it.
    private static func sampled(_ evidence: RequestEvidence) -> (traceIDHigh: UInt64, traceIDLow: UInt64, spanID: UInt64, time: UInt64, second: UInt64)? {
        let root = evidence.root
        guard root.isExported else { return nil }
        let time = evidence.wall(root.endMonotonic)
        return (root.traceIDHigh, root.traceIDLow, root.spanID, time, time / 1_000_000_000)
    }

    /// Records an observation, and offers it as an exemplar.
    @inline(__always)
    private func observe(_ series: LocalSeries, _ value: Double, bounds: [Double]) {
        self.shard.record(series, value, bounds: bounds)
        guard let sampled, self.shard.wantsExemplar(series, second: sampled.second) else { return }
        self.shard.offer(
            Exemplar(value: value, traceIDHigh: sampled.traceIDHigh, traceIDLow: sampled.traceIDLow, spanID: sampled.spanID, time: sampled.time), to: series, bounds: bounds)
    }

    private func recordRoot(_ evidence: RequestEvidence, _ route: RouteIdentity) {
        let root = evidence.root
        let consumer = self.perConsumer ? evidence.consumer : nil
        let isService = evidence.withBytes(of: root.source) { $0.elementsEqual("upstream".utf8) }
        var key = SeriesKey(64)
        key.mix(route.metricIndex)
        key.mix(consumer?.metricIndex ?? 0)
        key.mix(UInt64(root.status) << 1 | (isService ? 1 : 0))
        let bundle = self.shard.bundle(key)
        if self.statusCodes {
            let requests = self.shard.series(bundle, 0, KongMetrics.requests) {
                [route.serviceName, route.routeName, "\(root.status)", isService ? "service" : "kong", KongMetrics.workspace, consumer?.name ?? ""]
            }
            self.shard.add(requests)
        }
        if self.latencies { self.recordLatencies(root, bundle, route) }
        guard self.bandwidth else { return }
        if root.requestBytes > 0 {
            self.shard.add(self.shard.series(bundle, 4, KongMetrics.bandwidthBytes) { self.bandwidthValues("ingress", route, consumer) }, Int64(clamping: root.requestBytes))
        }
        if root.responseBytes > 0 {
            self.shard.add(self.shard.series(bundle, 5, KongMetrics.bandwidthBytes) { self.bandwidthValues("egress", route, consumer) }, Int64(clamping: root.responseBytes))
        }
    }

    private func bandwidthValues(_ direction: String, _ route: RouteIdentity, _ consumer: ConsumerIdentity?) -> [String] {
        [route.serviceName, route.routeName, direction, KongMetrics.workspace, consumer?.name ?? ""]
    }

    private func recordLatencies(_ root: RootEvidence, _ bundle: SeriesBundle, _ route: RouteIdentity) {
        let total = root.endMonotonic &- root.startMonotonic
        let own = total > root.upstreamNanoseconds ? total - root.upstreamNanoseconds : 0
        let values = { [route.serviceName, route.routeName, KongMetrics.workspace] }
        self.observe(self.shard.series(bundle, 1, KongMetrics.requestLatency, values), Double(total) / 1e6, bounds: KongMetrics.upstreamLatencyBounds)
        self.observe(self.shard.series(bundle, 2, KongMetrics.kongLatency, values), Double(own) / 1e6, bounds: KongMetrics.kongLatencyBounds)
        guard root.upstreamStatus != 0 else { return }
        let upstream = self.shard.series(bundle, 3, KongMetrics.upstreamLatency, values)
        self.observe(upstream, Double(root.upstreamWaitNanoseconds) / 1e6, bounds: KongMetrics.upstreamLatencyBounds)
    }

    private func recordOperation(_ scope: ScopeEvidence, _ evidence: RequestEvidence) {
        var attempt = evidence.attempts[Int(scope.detail)]
        guard !attempt.operation.isEmpty else { return }
        if !attempt.isModelConfigured { attempt.requestModel = self.models.label(attempt.requestModel, evidence) }
        let labelled = attempt
        var key = SeriesKey(70)
        evidence.mix(labelled.provider, into: &key)
        evidence.mix(labelled.requestModel, into: &key)
        let bundle = self.shard.bundle(key)
        let names = { [evidence.string(of: labelled.provider), evidence.string(of: labelled.requestModel), "", "", "", ""] }
        let values = { names() + [KongMetrics.workspace] }
        self.shard.add(self.shard.series(bundle, 0, KongMetrics.operations, values))
        if labelled.hasCost { self.shard.addReal(self.shard.series(bundle, 1, KongMetrics.cost, values), labelled.cost) }
        let latency = self.shard.series(bundle, 2, KongMetrics.providerLatency, values)
        self.observe(latency, Double(scope.end &- scope.start) / 1e6, bounds: KongMetrics.providerLatencyBounds)
        guard labelled.usage.source != .none else { return }
        let tokens = { (type: String) in names() + [type, KongMetrics.workspace] }
        self.shard.add(self.shard.series(bundle, 3, KongMetrics.tokens) { tokens("prompt_tokens") }, labelled.usage.input)
        self.shard.add(self.shard.series(bundle, 4, KongMetrics.tokens) { tokens("completion_tokens") }, labelled.usage.output)
        self.shard.add(self.shard.series(bundle, 5, KongMetrics.tokens) { tokens("total_tokens") }, labelled.usage.total)
    }
}
