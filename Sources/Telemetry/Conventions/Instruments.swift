/// Every instrument of the gateway. Durations are seconds; sizes are bytes.
public enum Instruments {
    private static let http = "https://opentelemetry.io/docs/specs/semconv/http/http-metrics/" as StaticString
    private static let genAI = "https://github.com/open-telemetry/semantic-conventions/blob/v1.41.1/model/gen-ai/metrics.yaml" as StaticString
    private static let sdk = "https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/" as StaticString
    private static let ours = "Pellucid, README: Telemetry" as StaticString

    static let httpBounds: [Double] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
    static let operationBounds: [Double] = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
    static let tokenBounds: [Double] = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864]
    static let firstTokenBounds: [Double] = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
    static let perTokenBounds: [Double] = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5]
    static let stageBounds: [Double] = [0.000001, 0.0000025, 0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]
    static let overheadBounds: [Double] = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]

    private static let genAIAttributes: [StaticString] = [
        AttributeNames.genAIOperationName, AttributeNames.genAIProviderName, AttributeNames.genAIRequestModel, AttributeNames.genAIResponseModel,
        AttributeNames.serverAddress, AttributeNames.serverPort, AttributeNames.route,
    ]

    /// From the first byte of the request head to the last byte of the response handed to the socket.
    public static let serverRequestDuration = Instrument(
        "http.server.request.duration", .histogram(bounds: httpBounds), unit: "s", help: "Duration of HTTP server requests.",
        attributes: [
            AttributeNames.httpRequestMethod, AttributeNames.urlScheme, AttributeNames.httpResponseStatusCode, AttributeNames.httpRoute,
            AttributeNames.networkProtocolVersion, AttributeNames.errorType, AttributeNames.service, AttributeNames.route,
        ], source: http)

    /// The same under its former name, in milliseconds: only with `OTEL_SEMCONV_STABILITY_OPT_IN=http/dup`.
    public static let formerServerDuration = Instrument(
        "http.server.duration", .histogram(bounds: formerBounds), unit: "ms", help: "Duration of HTTP server requests, as the conventions before 1.21 name it.",
        attributes: [FormerNames.httpMethod, FormerNames.httpScheme, FormerNames.httpStatusCode, AttributeNames.httpRoute, FormerNames.netProtocolVersion],
        source: "https://github.com/open-telemetry/semantic-conventions/blob/v1.20.0/specification/metrics/semantic_conventions/http-metrics.md")
    static let formerBounds: [Double] = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000]

    /// From taking an upstream connection to the last byte of the model's answer, one observation an attempt.
    public static let operationDuration = Instrument(
        "gen_ai.client.operation.duration", .histogram(bounds: operationBounds), unit: "s", help: "GenAI operation duration.",
        attributes: genAIAttributes + [AttributeNames.errorType], source: genAI)
    public static let tokenUsage = Instrument(
        "gen_ai.client.token.usage", .histogram(bounds: tokenBounds), unit: "{token}", help: "Number of input and output tokens used.",
        attributes: genAIAttributes + [AttributeNames.genAITokenType, AttributeNames.usageSource], source: genAI)
    /// From the request's last byte sent to the first chunk of a streamed answer.
    public static let timeToFirstChunk = Instrument(
        "gen_ai.client.operation.time_to_first_chunk", .histogram(bounds: firstTokenBounds), unit: "s",
        help: "Time to receive the first chunk of a streamed response.", attributes: genAIAttributes, source: genAI)
    /// Between the end of one chunk and the end of the next, for every chunk after the first.
    public static let timePerOutputChunk = Instrument(
        "gen_ai.client.operation.time_per_output_chunk", .histogram(bounds: perTokenBounds), unit: "s",
        help: "Time per output chunk of a streamed response, for each chunk after the first.", attributes: genAIAttributes, source: genAI)
    /// The gateway seen as the model server: whole request, all attempts.
    public static let genAIServerRequestDuration = Instrument(
        "gen_ai.server.request.duration", .histogram(bounds: operationBounds), unit: "s", help: "Generative AI server request duration as the client of the gateway sees it.",
        attributes: genAIAttributes + [AttributeNames.errorType], source: genAI)
    public static let genAIServerTimeToFirstToken = Instrument(
        "gen_ai.server.time_to_first_token", .histogram(bounds: firstTokenBounds), unit: "s",
        help: "Time from the start of the request to the first token handed to the client, for successful streams.", attributes: genAIAttributes, source: genAI)
    public static let genAIServerTimePerOutputToken = Instrument(
        "gen_ai.server.time_per_output_token", .histogram(bounds: perTokenBounds), unit: "s",
        help: "Time per output token after the first, for successful streams.", attributes: genAIAttributes, source: genAI)

    /// Wall time of one stage, from its start to its end (a stream stage: its own time only).
    public static let stageDuration = Instrument(
        "pellucid.stage.duration", .histogram(bounds: stageBounds), unit: "s", help: "Time a pipeline stage took.",
        attributes: ["plugin", "phase", "outcome"], source: ours)
    /// Wall time of a request minus the union of its upstream intervals.
    public static let overheadDuration = Instrument(
        "pellucid.overhead.duration", .histogram(bounds: overheadBounds), unit: "s",
        help: "Time the gateway itself added: request duration minus the union of upstream intervals.", attributes: [AttributeNames.route], source: ours)
    public static let requestsFinished = Instrument(
        "pellucid.requests.finished", .counter, unit: "{request}", help: "Requests that ended, by outcome and status.",
        attributes: ["outcome", AttributeNames.route, AttributeNames.httpResponseStatusCode], source: ours)
    public static let requestsInFlight = Instrument(
        "pellucid.requests.in_flight", .observedGauge, unit: "{request}", help: "Requests begun and not ended.", source: ours)
    public static let cost = Instrument(
        "pellucid.cost", .realCounter, unit: "{currency}", help: "Cost of model operations by the configured prices, in the currency of those prices.",
        attributes: [AttributeNames.genAIProviderName, AttributeNames.genAIRequestModel, AttributeNames.route, AttributeNames.consumer], source: ours)
    public static let costMisses = Instrument(
        "pellucid.cost.misses", .counter, unit: "{operation}", help: "Model operations whose price neither the configuration nor the catalog knows.",
        attributes: [AttributeNames.genAIProviderName, AttributeNames.genAIRequestModel], source: ours)
    private static let providerLimits: [StaticString] = [AttributeNames.genAIProviderName, AttributeNames.genAIRequestModel, AttributeNames.providerLimitKind]
    /// By the last answer that told it; nothing is known of what else the account is used for since.
    public static let providerLimit = Instrument(
        "pellucid.provider.ratelimit.limit", .observedGauge, unit: "1", help: "What a provider allows its account in a period, in requests or tokens, by its last answer.",
        attributes: providerLimits, source: ours)
    public static let providerRemaining = Instrument(
        "pellucid.provider.ratelimit.remaining", .observedGauge, unit: "1", help: "What is left of a provider's limit, in requests or tokens, by its last answer.",
        attributes: providerLimits, source: ours)
    public static let droppedScopes = Instrument(
        "pellucid.scopes.dropped", .counter, unit: "{scope}", help: "Scopes not recorded because their request had too many.", source: ours)

    public static let samplingDecisions = Instrument(
        "pellucid.sampling.decisions", .counter, unit: "{request}", help: "Finished requests by whether their spans are exported, and why.",
        attributes: ["decision", "reason"], source: ours)

    // Personal data.
    public static let sanitizerRestored = Instrument(
        "pellucid.sanitizer.placeholders.restored", .counter, unit: "{placeholder}", help: "Replacements in answers that became the originals again.",
        attributes: [AttributeNames.route], source: ours)
    /// What a model made of them, or another request's: they reach the client as they are.
    public static let sanitizerUnknown = Instrument(
        "pellucid.sanitizer.placeholders.unknown", .counter, unit: "{placeholder}", help: "Placeholders in answers that stand for nothing of their request, and could not be restored.",
        attributes: [AttributeNames.route], source: ours)

    // Balancing.
    private static let balancerTarget: [StaticString] = [AttributeNames.route, AttributeNames.balancerTarget]
    public static let balancerSelections = Instrument(
        "pellucid.balancer.selections", .counter, unit: "{attempt}", help: "Attempts that a balancer sent to a target.", attributes: balancerTarget, source: ours)
    public static let balancerFailures = Instrument(
        "pellucid.balancer.failures", .counter, unit: "{attempt}", help: "Attempts at a balanced target that failed or were declined, by reason.",
        attributes: balancerTarget + [AttributeNames.errorType], source: ours)
    /// Two for each hedged request, unless one failed.
    public static let balancerHedges = Instrument(
        "pellucid.balancer.hedges", .counter, unit: "{attempt}", help: "Attempts of requests that were sent to two targets at once, by who answered first.",
        attributes: balancerTarget + [AttributeNames.balancerHedge], source: ours)
    private static let balancerInstance: [StaticString] = ["pellucid.plugin.id", AttributeNames.balancerTarget]
    /// 0 closed, 1 half open (the next request tries the target), 2 open.
    public static let balancerCircuit = Instrument(
        "pellucid.balancer.circuit", .observedGauge, unit: "1", help: "Circuit of a balanced target: 0 closed, 1 half open, 2 open.", attributes: balancerInstance, source: ours)
    public static let balancerInFlight = Instrument(
        "pellucid.balancer.in_flight", .observedGauge, unit: "{attempt}", help: "Attempts under way at a balanced target.", attributes: balancerInstance, source: ours)
    public static let balancerLatency = Instrument(
        "pellucid.balancer.latency", .observedGauge, unit: "s", help: "Moving average of a balanced target's latency, by the balancer's latency_strategy.",
        attributes: balancerInstance, source: ours)
    public static let balancerUsage = Instrument(
        "pellucid.balancer.usage", .observedGauge, unit: "1", help: "Decayed usage of a balanced target, by the balancer's tokens_count_strategy.", attributes: balancerInstance,
        source: ours)

    /// From sending to the last byte, for each attempt of a mirrored request (`original`) and for its copy.
    public static let balancerMirror = Instrument(
        "pellucid.balancer.mirror.duration", .histogram(bounds: operationBounds), unit: "s", help: "Duration of mirrored requests and of their copies.",
        attributes: balancerInstance + ["role", AttributeNames.errorType], source: ours)

    // Delivery of evidence.
    public static let requestsUnaccounted = Instrument(
        "pellucid.requests.unaccounted", .observedGauge, unit: "{request}",
        help: "Finished requests that are neither delivered, queued, sampled out nor counted as dropped. Anything but 0 is a defect.", source: ours)
    public static let telemetryDropped = Instrument(
        "pellucid.telemetry.dropped", .counter, unit: "{request}", help: "Finished requests whose evidence a consumer dropped, by reason.",
        attributes: ["consumer", "reason"], source: ours)
    public static let evidenceRefused = Instrument(
        "pellucid.telemetry.refused", .observedCounter, unit: "{request}", help: "Finished requests whose evidence did not fit the ring of their loop.", source: ours)
    public static let consumerDelivered = Instrument(
        "pellucid.telemetry.delivered", .observedCounter, unit: "{request}", help: "Requests whose evidence a consumer delivered.", attributes: ["consumer"], source: ours)
    public static let consumerQueued = Instrument(
        "pellucid.telemetry.queued", .observedGauge, unit: "{request}", help: "Requests whose evidence waits in a consumer.", attributes: ["consumer"], source: ours)
    public static let consumerSampledOut = Instrument(
        "pellucid.telemetry.sampled_out", .observedCounter, unit: "{request}", help: "Requests a consumer left out by sampling.", attributes: ["consumer"], source: ours)
    public static let possibleDuplicates = Instrument(
        "pellucid.telemetry.possible_duplicates", .counter, unit: "{request}", help: "Requests whose spans may have been delivered twice, because an answer was lost.",
        attributes: ["consumer"], source: ours)
    public static let seriesOverflow = Instrument(
        "pellucid.metrics.series_overflow", .observedCounter, unit: "{lookup}", help: "Series lookups folded into __other__ because the instrument's series budget was used up.",
        attributes: ["instrument"], source: ours)

    // The audit stream: where its chain stands, for comparison with the file (`pellucid audit verify --head`).
    public static let auditHeadSeq = Instrument(
        "pellucid.audit.head.seq", .observedGauge, unit: "{line}", help: "Sequence number of the last audit line written.", source: ours)
    /// A number instead of a label, so that it makes one series; 48 bits are exact in every Prometheus and enough to recognise a hash by.
    public static let auditHeadHash = Instrument(
        "pellucid.audit.head.hash", .observedGauge, unit: "1", help: "The first 48 bits of the hash of the last audit line written, as a number.", source: ours)
    public static let auditSegments = Instrument(
        "pellucid.audit.segments", .counter, unit: "{file}", help: "Audit files closed by rotation, removed by retention, and rotations that failed.", attributes: ["event"],
        source: ours)

    // Delivery of batches by the export runner.
    private static let delayBounds: [Double] = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400]
    public static let exportDropped = Instrument(
        "pellucid.export.dropped", .counter, unit: "{item}", help: "Spans, log records and data points that will not be delivered, by reason.",
        attributes: ["consumer", "signal", "reason"], source: ours)
    /// Where an item waits: `memory` (lost with the process) or `disk` (spooled).
    public static let exportQueueItems = Instrument(
        "pellucid.export.queue.items", .observedGauge, unit: "{item}", help: "Spans, log records and data points that wait for delivery, by where they wait.",
        attributes: ["consumer", "signal", "place"], source: ours)
    public static let exportQueueBytes = Instrument(
        "pellucid.export.queue.size", .observedGauge, unit: "By", help: "Bytes that wait for delivery, by where they wait.",
        attributes: ["consumer", "signal", "place"], source: ours)
    /// From the oldest item of a batch to the receiver's acceptance, time on disk included.
    public static let exportDelay = Instrument(
        "pellucid.export.delay", .histogram(bounds: delayBounds), unit: "s", help: "Time from the oldest item of a batch to its delivery.",
        attributes: ["consumer", "signal"], source: ours)
    public static let spoolDegraded = Instrument(
        "pellucid.spool.degraded", .observedGauge, unit: "1", help: "1 while what waits can be kept in memory only, because the spool cannot be written.",
        attributes: ["consumer", "signal"], source: ours)
    public static let spoolRecovered = Instrument(
        "pellucid.spool.recovered", .counter, unit: "{item}", help: "Items that an earlier process left in the spool.", attributes: ["consumer", "signal"], source: ours)
    public static let spoolWritten = Instrument(
        "pellucid.spool.written", .counter, unit: "{item}", help: "Items written to the spool.", attributes: ["consumer", "signal"], source: ours)
    public static let spoolDamaged = Instrument(
        "pellucid.spool.damaged", .counter, unit: "By", help: "Bytes of the spool that were no readable record: a write that broke off, or a damaged disk.",
        attributes: ["consumer", "signal"], source: ours)

    // https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/
    public static let sdkExporterSpanExported = Instrument(
        "otel.sdk.exporter.span.exported", .counter, unit: "{span}", help: "Spans for which the export ended, by success or failure.",
        attributes: ["otel.component.name", AttributeNames.errorType], source: sdk)
    public static let sdkExporterSpanInflight = Instrument(
        "otel.sdk.exporter.span.inflight", .upDownCounter, unit: "{span}", help: "Spans passed to the exporter and not yet answered.",
        attributes: ["otel.component.name"], source: sdk)
    public static let sdkExporterOperationDuration = Instrument(
        "otel.sdk.exporter.operation.duration", .histogram(bounds: httpBounds), unit: "s", help: "Duration of one export.",
        attributes: ["otel.component.name", AttributeNames.errorType], source: sdk)
    public static let sdkProcessorQueueSize = Instrument(
        "otel.sdk.processor.span.queue.size", .observedGauge, unit: "{span}", help: "Spans in the queue of the processor.", attributes: ["otel.component.name"], source: sdk)
    public static let sdkProcessorQueueCapacity = Instrument(
        "otel.sdk.processor.span.queue.capacity", .observedGauge, unit: "{span}", help: "Most spans the queue holds.", attributes: ["otel.component.name"], source: sdk)
    public static let sdkProcessorSpanProcessed = Instrument(
        "otel.sdk.processor.span.processed", .counter, unit: "{span}", help: "Spans the processor finished with; error.type says which were dropped and why.",
        attributes: ["otel.component.name", AttributeNames.errorType], source: sdk)

    public static let sdkExporterLogExported = Instrument(
        "otel.sdk.exporter.log.exported", .counter, unit: "{log_record}", help: "Log records for which the export ended, by success or failure.",
        attributes: ["otel.component.name", AttributeNames.errorType], source: sdk)
    public static let sdkExporterLogInflight = Instrument(
        "otel.sdk.exporter.log.inflight", .upDownCounter, unit: "{log_record}", help: "Log records passed to the exporter and not yet answered.",
        attributes: ["otel.component.name"], source: sdk)
    public static let sdkExporterDataPointExported = Instrument(
        "otel.sdk.exporter.metric_data_point.exported", .counter, unit: "{data_point}", help: "Metric data points for which the export ended, by success or failure.",
        attributes: ["otel.component.name", AttributeNames.errorType], source: sdk)
    public static let sdkExporterDataPointInflight = Instrument(
        "otel.sdk.exporter.metric_data_point.inflight", .upDownCounter, unit: "{data_point}", help: "Metric data points passed to the exporter and not yet answered.",
        attributes: ["otel.component.name"], source: sdk)
    public static let sdkProcessorLogQueueSize = Instrument(
        "otel.sdk.processor.log.queue.size", .observedGauge, unit: "{log_record}", help: "Log records in the queue of the processor.", attributes: ["otel.component.name"],
        source: sdk)
    public static let sdkProcessorLogQueueCapacity = Instrument(
        "otel.sdk.processor.log.queue.capacity", .observedGauge, unit: "{log_record}", help: "Most log records the queue holds.", attributes: ["otel.component.name"], source: sdk)
    public static let sdkProcessorLogProcessed = Instrument(
        "otel.sdk.processor.log.processed", .counter, unit: "{log_record}", help: "Log records the processor finished with; error.type says which were dropped and why.",
        attributes: ["otel.component.name", AttributeNames.errorType], source: sdk)

    // The process and its configuration.
    public static let configInfo = Instrument(
        "pellucid.config.info", .observedGauge, unit: "1", help: "Always 1; carries the hash of the active configuration.", attributes: ["hash"], source: ours)
    public static let configReloads = Instrument(
        "pellucid.config.reloads", .counter, unit: "{reload}", help: "Configuration loads by result.", attributes: ["result"], source: ours)
    public static let buildInfo = Instrument(
        "pellucid.build.info", .observedGauge, unit: "1", help: "Always 1; carries the version.", attributes: ["version"], source: ours)
    public static let connectionsOpen = Instrument(
        "pellucid.connections.open", .upDownCounter, unit: "{connection}", help: "Open connections.", attributes: ["side"], source: ours)
    public static let connectionsRefused = Instrument(
        "pellucid.connections.refused", .counter, unit: "{connection}", help: "Client connections closed at once because a limit was reached.", source: ours)
    public static let protocolErrors = Instrument(
        "pellucid.protocol.errors", .counter, unit: "{error}", help: "Requests refused by the HTTP parser, by code.", attributes: ["code"], source: ours)
    public static let upstreamConnections = Instrument(
        "pellucid.upstream.connections", .counter, unit: "{connection}", help: "Upstream connections taken for an attempt, by whether they were reused.", attributes: ["reused"], source: ours)

    // Names of upstreams, and the targets of Kong's `upstreams`.
    private static let lookupBounds: [Double] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    /// From the question to the resolver's answer, one observation a question put to a name server (or found in the hosts file); answers from the cache are none.
    public static let dnsLookupDuration = Instrument(
        "dns.lookup.duration", .histogram(bounds: lookupBounds), unit: "s", help: "Time taken to perform a DNS lookup.",
        attributes: [AttributeNames.dnsQuestionName, AttributeNames.dnsQuestionType, AttributeNames.errorType],
        source: "https://opentelemetry.io/docs/specs/semconv/dns/dns-metrics/")
    /// `cached`, `stale` (past its time, while a new one is asked for), `failed` (a failure that is remembered), `asked`.
    public static let dnsAnswers = Instrument(
        "pellucid.dns.answers", .counter, unit: "{answer}", help: "Names resolved for upstream connections, by where the answer came from.", attributes: ["source"], source: ours)
    public static let targetHealthy = Instrument(
        "pellucid.upstream.target.healthy", .observedGauge, unit: "1", help: "Whether health checks leave a target in service: 1, or 0.", attributes: ["upstream", "target"], source: ours)
    public static let targetInFlight = Instrument(
        "pellucid.upstream.target.in_flight", .observedGauge, unit: "{attempt}", help: "Attempts under way at a target.", attributes: ["upstream", "target"], source: ours)
    /// Kong's name, for its `prometheus` plugin with `upstream_health_metrics`: 1 for the state a target is in, 0 for the others.
    public static let kongTargetHealth = Instrument(
        "kong.upstream_target_health", .observedGauge, unit: "1",
        help: "Health status of targets of upstream. States = healthchecks_off|healthy|unhealthy|dns_error, value is 1 when state is populated.",
        attributes: ["upstream", "target", "address", "state", "subsystem"], source: "https://developer.konghq.com/plugins/prometheus/", prometheusName: "kong_upstream_target_health")
    public static let processCPU = Instrument(
        "process.cpu.time", .observedCounter, unit: "s", help: "CPU time of the process.", source: "https://opentelemetry.io/docs/specs/semconv/system/process-metrics/",
        prometheusName: "process_cpu_seconds_total")
    public static let processMemory = Instrument(
        "process.memory.usage", .observedGauge, unit: "By", help: "Resident memory of the process.", source: "https://opentelemetry.io/docs/specs/semconv/system/process-metrics/",
        prometheusName: "process_resident_memory_bytes")
    public static let processDescriptors = Instrument(
        "process.open_file_descriptor.count", .observedGauge, unit: "{file_descriptor}", help: "Open file descriptors.",
        source: "https://opentelemetry.io/docs/specs/semconv/system/process-metrics/", prometheusName: "process_open_fds")
}
