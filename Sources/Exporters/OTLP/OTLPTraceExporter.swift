import Synchronization
public import Telemetry

/// Turns head-sampled requests into OTLP spans, in batches for an ``ExportStream``, which delivers them.
///
/// `consume` and `tick` run on the drain thread. A request is never split over two batches.
public final class OTLPTraceExporter: EvidenceConsumer, @unchecked Sendable {
    // Unchecked: everything mutable belongs to the drain thread.

    public let name: StaticString = "otlp"
    private let options: OTLPOptions
    private let stream: ExportStream
    private let envelope: OTLPEnvelope
    private let encoder = OTLPSpanEncoder()
    private var batch = ByteWriter(capacity: 1 << 16)
    private var batchSpans = 0
    private var batchRequests = 0
    private var batchStart: UInt64 = 0

    public init(options: OTLPOptions, runner: ExportRunner) {
        self.options = options
        self.envelope = OTLPEnvelope(options: options)
        self.stream = runner.makeStream(options.target(.traces))
    }

    public func consume(_ evidence: RequestEvidence) {
        guard evidence.root.isExported else { return self.stream.sampledOut(requests: 1) }
        // The bounds come first: what will be dropped is not encoded.
        let before = self.batch.count
        let spans = evidence.scopes.count + 1
        guard self.stream.admit(requests: 1, items: spans, pendingBytes: before) else { return }
        _ = self.encoder.encode(evidence, into: &self.batch)
        if before > 0, self.batchSpans + spans > self.options.maximumBatchSpans || self.batch.count > self.options.maximumBatchBytes { self.seal(upTo: before) }
        if self.batchSpans == 0 { self.batchStart = MonotonicClock.now() }
        self.batchSpans += spans
        self.batchRequests += 1
        if self.batchSpans >= self.options.maximumBatchSpans || self.batch.count >= self.options.maximumBatchBytes { self.seal(upTo: self.batch.count) }
    }

    public func tick(now: UInt64) {
        guard self.batch.count > 0 else { return }
        // What is being filled counts as waiting in memory: it must not do so for longer than the spool promises.
        let delay = min(UInt64(self.options.batchDelayMilliseconds) &* 1_000_000, self.stream.longestInMemory)
        if now >= self.batchStart &+ delay { self.seal(upTo: self.batch.count) }
    }

    /// Hands over the first `length` bytes of the batch, which hold all that is counted in it.
    private func seal(upTo length: Int) {
        let body = self.envelope.wrap(UnsafeRawBufferPointer(rebasing: self.batch.bytes[0..<length]))
        self.batch.removeFirst(length)
        self.stream.submit(body, items: self.batchSpans, requests: self.batchRequests, born: self.batchStart)
        self.batchSpans = 0
        self.batchRequests = 0
    }

    public func counts() -> DeliveryCounts { self.stream.counts() }

    public func prepareShutdown(deadline: UInt64) {
        if self.batch.count > 0 { self.seal(upTo: self.batch.count) }
        self.stream.end(deadline: deadline)
    }

    public func shutdown(deadline: UInt64) {
        if self.batch.count > 0 { self.seal(upTo: self.batch.count) }
        self.stream.finish(deadline: deadline)
    }
}
