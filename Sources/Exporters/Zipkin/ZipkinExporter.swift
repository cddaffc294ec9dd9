public import Telemetry

/// Turns sampled requests into Zipkin v2 spans, in batches for an ``ExportStream``, which delivers them: Kong's `zipkin`.
///
/// `consume` and `tick` run on the drain thread.
public final class ZipkinExporter: EvidenceConsumer, @unchecked Sendable {
    // Unchecked: everything mutable belongs to the drain thread.

    public let name: StaticString = "zipkin"
    private let options: HTTPSinkOptions
    private let stream: ExportStream
    private let encoder: ZipkinSpanEncoder
    private var batch = JSONBatch(isList: true)

    public init(options: HTTPSinkOptions, naming: ZipkinNaming, runner: ExportRunner) {
        self.options = options
        var target = options.target(consumer: "zipkin", signal: .traces, transport: "zipkin_http")
        // The bound is in requests, the queue counts spans; a request has a few.
        target.maximumQueuedItems = options.maximumQueuedRequests * 8
        self.stream = runner.makeStream(target)
        self.encoder = ZipkinSpanEncoder(naming: naming)
    }

    public func consume(_ evidence: RequestEvidence) {
        guard evidence.root.isExported else { return self.stream.sampledOut(requests: 1) }
        let spans = evidence.scopes.count + 1
        guard self.stream.admit(requests: 1, items: spans, pendingBytes: self.batch.bytes.count) else { return }
        self.batch.add(items: spans, now: MonotonicClock.now()) { self.encoder.encode(evidence, into: &$0) }
        if self.batch.requests >= self.options.batchRequests { self.seal() }
    }

    public func tick(now: UInt64) {
        guard self.batch.requests > 0 else { return }
        let delay = min(UInt64(self.options.batchDelayMilliseconds) &* 1_000_000, self.stream.longestInMemory)
        if now >= self.batch.began &+ delay { self.seal() }
    }

    private func seal() {
        let (body, items, requests, began) = self.batch.take()
        self.stream.submit(body, items: items, requests: requests, born: began)
    }

    public func counts() -> DeliveryCounts { self.stream.counts() }

    public func prepareShutdown(deadline: UInt64) {
        if self.batch.requests > 0 { self.seal() }
        self.stream.end(deadline: deadline)
    }

    public func shutdown(deadline: UInt64) {
        if self.batch.requests > 0 { self.seal() }
        self.stream.finish(deadline: deadline)
    }
}
