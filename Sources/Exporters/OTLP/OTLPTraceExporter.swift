public import SideClient
import Synchronization
public import Telemetry

/// Sends the spans of head-sampled requests to an OpenTelemetry collector by OTLP/HTTP, at least once and within bounds.
///
/// Requests are encoded on the drain thread into a batch; full batches wait in a bounded queue and are sent in order. What the queue
/// cannot take is dropped and counted; so is what the collector refuses for good.
///
///     consume ─► batch ─(full, or older than the delay)─► queue ─(in order)─► SideClient ─► collector
///                                                           ▲ retry after back-off │
///                                                           └──────────────────────┘
public final class OTLPTraceExporter: EvidenceConsumer, @unchecked Sendable {
    // Unchecked: `batch*` belong to the drain thread, everything shared is in `state`.

    public let name: StaticString = "otlp"

    struct State {
        var counts = DeliveryCounts()
        /// Sealed payloads, oldest first; those in flight included.
        var payloads: [SpanPayload] = []
        /// Payloads in flight and their transfers.
        var inFlight: [UInt64: InFlight] = [:]
        /// Nothing is sent before this time (back-off of the oldest payload).
        var notBefore: UInt64 = 0
        var queuedSpans = 0
        var queuedBytes = 0
        /// Requests and spans of the batch that is being filled.
        var batchRequests = 0
        var batchSpans = 0
        var nextNumber: UInt64 = 1
        var isClosed = false
        /// Whether the log says that exports fail.
        var isFailing = false
    }

    struct InFlight {
        var start: UInt64
        var transfer: SideTransfer?
    }

    let state = Mutex(State())
    let options: OTLPOptions
    let client: SideClient
    let registry: MetricRegistry
    let log: DiagnosticLog
    let settled = ThreadSignal()
    private let envelope: SpanEnvelope
    private let encoder = OTLPSpanEncoder()
    private var batch: ByteWriter
    private var batchStart: UInt64 = 0

    static let exporterName = "otlp_http_span_exporter/0"
    static let processorName = "batching_span_processor/0"

    /// - Parameters:
    ///   - client: may be shared with others; it is not shut down here.
    ///   - registry: takes the self-metrics (`otel.sdk.*`, drops, possible duplicates).
    public init(options: OTLPOptions, client: SideClient, registry: MetricRegistry, log: DiagnosticLog = .shared) {
        self.options = options
        self.client = client
        self.registry = registry
        self.log = log
        self.envelope = SpanEnvelope(options: options)
        self.batch = ByteWriter(capacity: 1 << 16)
        registry.observe(Instruments.sdkProcessorQueueSize, [OTLPTraceExporter.processorName]) { [weak self] in
            Double(self?.state.withLock { $0.queuedSpans + $0.batchSpans } ?? 0)
        }
        let capacity = Double(options.maximumQueuedSpans)
        registry.observe(Instruments.sdkProcessorQueueCapacity, [OTLPTraceExporter.processorName]) { capacity }
    }

    // MARK: Drain thread

    public func consume(_ evidence: RequestEvidence) {
        guard evidence.root.isSampled else {
            self.state.withLock {
                $0.counts.offered += 1
                $0.counts.sampledOut += 1
            }
            return
        }
        // The bounds come first: what will be dropped is not encoded.
        let before = self.batch.count
        let spans = evidence.scopes.count + 1
        let (fits, waiting) = self.state.withLock { state -> (Bool, Int) in
            state.counts.offered += 1
            let fits = state.queuedSpans + state.batchSpans + spans <= self.options.maximumQueuedSpans && state.queuedBytes + before < self.options.maximumQueuedBytes
            if fits { state.counts.queued += 1 } else { state.counts.dropped += 1 }
            return (fits, state.batchSpans)
        }
        guard fits else {
            self.countDropped(requests: 1, spans: spans, reason: "queue_full")
            return
        }
        _ = self.encoder.encode(evidence, into: &self.batch)
        if before > 0, waiting + spans > self.options.maximumBatchSpans || self.batch.count > self.options.maximumBatchBytes {
            self.seal(upTo: before)
            self.pump(now: MonotonicClock.now())
        }
        if self.batch.count > 0, self.state.withLock({ $0.batchSpans }) == 0 { self.batchStart = MonotonicClock.now() }
        let total = self.state.withLock { state -> Int in
            state.batchSpans += spans
            state.batchRequests += 1
            return state.batchSpans
        }
        if total >= self.options.maximumBatchSpans || self.batch.count >= self.options.maximumBatchBytes {
            self.seal(upTo: self.batch.count)
            self.pump(now: MonotonicClock.now())
        }
    }

    public func tick(now: UInt64) {
        if self.batch.count > 0, now >= self.batchStart &+ UInt64(self.options.batchDelayMilliseconds) &* 1_000_000 { self.seal(upTo: self.batch.count) }
        self.pump(now: now)
    }

    /// Makes a payload of the first `length` bytes of the batch, which hold all that is counted in it.
    private func seal(upTo length: Int) {
        let body = self.envelope.wrap(UnsafeRawBufferPointer(rebasing: self.batch.bytes[0..<length]))
        self.batch.removeFirst(length)
        self.state.withLock { state in
            let payload = SpanPayload(
                number: state.nextNumber, body: body, spans: state.batchSpans, requests: state.batchRequests, retry: RetryState(options: self.options.retry))
            state.nextNumber += 1
            state.payloads.append(payload)
            state.queuedSpans += payload.spans
            state.queuedBytes += body.count
            state.batchSpans = 0
            state.batchRequests = 0
        }
    }

    public func counts() -> DeliveryCounts { self.state.withLock { $0.counts } }

    public func shutdown(deadline: UInt64) {
        if self.batch.count > 0 { self.seal(upTo: self.batch.count) }
        while !self.state.withLock({ $0.payloads.isEmpty }) {
            let now = MonotonicClock.now()
            if now >= deadline { break }
            self.pump(now: now)
            self.settled.wait(nanoseconds: min(20_000_000, deadline - now))
        }
        let (left, transfers, spansInFlight) = self.state.withLock { state -> ([SpanPayload], [SideTransfer], Int) in
            state.isClosed = true
            let left = state.payloads
            let spansInFlight = left.reduce(0) { $0 + (state.inFlight[$1.number] == nil ? 0 : $1.spans) }
            let transfers = state.inFlight.values.compactMap { $0.transfer }
            state.payloads.removeAll()
            state.inFlight.removeAll()
            state.queuedSpans = 0
            state.queuedBytes = 0
            for payload in left {
                state.counts.queued -= UInt64(payload.requests)
                state.counts.dropped += UInt64(payload.requests)
            }
            return (left, transfers, spansInFlight)
        }
        for transfer in transfers { self.client.cancel(transfer) }
        if spansInFlight > 0 { self.registry.add(Instruments.sdkExporterSpanInflight, [OTLPTraceExporter.exporterName], by: -Int64(spansInFlight)) }
        for payload in left { self.countDropped(requests: payload.requests, spans: payload.spans, reason: "shutdown") }
    }
}
