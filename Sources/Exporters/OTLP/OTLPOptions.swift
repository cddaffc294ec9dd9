public import SideClient

/// Where and how spans are exported by OTLP/HTTP with protobuf bodies.
/// Source: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
public struct OTLPOptions: Sendable {
    /// Full URL of the signal's endpoint.
    ///
    /// * Environment: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` (`…_METRICS_…`, `…_LOGS_…`) as it is, or `OTEL_EXPORTER_OTLP_ENDPOINT` with
    ///   `/v1/traces` appended
    /// * Default: `http://localhost:4318/v1/traces`
    public var endpoint = "http://localhost:4318/v1/traces"
    /// Sent with every export. Values are secrets: they appear in no log and no error.
    ///
    /// * Environment: `OTEL_EXPORTER_OTLP_TRACES_HEADERS`, or `OTEL_EXPORTER_OTLP_HEADERS`
    public var headers: [(name: String, value: String)] = []
    /// Whether bodies are sent with `Content-Encoding: gzip`.
    ///
    /// * Environment: `OTEL_EXPORTER_OTLP_TRACES_COMPRESSION`, or `OTEL_EXPORTER_OTLP_COMPRESSION` (`gzip` or `none`)
    public var isCompressed = false
    /// Longest time of one export, milliseconds.
    ///
    /// * Environment: `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT`, `OTEL_EXPORTER_OTLP_TIMEOUT`, or `OTEL_BSP_EXPORT_TIMEOUT` where neither is set
    /// * Default: 10,000
    public var timeoutMilliseconds = 10_000
    /// Longest time to a usable connection, milliseconds; part of the time above.
    public var connectTimeoutMilliseconds = 5000
    public var tls = SideTLSOptions()
    /// Proxy URL; nil takes the environment's, empty means none.
    public var proxy: String?

    /// Most spans that wait, in batches and in the batch being filled; newer requests are dropped and counted.
    ///
    /// * Environment: `OTEL_BSP_MAX_QUEUE_SIZE`
    /// * Default: 65,536 (the specification's 2,048 is a tenth of a second of a busy gateway)
    public var maximumQueuedSpans = 65_536
    /// Most bytes that wait.
    public var maximumQueuedBytes = 64 << 20
    /// Spans after which a batch is sent; a request is never split over two batches.
    ///
    /// * Environment: `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`
    /// * Default: 512
    public var maximumBatchSpans = 512
    /// Bytes after which a batch is sent.
    public var maximumBatchBytes = 1 << 20
    /// Longest time a span waits for its batch to fill, milliseconds: also what a killed process can lose.
    ///
    /// * Environment: `OTEL_BSP_SCHEDULE_DELAY`
    /// * Default: 1,000 (specification: 5,000)
    public var batchDelayMilliseconds = 1000
    public var retry = RetryOptions()

    /// Attributes of the `Resource`, in this order. `service.name` is required by the convention.
    ///
    /// * Environment: `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SERVICE_NAME` (which wins for `service.name`)
    public var resource: [(name: String, value: String)] = [("service.name", "pellucid")]
    /// Name and version of the instrumentation scope.
    public var scopeName = "pellucid"
    public var scopeVersion = ""

    public init() {}

    /// The destination of a signal for the export runner.
    func target(_ signal: ExportSignal, consumer: StaticString = "otlp") -> ExportTarget {
        var target = ExportTarget(consumer: consumer, signal: signal, transport: "otlp_http", url: self.endpoint, contentType: "application/x-protobuf") {
            CollectorAnswer.result(of: $0, signal: signal, wallNow: $1)
        }
        target.headers = self.headers
        target.connectTimeoutMilliseconds = self.connectTimeoutMilliseconds
        target.timeoutMilliseconds = self.timeoutMilliseconds
        target.tls = self.tls
        target.proxy = self.proxy
        target.isCompressed = self.isCompressed
        target.isConcatenable = true
        target.maximumBatchItems = self.maximumBatchSpans
        target.maximumQueuedItems = self.maximumQueuedSpans
        target.maximumQueuedBytes = self.maximumQueuedBytes
        target.retry = self.retry
        return target
    }

    /// Adds what was detected beside what is configured, which wins.
    public mutating func addResource(_ detected: [(name: String, value: String)]) {
        for (name, value) in detected where !self.resource.contains(where: { $0.name == name }) { self.resource.append((name, value)) }
    }

    /// Sets a resource attribute, replacing the one of that name.
    public mutating func setResource(_ name: String, _ value: String) {
        if let index = self.resource.firstIndex(where: { $0.name == name }) {
            self.resource[index].value = value
        } else {
            self.resource.append((name, value))
        }
    }
}
